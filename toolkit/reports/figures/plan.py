"""Draw a plan: expected error over questions and responses, cells tested, the frontier and the best split."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from toolkit.laws.planning.allocation import frontier, limits
from toolkit.laws.planning.plan import Plan
from toolkit.laws.planning.prices import Prices
from toolkit.laws.surface.fit import SurfaceFit
from toolkit.reports.figures.style import save

FRONTIER, BEST, RIVAL = "#D55E00", "#D55E00", "white"
STEPS = 120
MARGIN = 1.15  # so that marks on the outermost cells are not cut off


def draw_plan(path: Path, surface: SurfaceFit, prices: Prices, advice: Plan) -> None:
    """Write a PNG or SVG: a heat map of the posterior mean error up to twice the tested range, contours in percent."""
    figure = Figure(figsize=(7.4, 5.0), dpi=150, layout="constrained")
    axes = figure.subplots()
    most_questions, most_budget = limits(surface, False)
    least = min(surface.questions.min() / 2, advice.best.questions)
    questions = np.geomspace(least / MARGIN, max(most_questions, advice.best.questions) * MARGIN, STEPS)
    budgets = np.geomspace(1 / MARGIN, max(most_budget, advice.best.budget) * MARGIN, STEPS)
    grid = np.array([100 * surface.error(questions, budget).mean(axis=0) for budget in budgets])
    mesh = axes.pcolormesh(questions, budgets, grid, cmap="cividis_r", shading="gouraud", rasterized=True)
    lines = axes.contour(questions, budgets, grid, levels=8, colors="white", linewidths=0.7)
    figure.colorbar(mesh, ax=axes, label="expected test error, %")
    _spending(axes, surface, prices, advice, questions, budgets)
    axes.scatter(surface.questions, surface.budgets, s=20, color="black", edgecolors="white", zorder=4, label="tested")
    costs = _frontier(axes, surface, prices)
    _splits(axes, advice)
    _scales(axes, questions, budgets)
    _label(axes, lines, costs)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=5, fontsize=8, frameon=False)
    save(figure, path)


def _spending(
    axes: Axes, surface: SurfaceFit, prices: Prices, advice: Plan, questions: np.ndarray, budgets: np.ndarray
) -> None:
    cost = prices.cost(questions, budgets[:, None])
    axes.contour(questions, budgets, cost, levels=[advice.spend], colors="black", linestyles="--", linewidths=1.2)
    axes.plot([], [], "k--", lw=1.2, label=f"{_money(advice.spend)} to spend")


def _money(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _frontier(axes: Axes, surface: SurfaceFit, prices: Prices) -> list[Annotation]:
    """Draw the frontier, and give the costs that are written along it."""
    points = frontier(surface, prices)
    axes.plot([p.questions for p in points], [p.budget for p in points], color=FRONTIER, lw=1.8, label="frontier")
    return [
        axes.annotate(
            _money(point.cost), (point.questions, point.budget), xytext=(0, 8), textcoords="offset points",
            fontsize=7.5, color=FRONTIER, ha="center", path_effects=[withStroke(linewidth=2.2, foreground="white")],
        )
        for point in points[5:22:5]
    ]  # fmt: skip


def _label(axes: Axes, lines: QuadContourSet, costs: Sequence[Annotation]) -> None:
    """Write the error on each contour, but where a cost of the frontier stands."""
    labels = axes.clabel(lines, fmt="%g %%", fontsize=7, inline=False)
    taken = [cost.get_window_extent().padded(4) for cost in costs]
    for label in labels:
        label.set_path_effects([withStroke(linewidth=1.5, foreground="#444444")])
        if any(label.get_window_extent().overlaps(box) for box in taken):
            label.remove()


def _splits(axes: Axes, advice: Plan) -> None:
    if advice.rivals:
        rivals = [rival.split for rival in advice.rivals]
        axes.scatter(
            [split.questions for split in rivals], [split.budget for split in rivals], s=46, marker="D",
            facecolors=RIVAL, edgecolors="black", zorder=5, label="rivals",
        )  # fmt: skip
    axes.scatter(
        advice.best.questions, advice.best.budget, s=190, marker="*", color=BEST, edgecolors="white", zorder=6,
        label="best split" if advice.verdict == "recommended" else f"best guess ({advice.verdict})",
    )  # fmt: skip


def _scales(axes: Axes, questions: np.ndarray, budgets: np.ndarray) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xlim(questions[0], questions[-1])
    axes.set_ylim(budgets[0], budgets[-1])
    axes.set_xlabel("questions")
    axes.set_ylabel("responses per question")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(base=2))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(NullFormatter())
