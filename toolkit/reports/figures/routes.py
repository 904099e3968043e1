"""Draw the two routes: error against the matched total per question set, and the paired gaps below."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from toolkit.reports.figures.style import (
    GREY,
    LEGEND,
    LINES,
    MARKERS,
    budget_axis,
    error_axis,
    note_below,
    panel_title,
    plain,
    references,
    save,
    shared_legend,
)
from toolkit.reports.results import Series
from toolkit.reports.rules.expansion import ExpansionPart
from toolkit.reports.rules.routes import RoutePart
from toolkit.reports.rules.verdict import Decision
from toolkit.reports.surface_report import surface_of

NUDGE = 1.035  # so that bars at one total do not hide each other


def draw_routes(path: Path, all_series: Sequence[Series], decision: Decision, *, title: str, note: str) -> None:
    """Write the figure of a decision by the rule of expansion or mixture: a column per control, gaps below.

    Args:
        path: PNG, SVG or PDF.
        all_series: the series that were decided on.
        decision: of `decide_expansion` or `decide_mixture`.
        title, note: above and below.
    """
    parts = decision.numbers["parts"]
    by_name = {(series.pair, series.control, series.counting): series for series in all_series}
    figure = Figure(figsize=(5.0 * len(parts) + 2.6, 7.0), dpi=150, layout="constrained")
    panels = figure.subplots(2, len(parts), squeeze=False, sharex="col", sharey="row", height_ratios=(3, 2))
    for (errors, gaps), part in zip(panels.T, parts, strict=True):
        series = by_name[part.pair, part.control, part.counting]
        colours = {questions: at % len(LINES) for at, questions in enumerate(sorted({m for m, _ in series.cells}))}
        _errors(errors, series, decision, part, colours)
        _gaps(gaps, part, decision, colours)
        totals = sorted({m * r for m, r in series.cells})
        budget_axis(gaps, [total for total in totals if total % totals[0] == 0 and _is_power(total // totals[0])], 1.15)
        panel_title(errors, part.name)
    for row in panels:
        row[-1].legend(*shared_legend(row), **LEGEND, loc="center left", bbox_to_anchor=(1.0, 0.5))
        for panel in row[1:]:
            panel.set_ylabel("")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    note_below(figure, note, width=80 + 55 * len(parts))
    save(figure, path)


def _is_power(times: int) -> bool:
    return times & (times - 1) == 0


def _errors(axes: Axes, series: Series, decision: Decision, part: RoutePart, colours: Mapping[int, int]) -> None:
    least = min(budget for _, budget in series.cells)
    ways = [
        (f"{m:,} questions", LINES[at], MARKERS[at], [c for c in series.cells if c[0] == m])
        for m, at in colours.items()
    ]
    if decision.rule == "mixture":
        ways = [way for way in ways if len(way[3]) > 1]
        spread = [cell for cell in series.cells if cell[1] == least]
        ways.append((f"more questions, r = {least}", "black", "X", spread))
    surface = surface_of(series) if decision.rule == "expansion" else None
    for label, colour, marker, cells in ways:
        errors_of_cells = [series.errors(cell) for cell in cells]
        if surface is not None:
            budgets = np.geomspace(cells[0][1], cells[-1][1], 60)
            axes.plot(cells[0][0] * budgets, surface.at(cells[0][0], budgets), color=colour, lw=1.4)
        axes.errorbar(
            [questions * budget for questions, budget in cells],
            [mean(errors) for errors in errors_of_cells],
            [stdev(errors) if errors[1:] else 0.0 for errors in errors_of_cells],
            color=colour, marker=marker, ms=5, lw=1.4, capsize=2.5, label=label,
            ls="none" if surface is not None else "-",
        )  # fmt: skip
    if surface is not None:
        axes.plot([], [], color=GREY, lw=1.4, label="law over both axes")
    references(axes, part.lines)
    error_axis(axes)
    plain(axes)


def _gaps(axes: Axes, part: RoutePart, decision: Decision, colours: Mapping[int, int]) -> None:
    """Draw the gaps by question set, side by side: by the larger set for expansion, where all share the smaller one."""
    expansion = isinstance(part, ExpansionPart)
    for place, (questions, at) in enumerate(colours.items()):
        gaps = [gap for gap in part.gaps if (gap.many if expansion else gap.few)[0] == questions]
        if not gaps:
            continue
        label = f"against {questions:,} questions"
        if expansion:
            label = f"{questions:,} against {min(gap.few[0] for gap in gaps):,} questions"
        centres = [100 * gap.estimate for gap in gaps]
        spread = [
            [100 * (gap.estimate - gap.low) for gap in gaps],
            [100 * (gap.high - gap.estimate) for gap in gaps],
        ]
        axes.errorbar(
            [gap.total * NUDGE ** (place - 1) for gap in gaps], centres, spread, fmt=MARKERS[at], ms=5, lw=1.4,
            capsize=2.5, color=LINES[at], label=label,
        )  # fmt: skip
    axes.axhline(0, color="black", lw=0.8)
    if isinstance(part, ExpansionPart):
        margin = 100 * decision.rules.margin
        axes.axhspan(-margin, margin, color=GREY, alpha=0.12, lw=0, label=f"equivalent: within {margin:g} points")
        _crossover(axes, part.crossover_total)
    axes.set_ylabel("gap, points\n(above 0: more questions win)")
    axes.set_xlabel("responses in all (questions x responses per question)")
    plain(axes)


def _crossover(axes: Axes, total: int | None) -> None:
    if total is not None:
        axes.axvline(total, color="black", lw=1, ls=":", label="from here on more questions win")
