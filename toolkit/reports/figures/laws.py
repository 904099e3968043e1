"""The figure of fitted laws: rungs with their noise, curve and bands, what was fitted, what was held out, baselines."""

from collections.abc import Mapping
from math import ceil
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from toolkit.laws.curve.baselines import predict_baselines
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.noise import row_sd
from toolkit.laws.curve.predict import REFUSE_BEYOND, WIDEN_BEYOND
from toolkit.reports.figures.style import (
    GREY,
    LAW,
    LEGEND,
    SEEN,
    SHADE,
    budget_axis,
    check_suffix,
    panel_title,
    plain,
    save,
)

BASELINES = {"log-linear": ":", "log-linear, last three": "-.", "last value": "--"}
COLUMNS = 3


def draw_laws(
    path: Path, fits: Mapping[str, LawFit], *, ahead: float | None = None, x: str = "r", y: str = "error"
) -> None:
    """Write a PNG, SVG or PDF with one panel per fit, up to budget `ahead` (default: the last one fitted or held out).

    `x` and `y` label the axes; errors are drawn in percent, losses as they are; no curve goes beyond 16 x the last
    rung. ValueError for another suffix.
    """
    check_suffix(path)
    columns = min(len(fits), COLUMNS)
    rows = ceil(len(fits) / columns)
    figure = Figure(figsize=(6.4 if columns == 1 else 4.6 * columns, 4.2 * rows), dpi=150, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, (name, fit) in zip(panels, fits.items(), strict=False):
        _draw(panel, fit, ahead, x, y)
        panel_title(panel, name)
    for panel in panels[len(fits) :]:
        panel.set_visible(False)
    panels[0].legend(**LEGEND, loc="best")
    save(figure, path)


def _draw(axes: Axes, fit: LawFit, ahead: float | None, x: str, y: str) -> None:
    unit = 100.0 if fit.settings.quantity == "error" else 1.0
    first, last = fit.rungs.x[0], fit.rungs.x[-1]
    reach = min(max(last, ahead or 0, *fit.held_out[0]), REFUSE_BEYOND * last)
    budgets = np.geomspace(first, reach, 200)
    axes.axvspan(first / 1.12, last * 1.12, color=SHADE, zorder=0, label="fitted range")
    forecast = fit.predict(budgets)
    curve = forecast.point if fit.solution.posterior is None else forecast.mean
    axes.fill_between(
        budgets, unit * forecast.low_new, unit * forecast.high_new, color=LAW, alpha=0.1, lw=0, label="90 % of new runs"
    )
    axes.fill_between(
        budgets, unit * forecast.low, unit * forecast.high, color=LAW, alpha=0.22, lw=0, label="90 % of curves"
    )
    axes.plot(budgets, unit * curve, color=LAW, lw=2, label="law", zorder=3)
    if reach > WIDEN_BEYOND * last:
        axes.axvline(WIDEN_BEYOND * last, color=LAW, lw=0.8, ls=(0, (1, 3)), label="beyond: over all forms")
    _baselines(axes, fit, np.geomspace(last, reach, 50), unit)
    _rungs(axes, fit, unit)
    axes.set_xscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(f"{y}, %" if unit == 100 else y)
    ticks = np.unique([*fit.rungs.x, *fit.held_out[0], reach])
    if len(ticks) <= 12 and ticks[-1] < 1e5:
        budget_axis(axes, ticks.tolist(), margin=1.12)
    plain(axes)


def _baselines(axes: Axes, fit: LawFit, budgets: np.ndarray, unit: float) -> None:
    if budgets[-1] <= budgets[0] * 1.001:
        return
    lines = predict_baselines(fit, budgets)
    for name, style in BASELINES.items():
        axes.plot(budgets, unit * lines[name], color=GREY, lw=1, ls=style, label=name, zorder=2)


def _rungs(axes: Axes, fit: LawFit, unit: float) -> None:
    known = fit.noise.source != "none"
    spread = row_sd(fit.noise, fit.rungs.x, np.zeros((1, 2)))[0] if known else None
    label = "rungs" if spread is None else "rungs, mean and sd of one run"
    axes.errorbar(
        fit.rungs.x,
        unit * fit.rungs.y,
        None if spread is None else unit * spread,
        fmt="o",
        ms=5.5,
        color=SEEN,
        capsize=3,
        lw=1.2,
        zorder=5,
        label=label,
    )
    if len(fit.held_out[0]):
        axes.scatter(
            fit.held_out[0],
            unit * fit.held_out[1],
            s=42,
            marker="D",
            facecolors="white",
            edgecolors=SEEN,
            linewidths=1.4,
            zorder=6,
            label="held out, observed",
        )
