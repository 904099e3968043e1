"""Decide the rule of the audit (RQ3): response protocols against plain rejection sampling, intrinsic beside transfer.

A metric of the corpus (intrinsic) is decoupled from what students learn (transfer) in an arm in which it shifts while
the arm's gain stays within the margin.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean, variance

import numpy as np

from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.arms import ComparedArm
from toolkit.reports.corpora import TABLE, CorpusValue
from toolkit.reports.results import Cell
from toolkit.reports.rules.contests import FEWEST, Contest
from toolkit.reports.rules.gains import Comparison, Gain, compare_arms
from toolkit.reports.rules.ledger import Draws
from toolkit.reports.rules.synthesis import arms_decision
from toolkit.reports.rules.verdict import Decision, NoAnswer
from toolkit.statistics.correlation import FEWEST as FEWEST_ARMS
from toolkit.statistics.correlation import RankCorrelation, smallest_visible_correlation, spearman
from toolkit.text import markdown_table, points

NAMED = 3  # decoupled shifts, the largest, that the sentence names


@dataclass(frozen=True)
class Shift:
    """How far a metric of an arm's corpus is from the baseline's.

    Attributes:
        value, baseline: means over corpus draws, in `unit`.
        sd: over corpus draws within an arm, pooled over all arms of the contest.
        shift: value minus baseline, in sd.
        gain: of the arm's students, a fraction.
        shifted: whether it is further away than `shift_sd`; `decoupled`, whether the gain is within the margin, too.
    """

    metric: str
    unit: str
    arm: str
    label: str
    pair: str
    match: str
    cell: Cell
    value: float
    baseline: float
    sd: float
    shift: float
    gain: float
    shifted: bool
    decoupled: bool


@dataclass(frozen=True)
class MetricOrder:
    """Whether the arms of a contest have the same order by a metric and by their gains."""

    metric: str
    pair: str
    match: str
    cell: Cell
    correlation: RankCorrelation


def decide_audit(
    experiment: str,
    arms: Sequence[ComparedArm],
    corpora: Sequence[CorpusValue],
    rules: DecisionRules,
    *,
    baseline: str | None = None,
    notes: Sequence[str] = (),
) -> Decision:
    """Decide RQ3, whether a response protocol beats plain rejection sampling, by the rule of `decide_synthesis`.

    Beside the verdict it lists every shift of a metric, those that are decoupled from transfer, and the rank
    correlation of each metric with the gains.

    Args:
        corpora: metrics of the arms' corpora at two draws or more, and what they cost.

    Raises:
        NoAnswer: for arms that cannot be compared, see `contests_of`, or without metrics of their corpora.
    """
    return audit_decision(experiment, compare_arms(arms, corpora, rules, baseline), rules, notes)


def audit_decision(experiment: str, found: Comparison, rules: DecisionRules, notes: Sequence[str] = ()) -> Decision:
    """Decide RQ3 on arms that are compared already; see `decide_audit`."""
    if not found.ledger.metrics():
        raise NoAnswer(f"an audit compares what corpora look like, and no metric of any is known: give their {TABLE}")
    shifts = [shift for contest in found.contests for shift in _shifts(found, contest, rules)]
    every = [order_of(found, contest, metric) for contest in found.contests for metric in found.ledger.metrics()]
    orders = [order for order in every if order]
    decision = arms_decision("audit", experiment, found, rules, notes)
    return replace(
        decision,
        sentence=f"{decision.sentence[:-1]}; {_clauses(found, shifts, orders, rules)}.",
        numbers={**decision.numbers, "shift_sd": rules.shift_sd, "shifts": shifts, "orders": orders},
        notes=[*_left_out(found, shifts), *_read(orders), *decision.notes],
    )


def metric_draws(found: Comparison, contest: Contest, metric: str) -> dict[str, Draws]:
    """Give a metric by arm, those arms that have it at all corpus draws of the contest; empty without the baseline."""
    draws = sorted({draw for draw, _ in contest.replicates})
    known = {}
    for arm in contest.errors:
        values = found.ledger.of(arm, contest.place.match, contest.place.cell[1]).get(metric, {})
        if set(draws) <= values.keys():
            known[arm] = {draw: values[draw] for draw in draws}
    return known if found.baseline in known and len(draws) >= FEWEST else {}


def _shifts(found: Comparison, contest: Contest, rules: DecisionRules) -> Iterator[Shift]:
    gains = [gain for gain in found.gains if gain.place == contest.place]
    for metric in found.ledger.metrics():
        known = metric_draws(found, contest, metric)
        sd = _pooled(known)
        if not sd:
            continue
        middle = {arm: mean(draws.values()) for arm, draws in known.items()}
        for gain in gains:
            if gain.arm in middle:
                yield _shift(
                    metric, found.ledger.units[metric], gain, middle[gain.arm], middle[found.baseline], sd, rules
                )


def _pooled(known: Mapping[str, Draws]) -> float:
    """Return the sd within arms over corpus draws, 0 where no arm varies."""
    variances = [0.0 if len(set(draws.values())) == 1 else variance(draws.values()) for draws in known.values()]
    return float(np.sqrt(np.mean(variances))) if variances else 0.0


def _shift(metric: str, unit: str, gain: Gain, value: float, baseline: float, sd: float, rules: DecisionRules) -> Shift:
    shift = (value - baseline) / sd
    shifted = abs(shift) > rules.shift_sd
    return Shift(
        metric=metric, unit=unit, arm=gain.arm, label=gain.label, pair=gain.pair, match=gain.match, cell=gain.cell,
        value=value, baseline=baseline, sd=sd, shift=shift, gain=gain.estimate, shifted=shifted,
        decoupled=shifted and gain.inside,
    )  # fmt: skip


def order_of(found: Comparison, contest: Contest, metric: str) -> MetricOrder | None:
    """Correlate a metric with the gains over the arms of a contest; None where there are too few arms, or no order.

    The baseline has neither shift nor gain and is left out.
    """
    known = metric_draws(found, contest, metric)
    names = sorted(known.keys() - {found.baseline})
    values = np.array([[known[name][draw] for draw, _ in contest.replicates] for name in names])
    gains = np.array([contest.gains[name].means for name in names])
    if len(names) < FEWEST_ARMS or not all(np.ptp(side.mean(axis=1)) > 0 for side in (values, gains)):
        return None
    return MetricOrder(metric, *contest.place, correlation=spearman(values, gains))


def _clauses(found: Comparison, shifts: Sequence[Shift], orders: Sequence[MetricOrder], rules: DecisionRules) -> str:
    shifted = [shift for shift in shifts if shift.shifted]
    decoupled = sorted((s for s in shifted if s.decoupled), key=lambda s: (-abs(s.shift), s.label, s.metric))
    text = (
        f"{len(shifted)} of {len(shifts)} intrinsic shifts (one metric of one arm) exceed {rules.shift_sd:g} sd, "
        f"{len(decoupled)} of them in arms whose gain stays within {points(rules.margin, '')} points"
    )
    named = list(dict.fromkeys(f"{s.metric} of {s.label} {s.shift:+.3g} sd" for s in decoupled))
    if named:
        text += f" ({'such as ' * (len(named) > NAMED)}{', '.join(named[:NAMED])})"
    return f"{text}; {_correlated(found, orders)}"


def _correlated(found: Comparison, orders: Sequence[MetricOrder]) -> str:
    counts = [len(contest.gains) for contest in found.contests]
    count = min((each for each in counts if each >= FEWEST_ARMS), default=max(counts))
    if count < FEWEST_ARMS:
        return f"{count} protocols are too few to correlate shifts with gains ({FEWEST_ARMS} are needed)"
    limit = f"only a correlation of {smallest_visible_correlation(count):.2f} or more would show over {count} protocols"
    if not orders:
        return f"no metric can be ordered beside the gains; {limit}"
    best = max(orders, key=lambda order: (abs(order.correlation.estimate), order.metric))
    rank = best.correlation
    return (
        f"of {len({order.metric for order in orders})} metrics {best.metric} has the strongest rank correlation with "
        f"the gain, {rank.estimate:.2f} ({rank.low:.2f} to {rank.high:.2f}), and {limit}"
    )


def _left_out(found: Comparison, shifts: Sequence[Shift]) -> list[str]:
    absent = sorted(set(found.ledger.metrics()) - {shift.metric for shift in shifts})
    if not absent:
        return []
    return [
        f"Without a shift, as the baseline lacks them or they do not vary over {FEWEST} corpus draws or more: "
        f"{', '.join(absent)}."
    ]


def _read(orders: Sequence[MetricOrder]) -> list[str]:
    shift = (
        "A shift is the difference of an arm's metric from the baseline's in sd over corpus draws, pooled over arms."
    )
    if not orders:
        return [shift]
    return [
        f"{shift} Of {len(orders)} rank correlations one in 20 lies beyond {orders[0].correlation.significant:.2f} by "
        "chance; their bounds hold replicates, not the choice of protocols."
    ]


def shift_lines(numbers: Mapping[str, object]) -> list[str]:
    """Write the shifts of a decision as Markdown, a table per place where arms met."""
    shifts: Sequence[Shift] = numbers["shifts"]  # type: ignore[assignment]
    orders: Sequence[MetricOrder] = numbers["orders"]  # type: ignore[assignment]
    places = dict.fromkeys((shift.pair, shift.match, shift.cell) for shift in shifts)
    return [_shift_table([s for s in shifts if _place(s) == p], [o for o in orders if _place(o) == p]) for p in places]


def _place(each: Shift | MetricOrder) -> tuple[str, str, Cell]:
    return each.pair, each.match, each.cell


def _shift_table(shifts: Sequence[Shift], orders: Sequence[MetricOrder]) -> str:
    labels = sorted({shift.label for shift in shifts})
    ranks = {order.metric: order.correlation for order in orders}
    header = ["shift in sd (* decoupled)", "compared at", "baseline", *labels, "rank correlation with the gain"]
    rows = []
    for metric in dict.fromkeys(shift.metric for shift in shifts):
        own = {shift.label: shift for shift in shifts if shift.metric == metric}
        first, rank = next(iter(own.values())), ranks.get(metric)
        told = "-" if rank is None else f"{rank.estimate:.2f} ({rank.low:.2f} to {rank.high:.2f})"
        cells = [_cell(own[label]) if label in own else "-" for label in labels]
        rows.append([metric, first.match, f"{first.baseline:.3g}", *cells, told])
    return markdown_table(header, rows)


def _cell(shift: Shift) -> str:
    return f"{shift.shift:+.1f}{'*' * shift.decoupled}"
