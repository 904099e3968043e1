"""Draw a law: rungs with their noise, curve and bands, baselines, held-out rungs and their forecast.

`draw_law` draws the law alone; the points on it are a run's students, each pair's, or the rungs of anybody's table.
"""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from toolkit.laws.curve.baselines import predict_baselines
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.noise import row_sd
from toolkit.laws.curve.predict import REFUSE_BEYOND, WIDEN_BEYOND
from toolkit.laws.forecast.ahead import AVERAGED, forecast_of
from toolkit.reports.figures.style import (
    GREY,
    LAW,
    LEGEND,
    OBSERVED,
    SHADE,
    budget_axis,
    check_suffix,
    error_axis,
    note_below,
    panel_title,
    plain,
    references,
    save,
    shared_legend,
)
from toolkit.reports.forecast import HeldOutForecast, Point, fit_points
from toolkit.reports.results import Series
from toolkit.reports.rules.law import LawPart
from toolkit.reports.rules.verdict import Decision
from toolkit.text import share

STYLES = {"log-linear": ":", "log-linear, last three": "-.", "last value": "--"}  # line styles of the baselines
TWO = ("log-linear", "last value")
COLUMNS = 3
MARGIN = 1.12


class Extrapolation(NamedTuple):
    """The held-out budget beyond the fitted rungs and, where there is a law, its mean and interval, with a label.

    `level` is the level of the curve's band, `by` what forecast: see `toolkit.laws.forecast.ahead`.
    """

    budget: float
    level: float
    mean: float | None
    low: float | None
    high: float | None
    label: str
    by: str


def extrapolation_of(forecast: HeldOutForecast) -> Extrapolation:
    """Return what a ladder's figure shows of its forecast: the interval of one new student."""
    law, level = forecast.law, forecast.level
    mean, low, high = (law.mean, law.low_new, law.high_new) if law else (None, None, None)
    return Extrapolation(
        forecast.held_out, level, mean, low, high, f"{share(level)} of new students, forecast", forecast.by
    )


