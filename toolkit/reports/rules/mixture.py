"""The rule of a mixed pool (STEM): questions asked once against fewer questions asked more often, at matched totals."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from toolkit.recipe.decision_rules import Rules
from toolkit.reports.results import Series
from toolkit.reports.rules.gaps import Gap, covering, gaps_of
from toolkit.reports.rules.routes import decision_of, ordered, part_of
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, REFUTED, Decision
from toolkit.statistics.families import holm_bounds, per_doubling
from toolkit.statistics.intervals import Contrast, contrasts
from toolkit.text import joined, points, span


def decide_mixture(experiment: str, every: Sequence[Series], rules: Rules, notes: Sequence[str] = ()) -> Decision:
    """STEM. Confirmed: Holm's lower bound of the gap is above 0 at every total, for every set whose budget is raised,
    and for each set the gap grows per doubling. Refuted: any of Holm's upper bounds is below 0.

    Raises:
        NoAnswer: for a series in which no two cells have one total, or share no replicate.
    """
    parts = [_part(series, rules) for series in ordered(every, rules)]
    return decision_of("mixture", experiment, parts, rules, notes)


def _part(series: Series, rules: Rules) -> dict[str, Any]:
    gaps = gaps_of(series, covering(series.cells))
    family, growth = [gap.contrast for gap in gaps], _growth(gaps)
    above, below = holm_bounds(family, rules.alpha), holm_bounds([-each for each in family], rules.alpha)
    slopes = {name: each.interval(rules.level) for name, each in growth.items()}
    won = all(holds for _, holds in above) and bool(slopes) and all(slope.low > 0 for slope in slopes.values())
    verdict = CONFIRMED if won else REFUTED if any(holds for _, holds in below) else CANNOT_TELL
    facts = {
        "holm_lower": [{"bound": low, "above_0": holds} for low, holds in above],
        "holm_upper": [{"bound": -low, "below_0": holds} for low, holds in below],
        "slopes": {name: asdict(slope) for name, slope in slopes.items()},
        "estimates": {"low": min(c.estimate for c in family), "high": max(c.estimate for c in family)},
        "detectable": max(each.detectable(rules.alpha / len(family), rules.power) for each in family),
        "slope_detectable": max(
            (each.detectable((1 - rules.level) / 2, rules.power) for each in growth.values()), default=None
        ),
    }
    return part_of(series, verdict, _told(series, facts, verdict), gaps, rules) | facts


def _told(series: Series, facts: dict[str, Any], verdict: str) -> str:
    lower, slopes, ends = facts["holm_lower"], facts["slopes"], facts["estimates"]
    told = (
        f"more questions at r = {min(r for _, r in series.cells)} are ahead by {span(ends['low'], ends['high'])} "
        f"points over {len(lower)} matched comparisons, for sure (Holm) in {sum(each['above_0'] for each in lower)}; "
    )
    changes = [
        f"{points(s['estimate'])} ({span(s['low'], s['high'])}) against {m} questions" for m, s in slopes.items()
    ]
    told += f"per doubling of the total the gap changes by {joined(changes)}" if changes else "one total has no slope"
    if verdict != CANNOT_TELL:
        return told
    told += f"; the smallest gap that could have been seen is {points(facts['detectable'], '')} points"
    least = facts["slope_detectable"]
    return told if least is None else f"{told}, the smallest growth {points(least, '')} per doubling"


def _growth(gaps: Sequence[Gap]) -> dict[str, Contrast]:
    """By question set whose budget is raised at two totals or more: the slope of its gap per doubling of the total."""
    sets = {few: [gap for gap in gaps if gap.few[0] == few] for few in sorted({gap.few[0] for gap in gaps})}
    kept = {few: each for few, each in sets.items() if len({gap.total for gap in each}) > 1}
    if not kept:
        return {}
    slopes = [per_doubling([gap.matrix for gap in each], [gap.total for gap in each]) for each in kept.values()]
    return dict(zip((f"{few:,}" for few in kept), contrasts(slopes), strict=True))
