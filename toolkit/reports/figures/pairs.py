"""The figure of pairs: a panel each, one form for all, the held-out rung's forecast beside what was seen there."""

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from toolkit.reports.figures.ladder import draw_panel
from toolkit.reports.figures.style import LEGEND, note_below, panel_title, save
from toolkit.reports.law import fit_points, form_of
from toolkit.reports.results import Series
from toolkit.reports.rules.verdict import Decision
from toolkit.text import share


def draw_pairs(path: Path, every: Sequence[Series], decision: Decision, *, title: str, note: str) -> None:
    """Write the figure of a decision by the law's rule.

    Args:
        path: PNG, SVG or PDF.
        every: the series that were decided on.
        decision: of `decide_law`.
        title, note: above and below.
    """
    parts = decision.numbers["parts"]
    ladders = {(series.pair, series.counting, series.control): series for series in every}
    columns = 1 if len(parts) == 1 else 2
    rows = ceil(len(parts) / columns)
    figure = Figure(figsize=(9.0 if columns == 1 else 11.8, 4.0 * rows + 0.6), dpi=150, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for panel, part in zip(panels, parts, strict=False):
        points = ladders[part["pair"], part["counting"], part["control"]].ladder(part["questions"])
        fit = None if part["refused"] else fit_points(part["fitted"], form_of(part))
        draw_panel(panel, points, part["lines"], fit=fit, told=_told(part, decision.numbers))
        panel_title(panel, part["pair"] + ": no law" * (fit is None))
        panel.label_outer()
    for panel in panels[len(parts) :]:
        panel.set_visible(False)
    told = {label: handle for panel in panels for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(told.values(), told.keys(), **LEGEND, loc="outside right center")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    note_below(figure, note, width=150 if columns == 1 else 200)
    save(figure, path)


def _told(part: Mapping[str, Any], numbers: Mapping[str, Any]) -> dict[str, Any]:
    """What the panel draws ahead of the fitted rungs: the interval that the rule reads."""
    level = numbers["level"]
    return {
        "held_out": numbers["held_out"],
        "level": part["one_student"]["level"],
        "law": {"mean": part["forecast"], "low_new": part["low"], "high_new": part["high"]},
        "bar": f"{share(level)} of a new mean of {part['students']}",
        "baselines": part["baselines"],
    }
