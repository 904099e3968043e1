"""Decide the rule of a mixed pool (STEM): questions asked once, or fewer asked more often, at matched totals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.results import Series
from toolkit.reports.rules.gaps import Gap, covering, gaps_of
from toolkit.reports.rules.routes import RoutePart, decision_of, facts_of, ordered
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, REFUTED, Decision
from toolkit.statistics.families import holm_bounds, per_doubling
from toolkit.statistics.intervals import Contrast, Interval, contrasts
from toolkit.text import joined, points, span


def decide_mixture(
    experiment: str, all_series: Sequence[Series], rules: DecisionRules, notes: Sequence[str] = ()
) -> Decision:
    """Decide STEM, whether more questions win at every matched total, and by ever more.

    Confirmed: Holm's lower bound of the gap is above 0 at every total, for every set whose budget is raised, and for
    each set the gap grows per doubling. Refuted: any of Holm's upper bounds is below 0.

    Raises:
        NoAnswer: for a series in which no two cells have one total, or share no replicate.
    """
    parts = [_part(series, rules) for series in ordered(all_series, rules)]
    return decision_of("mixture", experiment, parts, rules, notes)


@dataclass(frozen=True)
class Above:
    """Holm's lower bound of a gap, and whether it is above 0."""

    bound: float
    above_0: bool


@dataclass(frozen=True)
class Below:
    """Holm's upper bound of a gap, and whether it is below 0."""

    bound: float
    below_0: bool


@dataclass(frozen=True)
class Range:
    """The smallest and the largest of several numbers."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class MixturePart(RoutePart):
    """One series by the rule of a mixed pool.

    Attributes:
        holm_lower, holm_upper: bounds of its gaps, in their order.
        slopes: growth of the gap per doubling of the total, by question set.
        estimates: the range of the gaps.
        detectable, slope_detectable: the smallest gap, and growth, that could have been detected.
    """

    holm_lower: Sequence[Above]
    holm_upper: Sequence[Below]
    slopes: Mapping[str, Interval]
    estimates: Range
    detectable: float
    slope_detectable: float | None

    @property
    def bounds(self) -> Sequence[float]:
        """Return Holm's lower bounds."""
        return [lower.bound for lower in self.holm_lower]


def _part(series: Series, rules: DecisionRules) -> MixturePart:
    gaps = gaps_of(series, covering(series.cells))
    family, growth = [gap.contrast for gap in gaps], _growth(gaps)
    above, below = holm_bounds(family, rules.alpha), holm_bounds([-contrast for contrast in family], rules.alpha)
    slopes = {name: contrast.interval(rules.level) for name, contrast in growth.items()}
    won = all(holds for _, holds in above) and bool(slopes) and all(slope.low > 0 for slope in slopes.values())
    verdict = CONFIRMED if won else REFUTED if any(holds for _, holds in below) else CANNOT_TELL
    part = MixturePart(
        **facts_of(series, verdict, "", gaps, rules),
        holm_lower=[Above(low, holds) for low, holds in above],
        holm_upper=[Below(-low, holds) for low, holds in below],
        slopes=slopes,
        estimates=Range(min(contrast.estimate for contrast in family), max(contrast.estimate for contrast in family)),
        detectable=max(contrast.detectable(rules.alpha / len(family), rules.power) for contrast in family),
        slope_detectable=max(
            (contrast.detectable((1 - rules.level) / 2, rules.power) for contrast in growth.values()), default=None
        ),
    )
    # `told` may already say that there is only one replicate.
    return replace(part, told=_clause(series, part, verdict) + part.told)


def _clause(series: Series, part: MixturePart, verdict: str) -> str:
    lower, ends = part.holm_lower, part.estimates
    clause = (
        f"more questions at r = {min(r for _, r in series.cells)} are ahead by {span(ends.low, ends.high)} "
        f"points over {len(lower)} matched comparisons, for sure (Holm) in {sum(bound.above_0 for bound in lower)}; "
    )
    changes = [
        f"{points(slope.estimate)} ({span(slope.low, slope.high)}) against {questions} questions"
        for questions, slope in part.slopes.items()
    ]
    clause += f"per doubling of the total the gap changes by {joined(changes)}" if changes else "one total has no slope"
    if verdict != CANNOT_TELL:
        return clause
    clause += f"; the smallest gap that could have been seen is {points(part.detectable, '')} points"
    least = part.slope_detectable
    return clause if least is None else f"{clause}, the smallest growth {points(least, '')} per doubling"


def _growth(gaps: Sequence[Gap]) -> dict[str, Contrast]:
    """Fit, for each question set with a raised budget at two totals or more, its gap's slope per doubling."""
    sets = {few: [gap for gap in gaps if gap.few[0] == few] for few in sorted({gap.few[0] for gap in gaps})}
    growing = {few: set_gaps for few, set_gaps in sets.items() if len({gap.total for gap in set_gaps}) > 1}
    if not growing:
        return {}
    slopes = [
        per_doubling([gap.matrix for gap in set_gaps], [gap.total for gap in set_gaps]) for set_gaps in growing.values()
    ]
    return dict(zip((f"{few:,}" for few in growing), contrasts(slopes), strict=True))
