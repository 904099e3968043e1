"""View 1, the law: what was measured, the fitted curve, and the held-out rung's forecast beside what was seen."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
import numpy as np

import fitting
import guards
import plots
from cells_figure import draw_cells
from law_figure import Axes, draw
from selection import Chosen
from toolkit.laws.curve.lawfit import LawFit
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
the **shaded** budgets were fitted. The **dark band** holds 90 % of the curves that the data allow, the **light band**
90 % of new students. The **diamond** is the held-out rung as it was observed, and the bar beside it is what the fit
forecast for one new student. **Thin grey lines** are baselines (dotted: log-linear; dash-dotted: log-linear through the
last three; dashed: the last value; long dashes: a power law): a law has shown something only when they miss and it does
not.

Where question sets have **few budgets each**, every set is a line of its own, by one law over questions and responses;
the grey band holds 90 % of its surfaces.

The law is $\mathrm{err}(r) = E + \dfrac{B}{D_0 + r^{\beta}}$: $E$ is what no budget of this source removes, $\beta$ how
fast the rest falls, $r_{1/2} = D_0^{1/\beta}$ the budget that wins half of it.
"""


def build(yours: gr.State) -> View:
    """The controls and outputs of this view; see `views.View`."""
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


def render(chosen: Chosen, x: str, scale: str) -> list[Any]:
    """The sentence, the figure, the baselines' misses, the parameters in words, `fss fit`'s own text, the formula."""
    if chosen.two_axes:
        return _two_axes(chosen, x, scale)
    law = chosen.law()
    ahead = () if chosen.held_out is None or law.shape.refused else (chosen.held_out,)
    report = fitting.report(law, ahead, chosen.ladder.notes)
    axes = Axes(chosen.questions, x == "total", scale == "log", chosen.scale)
    return [
        _held_out(chosen, law),
        plots.marked(draw(chosen, law, axes), chosen.why),
        _misses(chosen, report) if ahead else "",
        guards.parameters(law, report["parameters"], chosen.scale),
        guards.marked(as_text(chosen.experiment.name, report), chosen.why),
        FORMULA,
    ]


def _two_axes(chosen: Chosen, x: str, scale: str) -> list[Any]:
    """The same of question sets with few budgets each: the law over both axes, and its parameters."""
    fitted = fitting.surface(fitting.cells_of(chosen.cells))
    axes = Axes(chosen.questions, x == "total", scale == "log", chosen.scale)
    sets = f"{chosen.cells['questions'].nunique()} question sets with few budgets each, {len(chosen.cells):,} students"
    message = f"**One law over both axes: {fitted.reading()}.** Fitted to {sets}; no cell is held out."
    spans = [("-", "-")] * 5  # one seed: no draws
    if len(fitted.draws):
        quantiles = np.quantile(fitted.draws, [0.5, 0.05, 0.95], axis=0).T
        spans = [(f"{median:.4g}", f"{low:.4g} to {high:.4g}") for median, low, high in quantiles]
    rows = [[name, *span, f"{point:.4g}"] for name, span, point in zip(NAMES, spans, fitted.parameters, strict=True)]
    table = markdown_table(("parameter", "median", "90 % interval", "least squares"), rows)
    notes = [f"- {note}" for note in fitted.warnings]
    words = "\n\n".join(["For M questions with r responses to each:", table, *notes])
    plot = plots.marked(draw_cells(chosen, fitted, axes), chosen.why)
    text = guards.marked("These cells are read by `fss plan`: see the view Plan.", chosen.why)
    return [message, plot, "", words, text, TWO_AXES]


def _held_out(chosen: Chosen, law: LawFit) -> str:
    """Forecast and observation of the held-out rung in a sentence."""
    if law.shape.refused:
        return f"**No law is fitted**: {law.shape.notes[0]}."
    if chosen.held_out is None:
        return (
            f"Fitted to r = {chosen.fit_min:g} to {chosen.fit_max:g}; no rung is held out, so nothing tests this fit."
        )
    forecast, seen = law.predict(chosen.held_out), _seen(chosen)
    ahead, observed = float(law.mean(chosen.held_out)[0]), float(seen.mean())
    span = "no interval"
    if np.isfinite(forecast.low_new):
        span = f"90 % of new students {chosen.scale.span(forecast.low_new, forecast.high_new)} %"
        span += f"; {sum(forecast.low_new <= error <= forecast.high_new for error in seen)} of {len(seen)} fell inside"
    head = f"r = {chosen.held_out:g}: forecast {chosen.scale.text(ahead)} %, observed {chosen.scale.text(observed)} %"
    return f"**{head}** ({chosen.scale.name}; {span})."


def _misses(chosen: Chosen, report: Mapping[str, Any]) -> str:
    """The law beside every baseline at the held-out rung."""
    scale, forecast = chosen.scale, report["forecasts"][0]
    observed = float(scale.of(_seen(chosen).mean()))
    law = forecast["point"] if forecast["mean"] is None else forecast["mean"]
    ahead = {"law": law, **{name: values[0] for name, values in report["baselines"].items()}}
    rows = [
        [name, f"{scale.text(value)} %", error_text(float(scale.of(value)) - observed, True, "+")]
        for name, value in ahead.items()
    ]
    return markdown_table(("forecast by", f"{scale.name} at r = {chosen.held_out:g}", "miss, points"), rows)


def _seen(chosen: Chosen) -> np.ndarray:
    return chosen.ladder.values[chosen.ladder.budgets == chosen.held_out]
