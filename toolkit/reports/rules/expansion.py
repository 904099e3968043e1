"""The rule of expansion (RQ2a): more questions or more answers at matched totals, small ones and large ones."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from toolkit.recipe.decision_rules import Rules
from toolkit.reports.results import Series, cell_name
from toolkit.reports.rules.gaps import Gap, crossover, gaps_of, matched, widest
from toolkit.reports.rules.routes import decision_of, ordered, part_of
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, REFUTED, Decision
from toolkit.reports.surface_report import describe_surface
from toolkit.statistics.families import equivalent
from toolkit.statistics.intervals import Interval
from toolkit.text import points, share, span


def decide_expansion(experiment: str, every: Sequence[Series], rules: Rules, notes: Sequence[str] = ()) -> Decision:
    """RQ2a. Confirmed: equivalent within the margin (TOST) at the smallest matched total, and the interval lies above 0
    at the largest. Refuted: it lies below 0 there. At each total the fewest questions meet the most that have it.

    Raises:
        NoAnswer: for a series in which no two cells have one total, or share no replicate.
    """
    return decision_of(
        "expansion", experiment, [_part(series, rules) for series in ordered(every, rules)], rules, notes
    )


def _part(series: Series, rules: Rules) -> dict[str, Any]:
    gaps = gaps_of(series, matched(series.cells))
    first, last = widest(gaps)[0], widest(gaps)[-1]
    same, narrow = equivalent(first.contrast, rules.margin, rules.alpha)
    end = last.contrast.interval(rules.level)
    verdict = CONFIRMED if same and end.low > 0 else REFUTED if end.high < 0 else CANNOT_TELL
    facts = {
        "equivalent": same,
        "equivalence_interval": asdict(narrow),
        "crossover_total": crossover(gaps, rules.level),
        "detectable": last.contrast.detectable((1 - rules.level) / 2, rules.power),
        "margin_shown": max(abs(narrow.low), abs(narrow.high)),
        "surface": describe_surface(series, rules),
    }
    told = "; ".join([_at_first(first, same, narrow, rules), _at_last(last, end, rules), _beyond(facts, verdict, last)])
    return part_of(series, verdict, told, gaps, rules) | facts


def _at_first(gap: Gap, same: bool, narrow: Interval, rules: Rules) -> str:
    return (
        f"at {gap.total:,} responses {_cells(gap)} differ by {points(gap.contrast.estimate)} points "
        f"({share(1 - 2 * rules.alpha)} interval {span(narrow.low, narrow.high)}; "
        f"{'' if same else 'not '}equivalent within {points(rules.margin, '')})"
    )


def _at_last(gap: Gap, end: Interval, rules: Rules) -> str:
    return (
        f"at {gap.total:,} {_cells(gap)} differ by {points(gap.contrast.estimate)} "
        f"({share(rules.level)} {span(end.low, end.high)})"
    )


def _beyond(facts: dict[str, Any], verdict: str, last: Gap) -> str:
    total = facts["crossover_total"]
    told = f"more questions win from {total:,} on" if total else "at no total do more questions win for sure"
    if verdict != CANNOT_TELL:
        return told
    return (
        f"{told}; the smallest difference that could have been seen at {last.total:,} is "
        f"{points(facts['detectable'], '')} points, the smallest margin that could have been shown at the smallest "
        f"total is {points(facts['margin_shown'], '')}"
    )


def _cells(gap: Gap) -> str:
    return f"{cell_name(gap.few)} and {cell_name(gap.many)}"
