"""Draw a plan: the map of expected error, the frontier of money, and what a single subset can show."""

import numpy as np
import plotly.graph_objects as go

import fitting
import plots
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.predict import WIDEN_BEYOND
from toolkit.laws.planning.allocation import Split
from toolkit.laws.planning.prices import Prices
from toolkit.laws.surface.fit import SurfaceFit

HOVER = "%{x:,.4g} questions × %{y:,.4g} responses<br>expected error %{z:.1f} %<extra></extra>"


def draw_map(cells: fitting.Cells, fitted: SurfaceFit, prices: Prices, planned: fitting.Planned) -> go.Figure:
    """Draw expected error over questions and responses, cells tested, frontier, equal money, best split and rivals."""
    questions, budgets, errors = fitting.error_map(cells)
    plot = plots.figure("questions", "responses per question", log_x=True)
    plot.update_yaxes(type="log", showgrid=False)
    plot.add_contour(
        x=questions, y=budgets, z=100 * errors, colorscale="Cividis", reversescale=True, ncontours=14, line_width=0.5,
        colorbar={"title": {"text": "error, %"}, "thickness": 12}, hovertemplate=HOVER,
    )  # fmt: skip
    _equal_money(plot, prices, planned.advice.spend, questions, budgets)
    splits = planned.frontier
    plot.add_scatter(
        x=[split.questions for split in splits], y=[split.budget for split in splits], mode="lines", name="frontier",
        line={"color": plots.OBSERVED, "width": 3}, text=[_hover(split) for split in splits],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    _marks(plot, "tested", list(zip(fitted.questions, fitted.budgets, strict=True)), "circle", 7, "black")
    rivals = [rival.split for rival in planned.advice.rivals]
    _marks(plot, "rivals", [(rival.questions, rival.budget) for rival in rivals], "diamond", 10, "white", rivals)
    best = planned.advice.best
    name = "best split" if planned.advice.verdict == "recommended" else f"best guess ({planned.advice.verdict})"
    _marks(plot, name, [(best.questions, best.budget)], "star", 20, plots.OBSERVED, [best])
    for axis, values in (
        (plot.update_xaxes, np.append(questions, max(questions[-1], 1.15 * best.questions))),
        (plot.update_yaxes, np.append(budgets, max(budgets[-1], 1.15 * best.budget))),
    ):
        ticks = 2.0 ** np.arange(np.ceil(np.log2(values[0])), np.floor(np.log2(values[-1])) + 1)
        ticks = ticks[:: 1 if len(ticks) < 6 else 2]
        axis(
            tickangle=0,
            tickvals=ticks,
            ticktext=[f"{tick:,g}" for tick in ticks],
            range=np.log10(values[[0, -1]]).tolist(),
        )
    return plot


def _marks(
    plot: go.Figure, name: str, at: list[tuple[float, float]], symbol: str, size: int, color: str,
    splits: list[Split] | None = None,
) -> None:  # fmt: skip
    edge = "black" if color == "white" else "white"
    text = [_hover(split) for split in splits] if splits else [f"tested: {m:,g} × {r:g}" for m, r in at]
    plot.add_scatter(
        x=[m for m, _ in at], y=[r for _, r in at], mode="markers", name=name, text=text,
        marker={"symbol": symbol, "size": size, "color": color, "line": {"color": edge, "width": 1}},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _equal_money(plot: go.Figure, prices: Prices, spend: float, questions: np.ndarray, budgets: np.ndarray) -> None:
    """Draw every split that costs as much as the plan, where it is on the map."""
    r = np.geomspace(budgets[0], budgets[-1], 200)
    m = prices.questions_for(spend, r)
    on_map = (m >= questions[0]) & (m <= questions[-1])
    line = {"color": "black", "dash": "dash", "width": 1.5}
    plot.add_scatter(x=m[on_map], y=r[on_map], mode="lines", name=f"costs {spend:,.6g}", line=line, hoverinfo="skip")


def draw_frontier(planned: fitting.Planned) -> go.Figure:
    """Draw the least expected error that an amount of money buys, its 90 % interval, the plan, and the crossover."""
    splits, best = planned.frontier, planned.advice.best
    plot = plots.figure("money spent", "expected error, %", log_x=True, height=340)
    spent = [split.cost for split in splits]
    low, high = ([100 * getattr(split, end) for split in splits] for end in ("low", "high"))
    plots.band(plot, spent, low, high, "90 % interval", plots.BANDS["90 % of curves"])
    plot.add_scatter(
        x=spent, y=[100 * split.error for split in splits], mode="lines", name="frontier",
        line={"color": plots.OBSERVED, "width": 3}, text=[_hover(split) for split in splits],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    _marks(plot, "this plan", [(best.cost, 100 * best.error)], "star", 18, plots.OBSERVED, [best])
    crossover = planned.report["crossover"]
    if crossover["spend"] is not None:
        plots.upright(plot, crossover["spend"], plots.LAW)
        plots.note(plot, crossover["spend"], f"more {crossover['much']} from here")
        plots.shade(plot, crossover["low"], crossover["high"])
    return plot


def draw_one_axis(law: LawFit, prices: Prices, questions: float) -> go.Figure:
    """Draw what more answers to the same questions cost and win, up to 4 times the last budget."""
    ahead = fitting.curve(law, float(law.rungs.x[0]), WIDEN_BEYOND * float(law.rungs.x[-1]))
    cost = prices.cost(questions, ahead.budgets)
    plot = plots.figure(f"cost of {questions:,g} questions × r", "test error, %", height=380)
    name = "90 % of curves"
    low, high = 100 * ahead.interval()
    plots.band(plot, cost, low, high, name, plots.BANDS[name])
    plots.line(plot, cost, 100 * ahead.mean, "forecast", plots.LAW, width=2.5)
    observed_cost = prices.cost(questions, law.rungs.x)
    plot.add_scatter(
        x=observed_cost, y=100 * law.rungs.y, mode="markers", name="observed",
        marker={"size": 8, "color": plots.OBSERVED},
        text=[f"r = {budget:g}" for budget in law.rungs.x],
        hovertemplate="%{text}: %{y:.2f} % for %{x:,.6g}<extra></extra>",
    )  # fmt: skip
    return plot


def _hover(split: Split) -> str:
    interval = f"{100 * split.low:.1f}-{100 * split.high:.1f}"
    return (
        f"{split.questions:,} questions × {split.budget:,} for {split.cost:,.6g}"
        f"<br>expected error {100 * split.error:.1f} % ({interval})"
    )
