"""Set the style that all figures share: colours, axes, reference lines, notes and how a figure is written."""

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

# Okabe and Ito's colours, which colour-blind readers can distinguish.
LAW, OBSERVED, GREY, SHADE = "#0072B2", "#D55E00", "#6b6b6b", "#e9eff5"
LINES = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LEGEND = {"fontsize": 7.5, "facecolor": "white", "framealpha": 0.9, "edgecolor": "none"}
SUFFIXES = (".png", ".svg", ".pdf")


def check_suffix(path: Path) -> None:
    """Raise ValueError for a file whose suffix is not that of a figure."""
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"cannot draw {path.name}: use {', '.join(SUFFIXES)}")


def save(figure: Figure, path: Path) -> None:
    """Write a PNG, SVG or PDF at once or not at all; ValueError for another suffix."""
    check_suffix(path)
    temporary, kind = path.with_name(f".{path.name}.{os.getpid()}"), path.suffix.lower()[1:]
    figure.savefig(temporary, format=kind, metadata={"Software": None} if kind == "png" else None)
    temporary.replace(path)


PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.4g}%")  # of fractions, with decimals where ticks need them


def plain(axes: Axes) -> None:
    """Remove the box and draw faint horizontal lines."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", lw=0.4, alpha=0.5)


def budget_axis(axes: Axes, values: Sequence[float], margin: float = 1.25) -> None:
    """Make a logarithmic x axis with a tick at each of the sorted values."""
    axes.set_xscale("log")
    axes.set_xticks(list(values))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(values[0] / margin, values[-1] * margin)


def error_axis(axes: Axes, label: str = "error on held-out questions") -> None:
    """Make a y axis of errors (fractions) in percent."""
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_ylabel(label)


def references(axes: Axes, lines: Mapping[str, float]) -> None:
    """Draw a labelled dashed line for the error (fraction) of each reference model."""
    for name, error in lines.items():
        axes.axhline(error, color="black", lw=0.8, ls=(0, (6, 3)), zorder=1)
        axes.annotate(
            f"{name} {error:.1%}",
            (0.005, error),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            fontsize=8,
        )


def shared_legend(panels: Iterable[Axes]) -> tuple[list[Any], list[str]]:
    """Return the handles and labels of one legend for several panels, each label once."""
    entries = {
        label: handle for panel in panels for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    return list(entries.values()), list(entries)


def note_below(figure: Figure, text: str, width: int = 125) -> None:
    """Set small print under the figure, wrapped at so many characters."""
    figure.supxlabel(textwrap.fill(text, width), fontsize=7.5, color=GREY, x=0.01, ha="left")


def panel_title(axes: Axes, text: str) -> None:
    """Set a bold title, flush left."""
    axes.set_title(text, loc="left", fontsize=11, fontweight="bold")
