"""View 1, the law: measured errors, the fitted curve, and the held-out rung's forecast beside its observation."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
import numpy as np

import fitting
import guards
import plots
from cells_figure import draw_cells
from law_figure import Axes, draw
from selection import Choice
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.forecast.ahead import AVERAGED
from toolkit.laws.surface.fit import NAMES
from toolkit.reports.fit_report import as_text, error_text
from toolkit.text import markdown_table
from views import FORMULAS, View, reading

NAME, TITLE = "law", "The law"
FORMULA = r"$$\mathrm{err}(r) = E + \frac{B}{D_0 + r^{\beta}}$$"
TWO_AXES = r"""
$$\mathrm{err}(M, r) = E + \frac{B}{D_0 + n^{\beta}}$$

$$n = \frac{M r}{1 + (r - 1)\,\kappa}$$
"""
READING = r"""
**Dots** are budgets: the mean over students that differ in their seed, with one standard deviation of one student. Only
the **shaded** budgets were fitted. The **thick line** is the forecast, averaged over forms of the law by the data; the
**dark band** holds 90 % of its curves, the **light band** 90 % of new students; the thin blue line is the law alone.
The **diamond** is the held-out rung as it was observed, and the bar beside it is the forecast for one new student.
**Thin grey lines** are baselines (dotted: log-linear; dash-dotted: log-linear through the
last three; dashed: the last value; long dashes: a power law): a forecast is convincing only where they miss and it does
not.

Where question sets have **few budgets each**, every set is a line of its own, by one law over questions and responses;
the grey band holds 90 % of its surfaces.

The law is $\mathrm{err}(r) = E + \dfrac{B}{D_0 + r^{\beta}}$: $E$ is the error that no budget of this source removes,
$\beta$ is how fast the rest falls, and $r_{1/2} = D_0^{1/\beta}$ is the budget that wins half of it.
"""


def build(yours: gr.State) -> View:
    """Build the controls and outputs of this view; see `views.View`."""
    with gr.Row():
        x = gr.Radio([("responses per question", "r"), ("responses in all", "total")], value="r", label="Budget counts")
        scale = gr.Radio([("logarithmic", "log"), ("linear", "linear")], value="log", label="Budget axis")
    message = gr.Markdown()
    plot = gr.Plot(label="Error of students against budget, with the fitted law", show_label=False)
    reading(READING)
    formula = gr.Markdown(latex_delimiters=FORMULAS, elem_classes="formula")
    misses = gr.Markdown(buttons=["copy"], elem_classes="copyable")
    words = gr.Markdown(label="Parameters in words", buttons=["copy"], elem_classes="copyable")
    with gr.Accordion("The fit as text, as fss fit prints it: errors", open=False):
        text = gr.Textbox(label="fss fit", show_label=False, buttons=["copy"], lines=12, max_lines=40)
    return View({"x": x, "scale": scale}, [message, plot, misses, words, text, formula], render)


def render(choice: Choice, x: str, scale: str) -> list[Any]:
    """Return the sentence, the figure, the baselines' misses, the parameters, `fss fit`'s own text, the formula."""
    if choice.two_axes:
        return _two_axes(choice, x, scale)
    law = choice.law()
    ahead = () if choice.held_out is None or law.shape.refused else (choice.held_out,)
    report = fitting.report(law, ahead, choice.ladder.notes)
    axes = Axes(choice.questions, x == "total", scale == "log", choice.scale)
    return [
        _held_out(choice, law),
        plots.marked(draw(choice, law, axes), choice.why),
        _misses(choice, report) if ahead else "",
        guards.parameters(law, report["parameters"], choice.scale),
        guards.marked(as_text(choice.experiment.name, report), choice.why),
        FORMULA,
    ]


def _two_axes(choice: Choice, x: str, scale: str) -> list[Any]:
    """Return the same for question sets with few budgets each: the law over both axes, and its parameters."""
    fitted = fitting.surface(fitting.cells_of(choice.cells))
    axes = Axes(choice.questions, x == "total", scale == "log", choice.scale)
    sets = f"{choice.cells['questions'].nunique()} question sets with few budgets each, {len(choice.cells):,} students"
    message = f"**One law over both axes: {fitted.reading()}.** Fitted to {sets}; no cell is held out."
    spans = [("-", "-")] * 5  # one seed: no draws
    if len(fitted.draws):
        quantiles = np.quantile(fitted.draws, [0.5, 0.05, 0.95], axis=0).T
        spans = [(f"{median:.4g}", f"{low:.4g} to {high:.4g}") for median, low, high in quantiles]
    rows = [[name, *span, f"{point:.4g}"] for name, span, point in zip(NAMES, spans, fitted.parameters, strict=True)]
    table = markdown_table(("parameter", "median", "90 % interval", "least squares"), rows)
    notes = [f"- {note}" for note in fitted.warnings]
    words = "\n\n".join(["For M questions with r responses to each:", table, *notes])
    plot = plots.marked(draw_cells(choice, fitted, axes), choice.why)
    text = guards.marked("These cells are read by `fss plan`: see the view Plan.", choice.why)
    return [message, plot, "", words, text, TWO_AXES]


def _held_out(choice: Choice, law: LawFit) -> str:
    """Write forecast and observation of the held-out rung in a sentence."""
    if law.shape.refused:
        return f"**No law is fitted**: {law.shape.notes[0]}."
    if choice.held_out is None:
        return (
            f"Fitted to r = {choice.fit_min:g} to {choice.fit_max:g}; no rung is held out, so nothing tests this fit."
        )
    ahead, errors, scale = fitting.ahead(law, choice.held_out), _observed_errors(choice), choice.scale
    low, high = ahead.interval(rows=1)[:, 0]
    inside = f"{np.sum((low <= errors) & (errors <= high))} of {len(errors)} fell inside"
    head = f"r = {choice.held_out:g}: forecast {scale.text(ahead.mean[0])} %, observed {scale.text(errors.mean())} %"
    span = f"90 % of new students {scale.span(low, high)} %; {inside}"
    return f"**{head}** ({scale.name}; {span}).\n\n{guards.basis(ahead)}{_written(choice)}"


def _written(choice: Choice) -> str:
    """Say what was forecast before the held-out rung was trained, where that was by another procedure."""
    declared = choice.declared
    if declared is None or not declared.law or declared.by == AVERAGED or choice.why:
        return ""
    mean, low, high = (declared.law[name] for name in ("mean", "low_new", "high_new"))
    return (
        f"\n- Written before these students were trained, by the {declared.by} law alone: forecast "
        f"{choice.scale.text(mean)} %, 90 % of new students {choice.scale.span(low, high)} %. The forecast above was "
        "made afterwards."
    )


def _misses(choice: Choice, report: Mapping[str, Any]) -> str:
    """Tabulate the forecast and every baseline at the held-out rung."""
    scale, forecast = choice.scale, report["forecasts"][0]
    observed = float(scale.of(_observed_errors(choice).mean()))
    ahead = {AVERAGED: forecast["mean"], **{name: values[0] for name, values in report["baselines"].items()}}
    rows = [
        [name, f"{scale.text(value)} %", error_text(float(scale.of(value)) - observed, True, "+")]
        for name, value in ahead.items()
    ]
    return markdown_table(("forecast by", f"{scale.name} at r = {choice.held_out:g}", "miss, points"), rows)


def _observed_errors(choice: Choice) -> np.ndarray:
    return choice.ladder.values[choice.ladder.budgets == choice.held_out]
