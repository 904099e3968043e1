"""Decide the rule of expansion (RQ2a): more questions or more answers at matched totals, small and large ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.results import Series, cell_name
from toolkit.reports.rules.gaps import Gap, crossover, gaps_of, matched, widest
from toolkit.reports.rules.routes import RoutePart, decision_of, facts_of, ordered
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, REFUTED, Decision
from toolkit.reports.surface_report import SurfaceReport, describe_surface
from toolkit.statistics.families import equivalent
from toolkit.statistics.intervals import Interval
from toolkit.text import points, share, span


def decide_expansion(
    experiment: str, all_series: Sequence[Series], rules: DecisionRules, notes: Sequence[str] = ()
) -> Decision:
    """Decide RQ2a, whether more questions win at large totals and neither route does at small ones.

    Confirmed: equivalent within the margin (TOST) at the smallest matched total, and the interval lies above 0 at the
    largest. Refuted: it lies below 0 there. At each total the fewest questions are compared with the most that have it.

    Raises:
        NoAnswer: for a series in which no two cells have one total, or share no replicate.
    """
    return decision_of(
        "expansion", experiment, [_part(series, rules) for series in ordered(all_series, rules)], rules, notes
    )


@dataclass(frozen=True, kw_only=True)
class ExpansionPart(RoutePart):
    """One series by the rule of expansion.

    Attributes:
        equivalent: whether the gap at the smallest total lies within the margin, by its `equivalence_interval`.
        crossover_total: the total from which on more questions win; None where there is none.
        detectable: the smallest gap that could have been detected at the largest total.
        margin_shown: the smallest margin that could have been shown at the smallest total.
        surface: None for cells that have none.
    """

    equivalent: bool
    equivalence_interval: Interval
    crossover_total: int | None
    detectable: float
    margin_shown: float
    surface: SurfaceReport | None


def _part(series: Series, rules: DecisionRules) -> ExpansionPart:
    gaps = gaps_of(series, matched(series.cells))
    first, last = widest(gaps)[0], widest(gaps)[-1]
    same, narrow = equivalent(first.contrast, rules.margin, rules.alpha)
    end = last.contrast.interval(rules.level)
    verdict = CONFIRMED if same and end.low > 0 else REFUTED if end.high < 0 else CANNOT_TELL
    least = last.contrast.detectable((1 - rules.level) / 2, rules.power)
    margin, total = max(abs(narrow.low), abs(narrow.high)), crossover(gaps, rules.level)
    clauses = [_at_first(first, same, narrow, rules), _at_last(last, end, rules), _wins(total)]
    if verdict == CANNOT_TELL:
        clauses.append(
            f"the smallest difference that could have been seen at {last.total:,} is {points(least, '')} points, the "
            f"smallest margin that could have been shown at the smallest total is {points(margin, '')}"
        )
    return ExpansionPart(
        **facts_of(series, verdict, "; ".join(clauses), gaps, rules),
        equivalent=same,
        equivalence_interval=narrow,
        crossover_total=total,
        detectable=least,
        margin_shown=margin,
        surface=describe_surface(series, rules),
    )


def _wins(total: int | None) -> str:
    return f"more questions win from {total:,} on" if total else "at no total do more questions win for sure"


def _at_first(gap: Gap, same: bool, narrow: Interval, rules: DecisionRules) -> str:
    return (
        f"at {gap.total:,} responses {_cells(gap)} differ by {points(gap.contrast.estimate)} points "
        f"({share(1 - 2 * rules.alpha)} interval {span(narrow.low, narrow.high)}; "
        f"{'' if same else 'not '}equivalent within {points(rules.margin, '')})"
    )


def _at_last(gap: Gap, end: Interval, rules: DecisionRules) -> str:
    return (
        f"at {gap.total:,} {_cells(gap)} differ by {points(gap.contrast.estimate)} "
        f"({share(rules.level)} {span(end.low, end.high)})"
    )


def _cells(gap: Gap) -> str:
    return f"{cell_name(gap.few)} and {cell_name(gap.many)}"
