"""Draw a forecast: its curve as far as that may be read, and only its interval farther out."""

import numpy as np
import plotly.graph_objects as go

import fitting
import plots
from scale import Scale
from selection import Choice
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.predict import REFUSE_BEYOND, WIDEN_BEYOND

WIDE = 0.9  # level of the far interval, whichever one is chosen
NEAR, FAR, REFUSED = "rgba(86,180,233,.45)", "rgba(213,94,0,.30)", "rgba(213,94,0,.10)"


def draw(choice: Choice, law: LawFit, budget: float, level: float) -> go.Figure:
    """Draw rungs, curve to 4 x and interval to 16 x the last fitted budget, and the requested budget."""
    plot = plots.figure("responses per question, r", choice.scale.axis, log_x=True)
    first, last = float(law.rungs.x[0]), float(law.rungs.x[-1])
    near, far = WIDEN_BEYOND * last, REFUSE_BEYOND * last
    _zone(plot, law, (first, near), level, choice.scale, f"{level:.0%} of curves", NEAR)
    _zone(plot, law, (near, far), WIDE, choice.scale, f"{WIDE:.0%} of curves, far", FAR)
    ahead = fitting.curve(law, first, near)
    plots.line(plot, ahead.budgets, choice.scale.percent(ahead.mean), "forecast", plots.LAW, width=2.5)
    _rungs(plot, choice)
    plots.shade(plot, first / 1.06, last * 1.06, text="fitted")
    plots.shade(plot, far, 2 * far, REFUSED)
    plots.note(plot, 2 * far, "refused", "right")
    plots.upright(plot, budget, plots.HELD_OUT)
    if budget <= far:
        _requested(plot, law, budget, level, choice.scale)
    plots.log_ticks(plot, [first * 2.0**k for k in range(int(np.ceil(np.log2(2 * far / first))) + 1)])
    plot.update_xaxes(range=[np.log10(first / 1.15), np.log10(2 * far)])
    return plot


def _zone(
    plot: go.Figure, law: LawFit, span: tuple[float, float], level: float, scale: Scale, name: str, color: str
) -> None:
    ahead = fitting.curve(law, *span)
    plots.band(plot, ahead.budgets, *scale.ends(*ahead.interval(level)), name, color)


def _rungs(plot: go.Figure, choice: Choice) -> None:
    rungs = fitting.rungs(choice.ladder)
    plot.add_scatter(
        x=[rung.budget for rung in rungs], y=[float(choice.scale.percent(rung.mean)) for rung in rungs], mode="markers",
        name="observed", marker={"size": 8, "color": plots.OBSERVED},
        hovertemplate="observed %{y:.2f} % at r = %{x:g}<extra></extra>",
    )  # fmt: skip


def _requested(plot: go.Figure, law: LawFit, budget: float, level: float, scale: Scale) -> None:
    """Draw the interval at the requested budget; its middle only where a number is given."""
    near = budget <= WIDEN_BEYOND * law.rungs.x[-1] * (1 + 1e-12)
    level = level if near else WIDE
    ahead = fitting.ahead(law, budget)
    low, high = map(float, scale.ends(*ahead.interval(level)[:, 0]))
    middle = float(scale.percent(ahead.mean[0])) if near else (low + high) / 2
    number = f"{middle:.2f} %, " if near else ""
    plot.add_scatter(
        x=[budget], y=[middle], mode="markers", name=f"r = {budget:g}",
        marker={"size": 11, "color": plots.HELD_OUT, "opacity": 1 if near else 0, "symbol": "diamond"},
        error_y={"array": [high - middle], "arrayminus": [middle - low], "color": plots.HELD_OUT, "width": 7},
        hovertemplate=f"r = {budget:g}: {number}{level:.0%} interval {low:.2f} to {high:.2f} %<extra></extra>",
    )  # fmt: skip
