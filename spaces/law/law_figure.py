"""Draw the law: rungs with their noise, curve and bands, fitted range, held-out rung, baselines."""

import math
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from scipy.stats import t as student

import fitting
import plots
from scale import Scale
from selection import Choice
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.predict import REFUSE_BEYOND
from toolkit.reports.fit_report import error_text


class Axes(NamedTuple):
    """What the axes show: budgets as total responses (`total`) or per question; errors or accuracies (`scale`)."""

    questions: float
    total: bool
    log: bool
    scale: Scale

    @property
    def times(self) -> float:
        """Return the factor of all budgets."""
        return self.questions if self.total else 1.0

    @property
    def titles(self) -> tuple[str, str]:
        """Return the titles of x and y."""
        x = "responses in all" if self.total else "responses per question, r"
        return x, self.scale.axis


def draw(choice: Choice, law: LawFit, axes: Axes) -> go.Figure:
    """Draw rungs, curve, bands, fitted range, held-out rung, references and baselines."""
    if not np.isfinite(axes.times):
        raise ValueError("these data do not have the number of questions: count responses per question")
    plot = plots.figure(*axes.titles, log_x=axes.log, height=500)
    budgets = np.unique(choice.ladder.budgets)
    last = float(law.rungs.x[-1])
    reach = min(max(last, float(budgets[-1])), REFUSE_BEYOND * last)
    _curve(plot, law, float(budgets[0]), reach, axes)
    _baselines(plot, law, last, max(reach, 1.01 * last), axes)
    for name, error in choice.experiment.lines(choice.pair).items():
        plots.level(plot, float(axes.scale.percent(error)), f"{name} {axes.scale.percent(error):.1f} %")
    _points(plot, choice, axes)
    if choice.held_out is not None and choice.held_out <= reach:
        _forecast(plot, law, choice.held_out, axes)
    edge = 1.06 if axes.log else 1.0
    plots.shade(plot, law.rungs.x[0] / edge * axes.times, last * edge * axes.times, text="fitted")
    if axes.log:
        plots.log_ticks(plot, list(budgets * axes.times))
    return plot


def _curve(plot: go.Figure, law: LawFit, first: float, last: float, axes: Axes) -> None:
    ahead = fitting.curve(law, first, last)
    x = ahead.budgets * axes.times
    for name, rows in zip(plots.BANDS, (1, None), strict=True):
        low, high = ahead.interval(rows=rows)
        if np.isfinite(low).all():
            plots.band(plot, x, axes.scale.percent(low), axes.scale.percent(high), name, plots.BANDS[name])
    plots.line(plot, x, axes.scale.percent(ahead.mean), "forecast", plots.LAW, width=2.5)
    plots.line(plot, x, axes.scale.percent(law.mean(ahead.budgets)), "law", plots.LAW, width=1)


def _baselines(plot: go.Figure, law: LawFit, first: float, last: float, axes: Axes) -> None:
    r, lines = fitting.baselines(law, first, last)
    for name, dash in plots.DASHES.items():
        plots.line(plot, r * axes.times, axes.scale.percent(lines[name]), name, plots.GREY, width=1, dash=dash)
        plot.data[-1].update(legendgroup="baselines", showlegend=False)
    plot.data[-1].update(name="baselines", showlegend=True)  # one entry for all, as a phone has no room for four


def _points(plot: go.Figure, choice: Choice, axes: Axes) -> None:
    for rung in fitting.rungs(choice.ladder):
        is_held_out = rung.budget == choice.held_out
        is_fitted = choice.fit_min <= rung.budget <= choice.fit_max
        name = "held out, observed" if is_held_out else "fitted budgets" if is_fitted else "budgets not fitted"
        color = plots.HELD_OUT if is_held_out else plots.OBSERVED if is_fitted else plots.GREY
        plot.add_scatter(
            x=[rung.budget * axes.times], y=[float(axes.scale.percent(rung.mean))], mode="markers", name=name,
            legendgroup=name, showlegend=not any(trace.name == name for trace in plot.data),
            marker={"size": 12 if is_held_out else 9, "color": color, "line": {"width": 2 if is_held_out else 0},
                    "symbol": "diamond-open" if is_held_out else "circle"},
            error_y=None if rung.sd is None else {"array": [100 * rung.sd], "color": color, "width": 4},
            hovertemplate=f"{hover(rung, axes.scale)}<extra></extra>",
        )  # fmt: skip


def hover(rung: fitting.Rung, scale: Scale) -> str:
    """Write budget, mean, students, sd, and the 90 % interval of the mean over seeds, in percent."""
    head = f"r = {rung.budget:g}: {scale.text(rung.mean)} %<br>students: {rung.students}"
    tests = "" if rung.n is None else f", {rung.n:,} test questions each"
    if rung.sd is None:
        return f"{head}{tests}<br>one seed and no sd: no interval"
    if rung.students < 2:
        return f"{head}{tests}<br>sd as given {error_text(rung.sd, True)}"
    half = float(student.ppf(0.95, rung.students - 1)) * rung.sd / math.sqrt(rung.students)
    interval = scale.span(rung.mean - half, rung.mean + half)
    return f"{head}{tests}<br>sd of one student {error_text(rung.sd, True)}<br>90 % interval of the mean {interval}"


def _forecast(plot: go.Figure, law: LawFit, budget: float, axes: Axes) -> None:
    ahead = fitting.ahead(law, budget)
    if not np.isfinite(ahead.mean[0]):
        return
    ends = sorted(axes.scale.percent(ahead.interval(rows=1)[:, 0]).tolist())
    middle = float(axes.scale.percent(ahead.mean[0]))
    plot.add_scatter(
        x=[budget * axes.times * (1.05 if axes.log else 1.0)], y=[middle], mode="markers", name="forecast, 90 %",
        marker={"size": 9, "symbol": "line-ew", "line": {"width": 2, "color": plots.LAW}},
        error_y={"array": [ends[1] - middle], "arrayminus": [middle - ends[0]], "color": plots.LAW, "width": 6},
        hovertemplate=f"forecast {middle:.2f} %<br>90 % of new students {ends[0]:.2f} to {ends[1]:.2f}<extra></extra>",
    )  # fmt: skip
