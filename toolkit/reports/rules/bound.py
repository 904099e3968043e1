"""Decide the rule of the bound: the gap between teacher and student at the top rung, and whether that is a floor.

A floor is the source's only where more training does not change the error, which students with doubled steps show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from toolkit.laws.forecast.ahead import AVERAGED, Ahead, forecast_of
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.recipe.sections import DOUBLED
from toolkit.reports.forecast import fit_points, rests_on
from toolkit.reports.results import Cell, Series, cell_name, select_control
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, Decision
from toolkit.statistics.intervals import Interval, accuracy_interval, contrasts
from toolkit.text import percent, points, share, span

HEADER = (
    "pair",
    "control",
    "top rung",
    "student",
    "teacher",
    "gap, points",
    "floor",
    "explained by the floor",
    "steps",
)


def steps_move(series: Series, all_series: Sequence[Series]) -> float | None:
    """Measure how far doubling the steps moves a pair's error: the largest change of a cell's mean, a fraction.

    It compares the cells that students of control `doubled` have, too; None where there are none.
    """
    key = series.pair, series.counting, DOUBLED
    doubled = [other for other in all_series if (other.pair, other.counting, other.control) == key]
    moves = [
        abs(mean(series.errors(cell)) - mean(other.errors(cell)))
        for other in doubled
        for cell in other.cells
        if cell in series.cells
    ]
    return max(moves, default=None)


@dataclass(frozen=True)
class Bounds:
    """An interval, without its estimate."""

    low: float
    high: float
    method: str


@dataclass(frozen=True)
class Shares:
    """Quantiles of a posterior: `floor_tail`, the median, 1 - `floor_tail`."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Floor(Shares):
    """Quantiles of the floor, and its least-squares value in the rectified law (or the form named)."""

    least_squares: float


@dataclass(frozen=True)
class BoundPart:
    """A pair at its top rung beside its teacher; errors are fractions.

    Attributes:
        gap: student minus teacher; `gap_detectable` is the smallest gap that could have been detected.
        floor, explained: the floor and the share of the gap that it explains; None where the noise is unknown.
        moved: the change of the error when the steps are doubled; None where that was not tried.
        floor_allowed: whether that change is small enough to speak of a floor of the source.
        reading: what the curve with this floor rests on, in words.
    """

    pair: str
    control: str
    top: Cell
    teacher: float
    teacher_interval: Bounds
    student: float
    students: int
    gap: Interval
    gap_detectable: float
    floor: Floor | None
    explained: Shares | None
    floor_above_teacher: bool
    moved: float | None
    floor_allowed: bool
    reading: str
    warnings: Sequence[str]


def decide_bound(
    experiment: str,
    all_series: Sequence[Series],
    rules: DecisionRules,
    *,
    by: str = AVERAGED,
    notes: Sequence[str] = (),
) -> Decision:
    """Decide whether a floor above the teacher's error remains.

    Confirmed: for every pair doubling the steps moves the error by less than `steps_move`, and all but `floor_tail` of
    the floor's posterior lies above the teacher's error. Nothing refutes it: a floor below the teacher, or an unknown
    one, says nothing about the next rung.

    Args:
        all_series: a series per pair and control; those that `select_control` selects are decided on, compared with
            the students of control `doubled`; a pair without these has no floor.
        by: whose floor it is: that of forms `averaged`, or of one form, by its name.

    Raises:
        ValueError: for a pair without a scored teacher, or a ladder that cannot be fitted.
    """
    counted = select_control(all_series, rules.control)
    parts = [_part(series, rules, steps_move(series, all_series), by) for series in counted]
    verdict = CONFIRMED if all(part.floor_above_teacher and part.floor_allowed for part in parts) else CANNOT_TELL
    header = [*HEADER]
    header[5], header[6] = (
        f"gap, points ({share(rules.level)} interval)",
        f"floor E ({share(1 - 2 * rules.floor_tail)})",
    )
    bars = "The gap's interval holds replicates and test items, the teacher's test items only; the teacher is fixed."
    rows = [_row(part) for part in parts]
    sentence = f"{'; '.join(_clause(part, rules) for part in parts)}."
    words = (bars, *rests_on({part.pair: part.reading for part in parts}), *notes)
    return Decision("bound", experiment, verdict, sentence, header, rows, {"parts": parts}, rules, words)


