"""Draw which cells to run next: over those measured, and the expected width of the interval against money."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from toolkit.laws.planning.asked import Choice, Interval
from toolkit.laws.planning.next_cells import NextCells
from toolkit.reports.figures.style import GREY, LAW, LEGEND, OBSERVED, plain, save


def draw_next(path: Path, advice: NextCells, questions: np.ndarray, budgets: np.ndarray) -> None:
    """Write a PNG, SVG or PDF; `questions` and `budgets` (rows,) are those of the students measured.

    Where nothing is to be run, there is no money to draw.
    """
    panels = 2 if advice.cells else 1
    figure = Figure(figsize=(4.6 * panels, 4.0), dpi=150, layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    _cells(axes[0], advice, questions, budgets)
    if advice.cells:
        _money(axes[1], advice)
    save(figure, path)


def _cells(axes: Axes, advice: NextCells, questions: np.ndarray, budgets: np.ndarray) -> None:
    axes.scatter(questions, budgets, s=30, color=GREY, label="measured", zorder=2)
    if advice.cells:
        where = [(row.questions, row.budget) for row in advice.cells]
        x, y = zip(*where, strict=True)
        sizes = [90 + 30 * row.runs for row in advice.cells]
        axes.scatter(x, y, s=sizes, facecolors="none", edgecolors=OBSERVED, lw=1.8, label="run next")
        for number, (row, cell) in enumerate(zip(advice.cells, where, strict=True), 1):
            text = f"{number}: {row.runs} student{'s' if row.runs > 1 else ''}"
            axes.annotate(text, cell, xytext=(0, 11), textcoords="offset points", ha="center", fontsize=7.5)
    asked = advice.asked
    if isinstance(asked, Choice):
        goals, label = [(split.questions, split.budget) for split in (asked.best, asked.rival)], "to choose between"
    else:
        goals, label = [asked.target], "target"
    x, y = zip(*goals, strict=True)
    axes.scatter(x, y, s=130, marker="*", color=LAW, label=label, zorder=3)
    axes.margins(0.2)
    for scale, axis in ((axes.set_xscale, axes.xaxis), (axes.set_yscale, axes.yaxis)):
        scale("log", base=2)
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("questions")
    axes.set_ylabel("responses per question")
    axes.legend(**LEGEND)


def _money(axes: Axes, advice: NextCells) -> None:
    spent = [0.0, *(row.spent for row in advice.cells)]
    widths = [100 * advice.asked.now, *(100 * row.width for row in advice.cells)]
    axes.plot(spent, widths, "o-", color=OBSERVED, label="as advised")
    for (name, width), marker in zip(advice.rivals.items(), "sd^", strict=False):
        axes.plot(spent[-1], 100 * width, marker, color=GREY, mfc="none", label=f"{name}, for as much")
    if isinstance(advice.asked, Interval) and advice.asked.width is not None:
        axes.axhline(100 * advice.asked.width, color=GREY, ls="--", lw=1, label="asked for")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("money")
    axes.set_ylabel("expected width of the 90 % interval, points")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    plain(axes)
    axes.legend(**LEGEND)
