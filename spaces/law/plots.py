"""Set one style for every figure: colours for colour-blind readers, room for a phone, light and dark by CSS."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from numpy.typing import ArrayLike

# Okabe and Ito's colours; greys and axes follow the page's theme, see `theme.CSS`.
LAW, OBSERVED, HELD_OUT, GREY, GREEN = "#0072B2", "#D55E00", "#CC79A7", "#7f7f7f", "#009E73"
BANDS = {"90 % of new runs": "rgba(86,180,233,.22)", "90 % of curves": "rgba(86,180,233,.45)"}
DASHES = {"log-linear": "dot", "log-linear, last three": "dashdot", "last value": "dash", "power": "longdash"}
UNUSED = ["zoom", "pan", "select", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d"]  # buttons
SHADE = "rgba(127,127,127,.12)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


def figure(x: str, y: str, *, log_x: bool = False, height: int = 460) -> go.Figure:
    """Return an empty figure whose axes have the titles `x` and `y`."""
    plot = go.Figure()
    plot.update_layout(
        template="none", height=height, font={"family": FONT, "size": 13, "color": GREY}, hovermode="closest",
        modebar={"remove": UNUSED},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", margin={"l": 56, "r": 12, "t": 12, "b": 48},
        legend={"orientation": "h", "yanchor": "top", "y": -0.2, "x": 0, "font": {"size": 12}},
        hoverlabel={"font": {"family": FONT, "size": 13}}, dragmode=False,
    )  # fmt: skip
    grid = {"gridcolor": "rgba(127,127,127,.25)", "zeroline": False, "automargin": True, "linecolor": GREY}
    plot.update_xaxes(title={"text": x, "standoff": 6}, type="log" if log_x else "linear", showgrid=False, **grid)
    plot.update_yaxes(title={"text": y, "standoff": 6}, **grid)
    return plot


def marked(plot: go.Figure, why: str) -> go.Figure:
    """Mark a figure, which may be saved alone, as exploratory where there is a reason `why`."""
    if why:
        plot.update_layout(title={"text": "exploratory", "x": 0, "font": {"size": 13}}, margin={"t": 32})
    return plot


def labelled(values: Sequence[float]) -> list[float]:
    """Return the budgets that a figure has room to label: all, or of ten or more every second one and the last."""
    step = 1 if len(values) <= 9 else 2
    return list(values)[(len(values) - 1) % step :: step]


def log_ticks(plot: go.Figure, values: Sequence[float]) -> None:
    """Set ticks at these budgets instead of powers of ten, leaving some out where they are many."""
    labels = labelled(values)
    plot.update_xaxes(tickvals=labels, ticktext=[f"{value:,g}" for value in labels])


def band(plot: go.Figure, x: ArrayLike, low: ArrayLike, high: ArrayLike, name: str, color: str) -> None:
    """Draw a filled band between two curves."""
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "legendgroup": name}
    plot.add_scatter(x=x, y=high, showlegend=False, **edge)
    plot.add_scatter(x=x, y=low, fill="tonexty", fillcolor=color, name=name, **edge)


def line(plot: go.Figure, x: ArrayLike, y: ArrayLike, name: str, color: str = GREY, **style: object) -> None:
    """Draw a line whose hover text is its name and value."""
    hover = f"{name}: %{{y:.2f}} at %{{x:.4g}}<extra></extra>"
    plot.add_scatter(x=x, y=y, mode="lines", name=name, line={"color": color, **style}, hovertemplate=hover)


def level(plot: go.Figure, y: float, text: str) -> None:
    """Draw a thin horizontal line across the figure, labelled at its right end."""
    plot.add_shape(type="line", x0=0, x1=1, xref="paper", y0=y, y1=y, line={"color": GREY, "width": 1, "dash": "dot"})
    style = {"showarrow": False, "xanchor": "right", "yanchor": "top", "font": {"size": 12, "color": GREY}}
    plot.add_annotation(x=1, xref="paper", y=y, text=text, **style)


def upright(plot: go.Figure, x: float, color: str) -> None:
    """Draw a dashed line from bottom to top."""
    line = {"color": color, "width": 2, "dash": "dash"}
    plot.add_shape(type="line", x0=x, x1=x, y0=0, y1=1, yref="paper", line=line)


def shade(plot: go.Figure, x0: float, x1: float, color: str = SHADE, text: str = "") -> None:
    """Draw a vertical stripe behind everything, with a word at its top."""
    place = {"x0": x0, "x1": x1, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    plot.add_shape(type="rect", fillcolor=color, line_width=0, **place)
    note(plot, x0, text)


def note(plot: go.Figure, x: float, text: str, anchor: str = "left") -> None:
    """Write a word at the top of the figure, beginning at x (`anchor` "right": ending there)."""
    # On a logarithmic axis shapes take values as they are, annotations their logarithms.
    at = math.log10(x) if plot.layout.xaxis.type == "log" else x
    style = {"showarrow": False, "xanchor": anchor, "yanchor": "top", "font": {"size": 12, "color": GREY}}
    plot.add_annotation(x=at, y=1, yref="paper", text=text, **style)
