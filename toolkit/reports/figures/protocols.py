"""Draw protocols against plain rejection sampling: gains by arm, and for an audit shifts of the corpus beside them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from toolkit.reports.arms import MATCHES
from toolkit.reports.figures.style import (
    GREY,
    LEGEND,
    LINES,
    MARKERS,
    note_below,
    panel_title,
    plain,
    save,
)
from toolkit.reports.rules.audit import Shift
from toolkit.reports.rules.gains import Gain
from toolkit.reports.rules.verdict import Decision
from toolkit.text import share

PANELS = 4  # metrics of an audit that are drawn: those that shift most
LOOKS = {match: (LINES[at], MARKERS[at]) for match, at in zip(MATCHES, (1, 0, 3, 4, 2), strict=True)}
BETWEEN = 0.2  # arms that are matched in several ways: the distance of their points, of that between two arms
NEAR = 0.07  # points closer than this share of their panel would hide each other's numbers


def draw_protocols(path: Path, decision: Decision, *, title: str, note: str) -> None:
    """Write the figure of a decision by `decide_synthesis` or `decide_audit` as PNG, SVG or PDF.

    An audit has a further row per way of matching: shift and gain of every arm, for the metrics that shift most.
    """
    gains: Sequence[Gain] = decision.numbers["gains"]
    shown = _most_shifted(decision.numbers.get("shifts", ()))
    rows = [match for match in MATCHES if any(gain.match == match for gain in gains)] if shown else []
    labels = len({gain.label for gain in gains}) + len(decision.numbers["untested"])
    upper = 1.5 + 0.42 * labels
    figure = Figure(figsize=(12.0 if rows else 8.5, upper + 3.0 * len(rows) + 0.7), dpi=150, layout="constrained")
    grid = figure.add_gridspec(1 + len(rows), max(len(shown), 1), height_ratios=[upper, *[3.0] * len(rows)])
    _gains(figure.add_subplot(grid[0, :]), decision)
    for row, match in enumerate(rows, start=1):
        _row_of_shifts(figure, [grid[row, column] for column in range(len(shown))], decision, shown, match)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    note_below(figure, note, width=190 if rows else 130)
    save(figure, path)


def _gains(axes: Axes, decision: Decision) -> None:
    """Draw the gains with their intervals, arms from the largest first gain downwards, those without students last."""
    gains: Sequence[Gain] = decision.numbers["gains"]
    untested: Mapping[str, str] = decision.numbers["untested"]
    names = [*_names(decision), *untested]
    numbers = "shifts" in decision.numbers
    ticks = [f"{name}  {at}" if numbers and name not in untested else name for at, name in enumerate(names, start=1)]
    matches = [match for match in MATCHES if any(gain.match == match for gain in gains)]
    margin = 100 * decision.rules.margin
    axes.axvspan(-margin, margin, color=GREY, alpha=0.12, lw=0, label=f"within the margin of {margin:g} points")
    axes.axvline(0, color="black", lw=0.8)
    for place, match in enumerate(matches):
        own = [gain for gain in gains if gain.match == match]
        down = BETWEEN * (place - (len(matches) - 1) / 2)
        _bars(axes, own, [names.index(gain.label) + down for gain in own], match)
    for arm, why in untested.items():
        axes.text(margin * 0.03, names.index(arm), f" {why}", va="center", fontsize=8.5, color=GREY, style="italic")
    axes.set_yticks(range(len(names)), ticks)
    axes.set_ylim(len(names) - 0.5, -0.5)
    level = share(1 - 2 * decision.rules.alpha)
    axes.set_xlabel(
        f"gain over {decision.numbers['baseline']} ({level} interval), points; right of 0 the arm is better"
    )
    panel_title(axes, "what students learn (arms numbered for below)" if numbers else "what students learn")
    axes.legend(**LEGEND, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=1 + len(matches))
    plain(axes)
    axes.grid(axis="x", lw=0.4, alpha=0.5)


def _names(decision: Decision) -> list[str]:
    """List the arms that have students in the order of the figure, in which an audit numbers them."""
    return list(dict.fromkeys(gain.label for gain in decision.numbers["gains"]))


def _bars(axes: Axes, gains: Sequence[Gain], places: Sequence[float], match: str) -> None:
    colour, marker = LOOKS[match]
    centres, lows, highs = zip(*((100 * g.estimate, 100 * g.low, 100 * g.high) for g in gains), strict=True)
    spread = np.abs([lows, highs] - np.asarray(centres))
    axes.errorbar(
        centres, places, xerr=spread, fmt=marker, ms=5, lw=1.4, capsize=2.5, color=colour, label=_at(match)
    )  # fmt: skip


def _at(match: str) -> str:
    return f"at {MATCHES[match]}".replace("number of responses", "number\nof responses")


def _most_shifted(shifts: Sequence[Shift]) -> list[str]:
    """Choose the metrics whose largest shift, of any arm, is largest."""
    largest: dict[str, float] = {}
    for shift in shifts:
        largest[shift.metric] = max(abs(shift.shift), largest.get(shift.metric, 0.0))
    return sorted(largest, key=lambda metric: (-largest[metric], metric))[:PANELS]


def _row_of_shifts(
    figure: Figure, cells: Sequence[object], decision: Decision, metrics: Sequence[str], match: str
) -> None:
    first: Axes | None = None
    for metric, cell in zip(metrics, cells, strict=False):
        axes = figure.add_subplot(cell, sharey=first)  # type: ignore[call-overload]
        _scatter(axes, decision, metric, match)
        axes.set_ylabel(f"gain, points\n{_at(match)}" if first is None else "")
        axes.tick_params(labelleft=first is None)
        first = first or axes


def _scatter(axes: Axes, decision: Decision, metric: str, match: str) -> None:
    shifts = [s for s in decision.numbers["shifts"] if (s.metric, s.match) == (metric, match)]
    bars = {(gain.label, gain.match): gain for gain in decision.numbers["gains"]}
    margin, limit = 100 * decision.rules.margin, decision.rules.shift_sd
    axes.axhspan(-margin, margin, color=GREY, alpha=0.12, lw=0)
    for bound in (-limit, limit):
        axes.axvline(bound, color=GREY, lw=0.8, ls="--")
    axes.axhline(0, color="black", lw=0.8)
    colour, marker = LOOKS[match]
    for shift in shifts:
        gain = bars[shift.label, match]
        axes.plot([shift.shift] * 2, [100 * gain.low, 100 * gain.high], color=colour, lw=0.8, alpha=0.4)
        axes.plot(shift.shift, 100 * gain.estimate, marker, ms=5, color=colour)
    axes.set_ylim(_limits([gain for gain in bars.values() if gain.match == match], margin))
    axes.margins(x=0.15)
    _number(axes, shifts, _names(decision))
    axes.set_xlabel(f"shift, sd (dashed: {limit:g})")
    panel_title(axes, metric)
    plain(axes)


def _limits(gains: Sequence[Gain], margin: float) -> tuple[float, float]:
    """Return the range in points that the margin and all intervals need, so that all panels of a row have it."""
    low, high = (100 * end for end in (min(gain.low for gain in gains), max(gain.high for gain in gains)))
    return min(low, -margin) - 0.6, max(high, margin) + 0.6


def _number(axes: Axes, shifts: Sequence[Shift], names: Sequence[str]) -> None:
    """Write at each point the number of its arm: on the right, or on the left where another point is close there."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for shift in shifts:
        beside = any(
            0 < (other.shift - shift.shift) / (right - left) < NEAR
            and abs(other.gain - shift.gain) * 100 / (top - bottom) < NEAR
            for other in shifts
        )
        axes.annotate(
            str(names.index(shift.label) + 1), (shift.shift, 100 * shift.gain), xytext=(-5 if beside else 5, 4),
            textcoords="offset points", fontsize=8, va="center", ha="right" if beside else "left",
        )  # fmt: skip
