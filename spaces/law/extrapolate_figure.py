"""Draw a forecast: the law as far as it may be read, with wider intervals farther out."""

import numpy as np
import plotly.graph_objects as go

import fitting
import plots
from scale import Scale
from selection import Choice
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.predict import REFUSE_BEYOND, WIDEN_BEYOND

WIDE = 0.9  # level of the envelope, whichever interval is chosen
NEAR, FAR, REFUSED = "rgba(86,180,233,.45)", "rgba(213,94,0,.30)", "rgba(213,94,0,.10)"


def draw(choice: Choice, law: LawFit, budget: float, level: float) -> go.Figure:
    """Draw rungs, curve to 4 x and envelope to 16 x the last fitted budget, and the requested budget."""
    plot = plots.figure("responses per question, r", choice.scale.axis, log_x=True)
    first, last = float(law.rungs.x[0]), float(law.rungs.x[-1])
    near, far = WIDEN_BEYOND * last, REFUSE_BEYOND * last
    _zone(plot, law, (first, near), level, choice.scale, f"{level:.0%} of curves", NEAR)
    # Just beyond 4 x, where the envelope over all forms begins.
    _zone(plot, law, (near * 1.0001, far), WIDE, choice.scale, f"{WIDE:.0%}, over all forms", FAR)
    forecast = fitting.curve(law, first, near, level)
    plots.line(plot, forecast.r, choice.scale.percent(law.mean(forecast.r)), "law", plots.LAW, width=2.5)
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
    forecast = fitting.curve(law, *span, level)
    if np.isfinite(forecast.low).all():
        plots.band(plot, forecast.r, *scale.ends(forecast.low, forecast.high), name, color)


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
    forecast = law.predict(budget, level)
    if not np.isfinite(forecast.low):
        return
    low, high = map(float, scale.ends(forecast.low, forecast.high))
    middle = float(scale.percent(forecast.mean)) if near else (low + high) / 2
    number = f"{middle:.2f} %, " if near else ""
    plot.add_scatter(
        x=[budget], y=[middle], mode="markers", name=f"r = {budget:g}",
        marker={"size": 11, "color": plots.HELD_OUT, "opacity": 1 if near else 0, "symbol": "diamond"},
        error_y={"array": [high - middle], "arrayminus": [middle - low], "color": plots.HELD_OUT, "width": 7},
        hovertemplate=f"r = {budget:g}: {number}{level:.0%} interval {low:.2f} to {high:.2f} %<extra></extra>",
    )  # fmt: skip
