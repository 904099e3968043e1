"""Draw two axes: a line per question set over its budgets, measured and by the law over both axes."""

import numpy as np
import plotly.graph_objects as go

import fitting
import plots
from law_figure import Axes, hover
from selection import Choice
from toolkit.laws.surface.fit import SurfaceFit

COLORS = (plots.OBSERVED, plots.LAW, plots.GREEN, plots.HELD_OUT, "#E69F00", "#56B4E9")  # Okabe and Ito's, repeated
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")


def draw_cells(choice: Choice, fitted: SurfaceFit, axes: Axes) -> go.Figure:
    """Draw every question set's students, mean and sd of one, with the posterior mean of the surface and 90 % of it."""
    plot = plots.figure(*axes.titles, log_x=axes.log, height=500)
    rows, positions = choice.cells, set()
    for number, questions in enumerate(sorted(map(float, rows["questions"].unique()))):
        own, set_rows = axes._replace(questions=questions), rows[rows["questions"] == questions]
        style = {"color": COLORS[number % len(COLORS)], "symbol": SYMBOLS[number % len(SYMBOLS)]}
        rungs = fitting.rungs(fitting.ladder_of(set_rows, f"{questions:g}"))
        positions |= {rung.budget * own.times for rung in rungs}
        if len(rungs) > 1:
            _curve(plot, fitted, own, (rungs[0].budget, rungs[-1].budget), style["color"])
        _points(plot, rungs, own, style)
    for name, error in choice.experiment.lines(choice.pair).items():
        plots.level(plot, float(axes.scale.percent(error)), f"{name} {axes.scale.percent(error):.1f} %")
    plot.update_layout(legend={"traceorder": "normal"})  # bands would reverse the order
    if axes.log:
        plots.log_ticks(plot, sorted(positions))
    return plot


def _curve(plot: go.Figure, fitted: SurfaceFit, axes: Axes, ends: tuple[float, float], color: str) -> None:
    budgets = np.geomspace(*ends, fitting.POINTS)
    name, has_posterior = f"law, {axes.questions:,g} questions", len(fitted.draws) > 0
    errors = fitted.error(axes.questions, budgets) if has_posterior else fitted.at(axes.questions, budgets)[None]
    if has_posterior:
        low, high = axes.scale.percent(np.quantile(errors, [0.05, 0.95], axis=0))
        plots.band(plot, budgets * axes.times, low, high, name, plots.SHADE)
        plot.data[-1].update(showlegend=False)
    plots.line(plot, budgets * axes.times, axes.scale.percent(errors.mean(axis=0)), name, color, width=2)
    plot.data[-1].update(showlegend=False)


def _points(plot: go.Figure, rungs: list[fitting.Rung], axes: Axes, style: dict[str, str]) -> None:
    sds = [100 * rung.sd if rung.sd is not None else 0.0 for rung in rungs]
    plot.add_scatter(
        x=[rung.budget * axes.times for rung in rungs], y=[float(axes.scale.percent(rung.mean)) for rung in rungs],
        mode="markers", name=f"{axes.questions:,g} questions", marker={"size": 9, **style},
        error_y={"array": sds, "color": style["color"], "width": 4} if any(sds) else None,
        text=[f"{axes.questions:,g} questions, {hover(rung, axes.scale)}" for rung in rungs],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
