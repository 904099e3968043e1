"""View 2, extrapolate: the error at an untried budget, and how far a forecast may reach."""

from typing import Any

import gradio as gr
import numpy as np

import fitting
import guards
import plots
from extrapolate_figure import draw
from scale import Scale
from selection import Choice
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.predict import REFUSE_BEYOND, WIDEN_BEYOND
from toolkit.reports.fit_report import as_text, error_text
from toolkit.text import markdown_table
from views import View, reading

NAME, TITLE = "extrapolate", "Extrapolate"
START = 64
READING = """
Move the slider, or type a budget into its box. Up to **4 times** the last fitted budget you get a number with its
interval, averaged over forms of the law by the data; from there to **16 times** only the interval, in orange; beyond
that the page refuses. The interval of **curves** is about the mean of many students, the one of **new students** about
one more run like those measured. The gain of a doubling is what going from r to 2 r wins, paired over the curves.
"""


def build(yours: gr.State) -> View:
    """Build the controls and outputs of this view; see `views.View`."""
    with gr.Row():
        budget = gr.Slider(
            1, 512, START, step=1, label="Budget: responses per question", info="slide, or type into the box", scale=3
        )
        level = gr.Radio([("50 %", "50"), ("90 %", "90")], value="90", label="Interval", min_width=140)
    message = gr.Markdown()
    plot = gr.Plot(label="Forecast of the error beyond the measured budgets", show_label=False)
    reading(READING)
    gain = gr.Markdown(buttons=["copy"], elem_classes="copyable")
    with gr.Accordion("The forecast as text, as fss fit --predict prints it: errors", open=False):
        text = gr.Textbox(label="fss fit --predict", show_label=False, buttons=["copy"], lines=12, max_lines=40)
    return View({"budget": budget, "level": level}, [message, plot, gain, text, budget], render)


def render(choice: Choice, budget: float | None, level: str) -> list[Any]:
    """Return the forecast in words, its figure, the gain of doublings, `fss fit`'s own text, and the slider's range."""
    if choice.two_axes:
        raise ValueError("a ladder of so few budgets has no law of its own; the view Plan goes beyond the tested range")
    law = choice.law()
    if law.shape.refused:
        raise ValueError(law.shape.notes[0])
    last = float(law.rungs.x[-1])
    requested, budget = budget, _within(budget, law)
    ahead = () if guards.zone(law, budget) == "refused" else (budget,)
    report = fitting.report(law, ahead, choice.ladder.notes)
    # An unchanged budget is not sent back, as it would overwrite one typed in the meantime.
    moved: dict[str, Any] = {} if requested == budget else {"value": budget}
    slider = gr.update(minimum=float(law.rungs.x[0]), maximum=2 * REFUSE_BEYOND * last, **moved)
    return [
        f"{_sentence(law, budget, choice.scale)}\n\n{guards.caution(law, budget)}",
        plots.marked(draw(choice, law, budget, float(level) / 100), choice.why),
        _gains(law, choice.scale),
        guards.marked(as_text(choice.experiment.name, report), choice.why),
        slider,
    ]


def _within(budget: float | None, law: LawFit) -> float:
    """Return the requested budget or, outside the slider's range, 4 times the last fitted one."""
    first, last = float(law.rungs.x[0]), float(law.rungs.x[-1])
    inside = budget is not None and first <= budget <= 2 * REFUSE_BEYOND * last
    return float(budget) if inside and budget else WIDEN_BEYOND * last


def _sentence(law: LawFit, budget: float, scale: Scale) -> str:
    zone = guards.zone(law, budget)
    if zone == "refused":
        return f"**No forecast for r = {budget:,g}.**"
    ahead = fitting.ahead(law, budget)
    if zone == "far":
        low, high = ahead.interval()[:, 0]
        span = scale.span(low, high, " %")
        at = f"**At r = {budget:,g} any {scale.name} from {span} is possible** (90 %)."
        return f"{at}\n\n{guards.basis(ahead)}"
    rows = []
    for what, students in (("curves", None), ("new students", 1)):
        for level in (0.5, 0.9):
            low, high = ahead.interval(level, students)[:, 0]
            rows.append([f"{level:.0%} of {what}", scale.span(low, high, " %")])
    at = f"**At r = {budget:,g} the {scale.name} is forecast at {scale.text(ahead.mean[0])} %.**"
    return "\n\n".join([at, markdown_table(("interval", "from, to"), rows), guards.basis(ahead)])


def _gains(law: LawFit, scale: Scale) -> str:
    """Say what doublings win as far as numbers are given, and where that becomes little."""
    last = float(law.rungs.x[-1])
    budgets = np.array([last * 2.0**k for k in range(-3, 2)])
    won = fitting.gains(law, budgets)
    low, high = np.quantile(won, [0.05, 0.95], axis=0)
    rows = [
        [
            f"{r:g} to {2 * r:g}",
            error_text(float(mean), True),
            f"{error_text(float(a), True)} to {error_text(float(b), True)}",
        ]
        for r, mean, a, b in zip(budgets, won.mean(axis=0), low, high, strict=True)
        if r >= law.rungs.x[0]
    ]
    table = markdown_table(("doubling r", "points won", "90 % interval"), rows)
    return f"**Gain per doubling**\n\n{table}\n\n{_turning(law, last)}\n\n{guards.floor(law, scale)}"


def _turning(law: LawFit, last: float) -> str:
    if law.floor is None:
        return (
            "**Diminishing returns: these data cannot say where.** That takes a floor whose 90 % interval is narrower "
            "than 5 points."
        )
    point = fitting.turning_point(law, guards.GAIN, WIDEN_BEYOND * last / 2)
    if point is None:
        return f"Up to r = {WIDEN_BEYOND * last / 2:g} every doubling is expected to win a point or more."
    return f"**Diminishing returns from r = {point:.3g} on**: there a doubling is expected to win less than a point."