def draw_ladder(
    path: Path,
    points: Sequence[Point],
    lines: Mapping[str, float],
    *,
    title: str,
    note: str,
    fit: LawFit | None = None,
    ahead: Extrapolation | None = None,
) -> None:
    """Write a PNG of errors against responses per question.

    Args:
        path: the file to write.
        points: one per student: budget, error (fraction), and corpus_draw where corpora were drawn anew.
        lines: name -> error (fraction) of reference models.
        title, note: above and below.
        fit, ahead: the law and its forecast, when there are enough rungs for one.
    """
    figure = Figure(figsize=(7.2, 4.6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    _students(axes, points, lines, fit, ahead)
    axes.legend(**LEGEND, loc="best")
    panel_title(axes, title)
    note_below(figure, note)
    save(figure, path)


def draw_pairs(path: Path, all_series: Sequence[Series], decision: Decision, *, title: str, note: str) -> None:
    """Write the figure of a decision by the law's rule as PNG, SVG or PDF: a panel for each pair.

    Args:
        path: the file to write.
        all_series: the series that were decided on.
        decision: of `decide_law`.
        title, note: above and below.
    """
    parts: Sequence[LawPart] = decision.numbers["parts"]
    ladders = {(series.pair, series.counting, series.control): series for series in all_series}
    columns = 1 if len(parts) == 1 else 2
    rows = ceil(len(parts) / columns)
    figure = Figure(figsize=(9.0 if columns == 1 else 11.8, 4.0 * rows + 0.6), dpi=150, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for panel, part in zip(panels, parts, strict=False):
        points = ladders[part.pair, part.counting, part.control].ladder(part.questions)
        fit = None if part.refused else fit_points(part.fitted, part.form)
        label = f"{share(decision.numbers['level'])} of a new mean of {part.students}"
        level, held_out = part.one_student.level, decision.numbers["held_out"]
        ahead = Extrapolation(held_out, level, part.forecast, part.low, part.high, label, part.by)
        _students(panel, points, part.lines, fit, ahead)
        panel_title(panel, part.pair + ": no law" * (fit is None))
        panel.label_outer()
    for panel in panels[len(parts) :]:
        panel.set_visible(False)
    handles, labels = shared_legend(panels)
    figure.legend(handles, labels, **LEGEND, loc="outside right center")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    note_below(figure, note, width=150 if columns == 1 else 200)
    save(figure, path)


def draw_fits(
    path: Path,
    fits: Mapping[str, LawFit],
    *,
    ahead: float | None = None,
    x: str = "r",
    y: str = "error",
    by: str = AVERAGED,
) -> None:
    """Write a PNG, SVG or PDF with one panel per fit, up to budget `ahead` (default: the last one fitted or held out).

    `x` and `y` label the axes; errors are drawn in percent, losses as they are; no curve goes beyond 16 x the last
    rung. Curves are forecasts `by`, see `forecast_of`. ValueError for another suffix.
    """
    check_suffix(path)
    columns = min(len(fits), COLUMNS)
    rows = ceil(len(fits) / columns)
    figure = Figure(figsize=(6.4 if columns == 1 else 4.6 * columns, 4.2 * rows), dpi=150, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, (name, fit) in zip(panels, fits.items(), strict=False):
        _fit(panel, fit, ahead, x, y, by)
        panel_title(panel, name)
    for panel in panels[len(fits) :]:
        panel.set_visible(False)
    panels[0].legend(**LEGEND, loc="best")
    save(figure, path)


def draw_law(
    axes: Axes,
    fit: LawFit,
    end: float,
    *,
    by: str = AVERAGED,
    level: float = 0.9,
    unit: float = 1.0,
    new_runs: bool = True,
    baselines: Sequence[str] = tuple(STYLES),
) -> None:
    """Draw a forecast from the first rung to budget `end`: fitted range, curve and bands, and its baselines beyond.

    Args:
        end: at most 16 x the last rung.
        by: what forecasts, `averaged` over forms or the form of the law.
        level: level of the bands.
        unit: factor of all values, 100 for percent.
        new_runs: whether to draw the band of one new run, too.
        baselines: names in `STYLES`.
    """
    first, last = fit.rungs.x[0], fit.rungs.x[-1]
    budgets = np.geomspace(first, end, 200)
    ahead = forecast_of(fit, budgets, by)
    axes.axvspan(first / MARGIN, last * MARGIN, color=SHADE, zorder=0, label="fitted rungs")
    bands = {"new runs": (0.1, ahead.interval(level, 1))} if new_runs else {}
    for name, (alpha, ends) in (bands | {"curves": (0.22, ahead.interval(level))}).items():
        axes.fill_between(budgets, *(unit * ends), color=LAW, alpha=alpha, lw=0, label=f"{share(level)} of {name}")
    label = "forecast, averaged over forms" if by == AVERAGED else "law"
    axes.plot(budgets, unit * ahead.mean, color=LAW, lw=2, label=label, zorder=3)
    if end > WIDEN_BEYOND * last and by != AVERAGED:
        axes.axvline(WIDEN_BEYOND * last, color=LAW, lw=0.8, ls=(0, (1, 3)), label="beyond: over all forms")
    if end > last * 1.001:
        beyond = np.geomspace(last, end, 50)
        lines = predict_baselines(fit, beyond)
        for name in baselines:
            axes.plot(beyond, unit * lines[name], color=GREY, lw=1, ls=STYLES[name], label=name, zorder=2)


def _students(
    axes: Axes, points: Sequence[Point], lines: Mapping[str, float], fit: LawFit | None, ahead: Extrapolation | None
) -> None:
    """Draw a ladder's students on its law, with the errors of reference models."""
    if fit is not None and ahead is not None:
        draw_law(axes, fit, ahead.budget, by=ahead.by, level=ahead.level, new_runs=False, baselines=TWO)
    if ahead is not None and ahead.mean is not None and ahead.low is not None and ahead.high is not None:
        spread = [[ahead.mean - ahead.low], [ahead.high - ahead.mean]]
        axes.errorbar(
            [ahead.budget * 1.06], [ahead.mean], spread, color=LAW, capsize=5, lw=1.5, fmt="none", label=ahead.label,
            zorder=4,
        )  # fmt: skip
    _rungs_of(axes, points, ahead and ahead.budget)
    references(axes, lines)
    budget_axis(axes, sorted({point["budget"] for point in points}))
    axes.set_xlabel("responses per question, r")
    error_axis(axes)
    plain(axes)


def _rungs_of(axes: Axes, points: Sequence[Point], held_out: float | None) -> None:
    """Draw every student, and each rung's mean and sd."""
    over = "replicates" if len({point.get("corpus_draw") for point in points}) > 1 else "train seeds"
    errors = defaultdict(list)
    for point in points:
        errors[point["budget"]].append(point["error"])
    budgets, single = [point["budget"] for point in points], [point["error"] for point in points]
    axes.scatter(budgets, single, s=12, color=GREY, alpha=0.6, lw=0, zorder=4)
    early = [budget for budget in errors if budget != held_out]
    late = [budget for budget in errors if budget == held_out]
    for rungs, label in ((early, f"students, mean and sd over {over}"), (late, "held-out rung, observed")):
        if rungs:
            means = [statistics.mean(errors[budget]) for budget in rungs]
            spread = [statistics.stdev(errors[budget]) if errors[budget][1:] else 0.0 for budget in rungs]
            _dots(axes, rungs, means, spread, label, hollow=rungs is late)


def _fit(axes: Axes, fit: LawFit, ahead: float | None, x: str, y: str, by: str) -> None:
    """Draw a fit with its rungs and the rungs held out of it."""
    unit = 100.0 if fit.settings.quantity == "error" else 1.0
    last, (late, values) = fit.rungs.x[-1], fit.held_out
    end = min(max(last, ahead or 0, *late), REFUSE_BEYOND * last)
    draw_law(axes, fit, end, by=by, unit=unit)
    has_noise = fit.noise.source != "none"
    spread = unit * row_sd(fit.noise, fit.rungs.x, np.zeros((1, 2)))[0] if has_noise else None
    _dots(axes, fit.rungs.x, unit * fit.rungs.y, spread, "rungs, mean and sd of one run" if has_noise else "rungs")
    if len(late):
        _dots(axes, late, unit * values, None, "held out, observed", hollow=True)
    axes.set_xscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(f"{y}, %" if unit == 100 else y)
    ticks = np.unique([*fit.rungs.x, *late, end])
    if len(ticks) <= 12 and ticks[-1] < 1e5:
        budget_axis(axes, ticks.tolist(), margin=MARGIN)
    plain(axes)


def _dots(axes: Axes, x: ArrayLike, y: ArrayLike, sd: ArrayLike | None, label: str, hollow: bool = False) -> None:
    """Draw measured errors: full dots where they were fitted, hollow diamonds where they were held out."""
    axes.errorbar(
        x, y, sd, fmt="D" if hollow else "o", ms=6.5, mfc="white" if hollow else OBSERVED, mec=OBSERVED, mew=1.5,
        ecolor=OBSERVED, capsize=3, lw=1.2, zorder=6 if hollow else 5, label=label,
    )  # fmt: skip
