"""Set a metric of arms' corpora (intrinsic) beside what their students learn (transfer), a point per arm and match."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.arms import MATCHES
from toolkit.reports.results import Cell, cell_name
from toolkit.reports.rules.audit import metric_draws, order_of
from toolkit.reports.rules.contests import FEWEST, Contest
from toolkit.reports.rules.gains import Comparison
from toolkit.statistics.correlation import FEWEST as FEWEST_ARMS
from toolkit.statistics.correlation import smallest_visible_correlation
from toolkit.statistics.intervals import Interval, contrasts
from toolkit.text import markdown_table, percent, points, share, span


@dataclass(frozen=True)
class ArmPoint:
    """One arm at one place: its corpus by a metric, and its students.

    Attributes:
        label: the arm, with its pair and cell where the results hold several.
        match: a key of `MATCHES`, what it has the same of as the baseline.
        corpus: mean of the metric over corpus draws in `unit`; with fewer than 2 draws the bounds are the mean.
        error: mean error of its students, a fraction.
        gain: the baseline's error minus its own, a fraction; None for the baseline.
    """

    label: str
    pair: str
    match: str
    cell: Cell
    metric: str
    unit: str
    corpus: Interval
    error: Interval
    gain: Interval | None

    @property
    def name(self) -> str:
        """Return the label with what the arm was matched at."""
        return self.label if self.gain is None else f"{self.label}, {self.match}"


def transfer(found: Comparison, metric: str, rules: DecisionRules) -> list[ArmPoint]:
    """Give a point for the baseline and for each arm whose corpus has this metric, at every place where they met.

    Intervals have the level of the gains, 1 - 2 alpha: of a metric over corpus draws, of errors and gains over
    replicates and, where answers are known, test items (the outer bounds of a bootstrap and of Student's t).

    Raises:
        ValueError: for a metric that no corpus has.
    """
    known = found.ledger.metrics()
    if metric not in known:
        raise ValueError(f"no corpus has the metric {metric!r}; they have {', '.join(known) or 'none'}")
    return [point for contest in found.contests for point in _points(found, contest, metric, 1 - 2 * rules.alpha)]


def _points(found: Comparison, contest: Contest, metric: str, level: float) -> Iterator[ArmPoint]:
    names = list(contest.wrong)
    errors = dict(zip(names, contrasts([contest.wrong[name] for name in names]), strict=True))
    gains = {gain.arm: gain for gain in found.gains if gain.place == contest.place}
    where = next(iter(gains.values()))
    suffix = where.label.removeprefix(where.arm)  # the pair and the cell, where there are several
    for name in names:
        draws = found.ledger.of(name, contest.place.match, contest.place.cell[1]).get(metric)
        if not draws:
            continue
        gain = gains.get(name)
        own = Interval(gain.estimate, gain.low, gain.high, gain.method) if gain else None
        corpus = _over_draws([*draws.values()], level)
        unit, error = found.ledger.units[metric], errors[name].interval(level)
        yield ArmPoint(f"{name}{suffix}", *contest.place, metric, unit, corpus, error, own)


def _over_draws(values: Sequence[float], level: float) -> Interval:
    if len(values) < FEWEST:
        return Interval(mean(values), mean(values), mean(values), "one draw")
    return contrasts([np.array(values)[:, None]])[0].interval(level)


def correlation_lines(found: Comparison, metric: str) -> list[str]:
    """Say for every place how the metric orders the arms beside their gains, and what so few arms can show."""
    return [_correlation(found, contest, metric) for contest in found.contests]


def _correlation(found: Comparison, contest: Contest, metric: str) -> str:
    where, order = _where(found, contest), order_of(found, contest, metric)
    count = len(metric_draws(found, contest, metric).keys() - {found.baseline})
    if count < FEWEST_ARMS:
        arms = "arm" if count == 1 else "arms"
        return f"{where}: {count} {arms} with this metric in every draw; a rank correlation needs {FEWEST_ARMS}."
    visible = f"±{smallest_visible_correlation(count):.2f} or beyond would show (80 % power)"
    limit = f"with {count} arms only a correlation of {visible}"
    if order is None:
        return f"{where}: the metric or the gain is the same in all {count} arms, so there is no order; {limit}."
    rank = order.correlation
    interval = f"95 % interval over replicates {rank.low:.2f} to {rank.high:.2f}"
    return (
        f"{where}: Spearman's rank correlation of {metric} with the gain is {rank.estimate:.2f} over {rank.n} arms "
        f"({interval}); {limit}."
    )


def _where(found: Comparison, contest: Contest) -> str:
    """Name the place of a contest, with the pair and the cell where there are several."""
    place, several = contest.place, len({other.place[::2] for other in found.contests}) > 1
    return f"At {MATCHES[place.match]}" + f" ({place.pair}, {cell_name(place.cell)})" * several


def transfer_rows(every: Sequence[ArmPoint]) -> list[list[str]]:
    """Give a row of text per point: arm, match, the corpus with its interval, error and gain with theirs."""
    return [
        [
            point.label,
            point.match,
            _spread(point.corpus),
            f"{percent(point.error.estimate)} ({_ends(point.error)})",
            "-" if point.gain is None else f"{points(point.gain.estimate)} ({span(point.gain.low, point.gain.high)})",
        ]
        for point in every
    ]


def _spread(corpus: Interval) -> str:
    return f"{corpus.estimate:.4g} ({corpus.low:.4g} to {corpus.high:.4g})"


def _ends(error: Interval) -> str:
    return span(error.low, error.high, "")


def transfer_header(every: Sequence[ArmPoint], rules: DecisionRules) -> list[str]:
    """Give the header of `transfer_rows`, with metric, unit and level."""
    level = share(1 - 2 * rules.alpha)
    metric = f"{every[0].metric} ({every[0].unit})" if every[0].unit else every[0].metric
    return ["arm", "compared at", f"{metric}, {level} interval", "error", "gain, points"]


def transfer_text(found: Comparison, metric: str, rules: DecisionRules) -> str:
    """Write the points as a Markdown table, and how the metric orders the arms."""
    every = transfer(found, metric, rules)
    table = markdown_table(transfer_header(every, rules), transfer_rows(every))
    return "\n\n".join([table, *correlation_lines(found, metric)])