def _part(series: Series, rules: DecisionRules, moved: float | None, by: str) -> BoundPart:
    if "teacher" not in series.lines:
        raise ValueError(f"{series.pair}: the results hold no row of the teacher (arm 'teacher'): score it, too")
    questions = series.cells[0][0]
    top = max(cell for cell in series.cells if cell[0] == questions)
    wrong, teacher = series.matrix([top])[0], float(series.lines["teacher"].mean())
    (gap,) = contrasts([wrong - series.lines["teacher"]])
    fit = fit_points(series.ladder(questions), "rectified" if by == AVERAGED else by)
    ahead = forecast_of(fit, top[1], by)
    right = accuracy_interval(round((1 - teacher) * series.n), series.n, rules.level)
    floor, explained = (None, None) if fit.noise.source == "none" else _floor(ahead, fit.E, teacher, rules)
    return BoundPart(
        pair=series.pair, control=series.control, top=top, teacher=teacher,
        teacher_interval=Bounds(1 - right.high, 1 - right.low, right.method), student=gap.estimate + teacher,
        students=len(wrong), gap=gap.interval(rules.level),
        gap_detectable=gap.detectable((1 - rules.level) / 2, rules.power), floor=floor, explained=explained,
        floor_above_teacher=floor is not None and floor.low > teacher, moved=moved,
        floor_allowed=moved is not None and moved < rules.steps_move, reading=ahead.reading,
        warnings=ahead.notes,
    )  # fmt: skip


def _floor(top: Ahead, least_squares: float, teacher: float, rules: DecisionRules) -> tuple[Floor, Shares]:
    """Return the floor's posterior, and the share of the gap at the top rung that it explains."""
    floors = top.floor
    tails = [rules.floor_tail, 0.5, 1 - rules.floor_tail]
    # Per draw, the distance of its floor to the teacher as a share of its own gap at the top rung; a curve may dip
    # below the floor of its form by what no form says.
    shares = np.minimum((floors - teacher) / (top.curve[:, 0] - teacher), 1.0)
    low, middle, high = np.quantile(floors, tails).tolist()
    return Floor(low, middle, high, least_squares), Shares(*np.quantile(shares, tails).tolist())


def _row(part: BoundPart) -> list[str]:
    gap, floor, of_gap, teacher = part.gap, part.floor, part.explained, part.teacher_interval
    return [
        part.pair,
        part.control,
        cell_name(part.top),
        percent(part.student),
        f"{percent(part.teacher)} ({span(teacher.low, teacher.high, '')})",
        f"{points(gap.estimate)} ({span(gap.low, gap.high)})",
        "-" if floor is None else f"{points(floor.low, '')} to {points(floor.high, '')} %",
        "-" if of_gap is None else f"{share(of_gap.middle)} ({share(of_gap.low)} to {share(of_gap.high)})",
        _control(part),
    ]


def _control(part: BoundPart) -> str:
    return "not doubled" if part.moved is None else f"doubled: {_moved(part.moved)}"


def _moved(change: float) -> str:
    return f"{100 * change:.2f} points"  # to two digits: the limit is a round number


def _clause(part: BoundPart, rules: DecisionRules) -> str:
    gap, floor, of_gap = part.gap, part.floor, part.explained
    head = (
        f"{part.pair} at {cell_name(part.top)} is {points(gap.estimate, '')} points behind its teacher "
        f"({share(rules.level)} interval {span(gap.low, gap.high, '')})"
    )
    if floor is None or of_gap is None:
        return f"{head}, and its noise is not known, so nothing is said of a floor"
    explained = (
        f"the curve's floor would explain {share(of_gap.middle)} of it ({share(1 - 2 * rules.floor_tail)} interval "
        f"{share(of_gap.low)} to {share(of_gap.high)})"
    )
    if not part.floor_allowed:
        why = (
            "doubled steps were not tried"
            if part.moved is None
            else f"doubling the steps moves the error by {_moved(part.moved)}, "
            f"not by less than {100 * rules.steps_move:g}"
        )
        return f"{head}; {explained}, which is no floor of the source: {why}"
    if part.floor_above_teacher:
        return f"{head}; {explained} and lies above the teacher with probability {share(1 - rules.floor_tail)} at least"
    least = floor.middle - floor.low
    return (
        f"{head}; {explained}, but may lie below the teacher: a floor {points(least, '')} points above it would have "
        "been seen"
    )
