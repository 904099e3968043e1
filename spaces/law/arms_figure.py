"""Draw arms against their baseline: gains with intervals, and a metric of their corpora against what students learn."""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

import plots
from toolkit.reports.arms_report import ArmsReport
from toolkit.reports.transfer import ArmPoint
from toolkit.statistics.intervals import Interval

# By what the arms were matched at: colour and marker.
LOOKS = {
    "samples": (plots.LAW, "circle"),
    "tokens": (plots.OBSERVED, "diamond"),
    "responses": (plots.GREEN, "square"),
}
ROW = 34  # pixels of an arm
HEIGHT, TOP, BOTTOM = 440, 16, 56  # pixels of the scatter and of its margins
APART = 19  # pixels between the middles of two labels: at any width none lies on another
ASIDE, ABOVE = 16, 13  # pixels from a point to its label, which lies over the bars
LONGEST = 24  # letters of a label


def draw_gains(compared: ArmsReport) -> go.Figure:
    """Draw the gain of every arm over the baseline with its interval, in points; the margin is shaded."""
    gains, margin = compared.found.gains, 100 * compared.rules.margin
    several = len({gain.match for gain in gains}) > 1
    names = [_short(f"{gain.label}, {gain.match}" if several else gain.label) for gain in gains]
    plot = plots.figure(_gain_title(compared), "", height=110 + ROW * len(gains))
    plots.shade(plot, -margin, margin)
    for match, (color, symbol) in LOOKS.items():
        own = [(name, gain) for name, gain in zip(names, gains, strict=True) if gain.match == match]
        if own:
            spans = [Interval(gain.estimate, gain.low, gain.high, gain.method) for _, gain in own]
            plot.add_scatter(
                x=[100 * span.estimate for span in spans], y=[name for name, _ in own], mode="markers", name=match,
                marker={"size": 10, "color": color, "symbol": symbol}, error_x=_bars(spans, 100),
                hovertemplate="%{y}: %{x:+.2f} points<extra></extra>",
            )  # fmt: skip
    plot.update_yaxes(type="category", categoryorder="array", categoryarray=names[::-1], showgrid=False)
    plot.update_xaxes(zeroline=True, zerolinecolor=plots.GREY, zerolinewidth=2, showgrid=True)
    return plot.update_layout(showlegend=False, margin={"t": TOP, "b": BOTTOM})


def draw_transfer(compared: ArmsReport, every: Sequence[ArmPoint], gains: bool) -> go.Figure:
    """Draw a labelled point per arm and match: its corpus by a metric, and the gain or the error of its students."""
    shown = _distinct(every)
    x, y = [point.corpus for point in shown], [_y(point, gains) for point in shown]
    y_title = _gain_title(compared) if gains else "test error, %"
    unit = f" ({escape(every[0].unit)})" if every[0].unit else ""
    height = max(HEIGHT, TOP + BOTTOM + APART * (len(shown) + 2))
    plot = plots.figure(f"{escape(every[0].metric)}{unit}", y_title, height=height)
    for point, across, up in zip(shown, x, y, strict=True):
        color, symbol = (plots.GREY, "star") if point.gain is None else LOOKS[point.match]
        plot.add_scatter(
            x=[across.estimate], y=[up.estimate], mode="markers", name=_short(point.name),
            marker={"size": 11, "color": color, "symbol": symbol}, error_x=_bars([across]), error_y=_bars([up]),
            hovertemplate=f"{escape(point.name)}: %{{x:.4g}}, %{{y:.2f}}<extra></extra>",
        )  # fmt: skip
    low, high = _range(y)
    if gains:
        plot.add_hline(y=0, line={"color": plots.GREY, "width": 1})
    plot.update_yaxes(range=[low, high], nticks=7).update_xaxes(range=_range(x), nticks=5, tickangle=0)
    _label(plot, shown, x, y, (height - TOP - BOTTOM) / (high - low))
    return plot.update_layout(showlegend=False, margin={"t": TOP, "b": BOTTOM})


def _gain_title(compared: ArmsReport) -> str:
    return f"gain over {_short(compared.found.baseline)}, points"


def _distinct(every: Sequence[ArmPoint]) -> list[ArmPoint]:
    """Leave out the baseline where it is the same at another match."""
    found = {(point.name, point.corpus.estimate, point.error.estimate): point for point in reversed(every)}
    return [*found.values()][::-1]


def _y(point: ArmPoint, gains: bool) -> Interval:
    """Return gain or error in points; the baseline's gain is 0 by definition."""
    span = (point.gain or Interval(0, 0, 0, "the baseline")) if gains else point.error
    return Interval(100 * span.estimate, 100 * span.low, 100 * span.high, span.method)


def _bars(spans: Sequence[Interval], times: float = 1.0) -> dict[str, object]:
    above = [times * (span.high - span.estimate) for span in spans]
    below = [times * (span.estimate - span.low) for span in spans]
    return {"type": "data", "thickness": 1.5, "width": 3, "array": above, "arrayminus": below}


def _range(spans: Sequence[Interval]) -> tuple[float, float]:
    """Return the range of all intervals with some room."""
    low, high = min(span.low for span in spans), max(span.high for span in spans)
    room = 0.12 * (high - low) or abs(high) * 0.05 or 1.0
    return low - room, high + room


def _label(
    plot: go.Figure, shown: Sequence[ArmPoint], x: Sequence[Interval], y: Sequence[Interval], scale: float
) -> None:
    """Write the names beside the points, towards the middle, each in a band of height of its own.

    Args:
        scale: pixels of one unit of y.
    """
    left, right = _range(x)
    order = sorted(range(len(shown)), key=lambda at: y[at].estimate)
    bottom, top = _range(y)
    places = [scale * (span.estimate - bottom) for span in y]
    heights = _spread([places[at] + ABOVE for at in order], scale * (top - bottom))
    for at, wanted in zip(order, heights, strict=True):
        rightwards = x[at].estimate < (left + right) / 2
        plot.add_annotation(
            x=x[at].estimate, y=y[at].estimate, text=_short(shown[at].name), showarrow=True, arrowhead=0, arrowwidth=1,
            arrowcolor=plots.GREY, standoff=6, ax=ASIDE if rightwards else -ASIDE, ay=places[at] - wanted,
            xanchor="left" if rightwards else "right", font={"size": 12, "color": plots.GREY},
        )  # fmt: skip


def _spread(wanted: Sequence[float], height: float) -> list[float]:
    """Return heights near the wanted ones, which rise, that are `APART` and lie between 0 and `height` pixels."""
    groups: list[list[float]] = []  # of heights that push each other: how many, and the sum of where each would begin
    for place, value in enumerate(wanted):
        groups.append([1, value - APART * place])
        while len(groups) > 1 and groups[-2][1] / groups[-2][0] > groups[-1][1] / groups[-1][0]:
            count, total = groups.pop()
            groups[-1] = [groups[-1][0] + count, groups[-1][1] + total]
    starts = [total / count for count, total in groups for _ in range(int(count))]
    last = height - APART / 2 - APART * (len(wanted) - 1)
    return [APART * place + min(max(start, APART / 2), last) for place, start in enumerate(starts)]


def _short(name: str) -> str:
    return escape(name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…")
