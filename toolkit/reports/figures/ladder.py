"""The figure of a ladder: students, the curve fitted to the low rungs, the held-out rung, teacher and base."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from toolkit.laws.curve.lawfit import LawFit
from toolkit.reports.figures.style import (
    GREY,
    LAW,
    LEGEND,
    SEEN,
    SHADE,
    budget_axis,
    error_axis,
    note_below,
    panel_title,
    plain,
    references,
    save,
)


def draw_ladder(
    path: Path,
    points: Sequence[Mapping[str, Any]],
    lines: Mapping[str, float],
    *,
    title: str,
    note: str,
    fit: LawFit | None = None,
    told: Mapping[str, Any] | None = None,
) -> None:
    """Write a PNG of errors against responses per question.

    Args:
        path: the file to write.
        points: one per student: budget, error (fraction), and corpus_draw where corpora were drawn anew.
        lines: name -> error (fraction) of reference models.
        title, note: above and below.
        fit, told: the law and its forecast, when there are enough rungs for one.
    """
    figure = Figure(figsize=(7.2, 4.6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    draw_panel(axes, points, lines, fit=fit, told=told)
    axes.legend(**LEGEND, loc="best")
    panel_title(axes, title)
    note_below(figure, note)
    save(figure, path)


def draw_panel(
    axes: Axes,
    points: Sequence[Mapping[str, Any]],
    lines: Mapping[str, float],
    *,
    fit: LawFit | None = None,
    told: Mapping[str, Any] | None = None,
) -> None:
    """The same without title, note and legend, on axes that lie in a larger figure; `told` may name its `bar`."""
    if fit is not None and told is not None:
        _law(axes, fit, told)
    _students(axes, points, told["held_out"] if told else None)
    references(axes, lines)
    budget_axis(axes, sorted({point["budget"] for point in points}))
    axes.set_xlabel("responses per question, r")
    error_axis(axes)
    plain(axes)


def _law(axes: Axes, fit: LawFit, told: Mapping[str, Any]) -> None:
    first, last, ahead = fit.rungs.x[0], fit.rungs.x[-1], told["held_out"]
    x = np.geomspace(first, ahead, 200)
    forecast = fit.predict(x, told["level"])
    axes.axvspan(first * 0.84, last * 1.19, color=SHADE, zorder=0, label="fitted rungs")
    axes.plot(x, forecast.mean, color=LAW, lw=2, label="law (posterior mean)", zorder=3)
    axes.fill_between(
        x, forecast.low, forecast.high, color=LAW, alpha=0.18, lw=0, label=f"{told['level']:.0%} of the curve"
    )
    law = told["law"]
    if law["low_new"] is not None:
        centre = law["mean"]
        spread = [[centre - law["low_new"]], [law["high_new"] - centre]]
        label = told.get("bar", f"{told['level']:.0%} of new students, forecast")
        axes.errorbar([ahead * 1.06], [centre], spread, color=LAW, capsize=5, lw=1.5, fmt="none", label=label, zorder=4)
    for style, name in ((":", "log-linear"), ("--", "last value")):
        start = fit.rungs.y[-1] if name == "last value" else fit.at(last)
        axes.plot([last, ahead], [start, told["baselines"][name]], color=GREY, lw=1, ls=style, label=name, zorder=2)


def _students(axes: Axes, points: Sequence[Mapping[str, Any]], held_out: int | None) -> None:
    several = len({point.get("corpus_draw") for point in points}) > 1
    over = "replicates" if several else "train seeds"
    errors = defaultdict(list)
    for point in points:
        errors[point["budget"]].append(point["error"])
    axes.scatter(
        [p["budget"] for p in points], [p["error"] for p in points], s=12, color=GREY, alpha=0.6, lw=0, zorder=4
    )
    for budget, values in errors.items():
        late = budget == held_out
        label = (
            "held-out rung, observed"
            if late
            else f"students, mean and sd over {over}"
            if budget == min(errors)
            else None
        )
        axes.errorbar(
            [budget],
            [statistics.mean(values)],
            [statistics.stdev(values) if values[1:] else 0.0],
            fmt="D" if late else "o",
            ms=7,
            mfc="white" if late else SEEN,
            mec=SEEN,
            mew=1.6,
            ecolor=SEEN,
            capsize=3,
            zorder=5,
            label=label,
        )
