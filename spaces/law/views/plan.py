"""View 3, the plan: more questions or more answers, for a price list and an amount of money or a target error."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

import fitting
import guards
import plots
from data import load
from plan_figure import draw_frontier, draw_map, draw_one_axis
from selection import Choice
from toolkit.commands.plan import as_text, reasons
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.predict import WIDEN_BEYOND
from toolkit.laws.planning.prices import Prices
from toolkit.laws.surface.fit import MIN_CELLS
from toolkit.reports.fit_report import error_text
from toolkit.text import markdown_table
from views import View, reading

NAME, TITLE = "plan", "Plan"
STARTS = {"question": 20.0, "response": 1.0, "student": 0.0}
MORE = {
    "student_response": "Student, per response trained on",
    "tokens_per_response": "Tokens per response",
    "token": "One token",
    "teacher_hour": "One hour of the teacher",
    "responses_per_hour": "Responses per hour",
    "owned_questions": "Questions owned already",
    "owned_budget": "Responses each of these has",
}
LABELS = {"question": "One new question", "response": "One response", "student": "One student, all in"} | MORE
READING = """
The **map** is the expected error over both axes, up to twice the tested range; black dots were tested. The **star** is
the best split of the money, the **dashed line** every split that costs as much, the **orange line** the best split of
any amount. Below, the **frontier** is the least error that an amount buys, with its 90 % interval. A split is
recommended only when it beats splits with half and with twice as many responses with probability .9; otherwise the
planner says that it cannot tell, and names the smallest experiment that would.
"""


def build(yours: gr.State) -> View:
    """Build the controls and outputs of this view; see `views.View`."""
    gr.Markdown("## More questions or more answers?")
    with gr.Row():
        goal = gr.Radio([("spend", "spend"), ("reach an error", "target")], value="spend", label="I want to")
        spend = gr.Number(12000, label="Money to spend", info="in the currency of the prices", minimum=0, min_width=140)
        target = gr.Number(60, label="Error to reach, %", minimum=0.1, maximum=99.9, min_width=140)
    with gr.Row():
        prices = {name: _price(name, start) for name, start in STARTS.items()}
    with gr.Accordion("More prices, and further", open=False):
        with gr.Row():
            prices |= {name: _price(name, 0.0) for name in MORE}
        beyond = gr.Checkbox(False, label="Beyond: also plan further than twice the tested range")
    message = gr.Markdown(buttons=["copy"], elem_classes="copyable")
    plot = gr.Plot(label="Expected error over questions and responses per question", show_label=False)
    reading(READING)
    best = gr.Plot(label="Least expected error that an amount of money buys", show_label=False)
    with gr.Accordion("The same numbers as text, as fss plan prints them", open=False):
        text = gr.Textbox(label="fss plan", show_label=False, buttons=["copy"], lines=12, max_lines=40)
    controls = {"goal": goal, "spend": spend, "target": target, "beyond": beyond, **prices}
    return View(controls, [message, plot, best, text], render)


def _price(name: str, start: float) -> gr.Number:
    return gr.Number(start, label=LABELS[name], minimum=0, min_width=130)


def render(
    choice: Choice, goal: str, spend: float | None, target: float | None, beyond: bool, *price_values: float | None
) -> list[Any]:
    """Return the planner's sentence, the map, the frontier and `fss plan`'s own text, or what one axis alone shows."""
    prices = fitting.read_prices(dict(zip([*STARTS, *MORE], price_values, strict=True)))
    cells = choice.cells
    if cells["questions"].nunique() < 2:
        return _one_axis(choice, prices)
    money = (spend, None) if goal == "spend" else (None, None if target is None else target / 100)
    key = fitting.cells_of(cells)
    planned = fitting.planned(key, prices, *money, beyond)
    fitted = fitting.surface(key)
    return [
        "\n\n".join([f"**{planned.advice.sentence}**", _rows(choice), *reasons(planned.report)]),
        plots.marked(draw_map(key, fitted, prices, planned), choice.why),
        plots.marked(draw_frontier(planned), choice.why),
        guards.marked(as_text(planned.report), choice.why),
    ]


def _rows(choice: Choice) -> str:
    """Say which students the plan uses."""
    used, cells = choice.cells, choice.experiment.cells(choice.pair, choice.name)
    excluded = sorted({*cells["budget"]} - {*used["budget"]})
    out = (
        f"; not from those of r = {', '.join(f'{r:g}' for r in excluded)}, outside the fitted range above"
        if excluded
        else ""
    )
    mark = "Exploratory: " if choice.why else ""
    return f"{mark}from {len(used):,} students of {len(used.value_counts(['questions', 'budget']))} cells{out}."


def _one_axis(choice: Choice, prices: Prices) -> list[Any]:
    """Say, for a single number of questions, what more answers would cost and win instead of a plan."""
    if not np.isfinite(choice.questions):
        raise ValueError("these data do not have the number of questions: a plan needs a column with it")
    law = choice.law()
    if law.shape.refused:
        raise ValueError(law.shape.notes[0])
    m, tested = choice.questions, len(np.unique(choice.ladder.budgets))
    message = [
        f"**These data cannot tell whether more questions or more answers are better**: every student of "
        f"{guards.plain(choice.experiment.name)} was trained on {m:,g} questions. A plan needs at least {MIN_CELLS} "
        f"cells of questions and responses with two numbers of questions among them; here are {tested}, all with one."
        f"{_elsewhere(choice)}",
        f"**The smallest experiment that would decide it**: students on {m / 2:,g} and on {2 * m:,g} questions, one "
        f"response each and {choice.ladder.budgets.max() / 2:g} each, with as many seeds as here.",
        f"**What they can tell** is what more answers to the same questions cost, and win, forecast from "
        f"r = {choice.fit_min:g} to {choice.fit_max:g}{' (exploratory)' if choice.why else ''}:",
        _doublings(law, prices, m),
    ]
    return ["\n\n".join(message), plots.marked(draw_one_axis(law, prices, m), choice.why), None, ""]


def _elsewhere(choice: Choice) -> str:
    """Name the experiments of the same results from which a plan can be made; a user's own table has no others."""
    if choice.experiment.folder is None:
        return ""
    plannable = [name for name, experiment in load(choice.experiment.origin).items() if experiment.plannable]
    options = " or ".join(f"**{guards.plain(name)}**" for name in plannable)
    return f" Of these results, {options} can tell: choose it as the experiment above." if plannable else ""


def _doublings(law: LawFit, prices: Prices, m: float) -> str:
    budgets = float(law.rungs.x[-1]) * np.array([0.25, 0.5, 1.0, WIDEN_BEYOND / 2])
    won = fitting.gains(law, budgets)
    low, high = np.quantile(won, [0.05, 0.95], axis=0)
    rows = [
        [f"{r:g} to {2 * r:g}", f"{prices.cost(m, 2 * r) - prices.cost(m, r):,.6g}", *_points(*points)]
        for r, *points in zip(budgets, won.mean(axis=0), low, high, strict=True)
    ]
    return markdown_table(("responses each", "costs", "wins, points", "90 % interval"), rows)


def _points(mean: float, low: float, high: float) -> Sequence[str]:
    return error_text(mean, True), f"{error_text(low, True)} to {error_text(high, True)}"
