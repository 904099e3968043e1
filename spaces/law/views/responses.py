"""View 6, look at the data: a question, its responses accepted and rejected, and what each rung of the ladder added.

Questions and responses are somebody's or some model's text: they are shown in text boxes and tables of text only.
"""

from typing import Any

import gradio as gr
import numpy as np
import pandas as pd
import plotly.graph_objects as go

import corpus
import guards
import plots
import selection
from selection import Chosen
from toolkit.text import markdown_table
from views import View, reading

NAME, TITLE = "responses", "Responses"
COLUMNS = ["draw", "response", "answer"]
KINDS = {
    "new": ("accepted, new", plots.LAW),
    "copies": ("accepted, again", "#56B4E9"),
    "other": ("not accepted", plots.SEEN),
}
READING = """
The teacher answered each question many times; draw 0 is the first, and "as 3" marks the same text as draw 3. A budget r
keeps the draws below r, so every larger budget **contains** the smaller ones, and a rung adds what lies between. A
response is **accepted** when its extracted answer equals the known one; students are trained on accepted responses.
Bars count what each rung added for this question: **new** correct texts are what more budget is bought for, repeated
ones teach little that is new. The bundled example holds a sample of questions, the first by id, with all their
responses; of results on the Hub, the responses to a question are read from their release when it is looked at.
"""
LISTED = 200
SHORT = 28  # letters of a question that a phone shows in a list


def build(taken: gr.State) -> View:
    """The controls and outputs of this view; see `views.View`."""
    start = selection.settle([None] * len(selection.NAMES))[0]
    questions = _choices(corpus.questions(start.experiment, start.questions))
    rungs = [f"{rung}" for rung in _rungs(start)]
    with gr.Row():
        find = gr.Textbox("", label="Search the questions", info="any part of their text", min_width=200)
        upto = gr.Dropdown(
            rungs,
            value=rungs[-1],
            label="Budget r",
            info="responses per question",
            min_width=120,
            allow_custom_value=True,
        )
    # While a search narrows the choices the old one may still be sent: `render` takes the first match instead.
    question = gr.Dropdown(questions, value=questions[0][1], label="Question", allow_custom_value=True)
    message = gr.Markdown()
    asked = gr.Textbox(label="Question, as it is given to the teacher", interactive=False, lines=2, buttons=["copy"])
    plot = gr.Plot(label="What each rung added for this question", show_label=False)
    reading(READING)
    counts = gr.Markdown(buttons=["copy"], elem_classes="copyable")
    tables = [_table(f"{name} responses") for name in ("Accepted", "Rejected")]
    outputs = [message, asked, plot, counts, *tables, question, upto]
    return View({"find": find, "question": question, "rung": upto}, outputs, render, lazy=True)


def _table(label: str) -> gr.Dataframe:
    return gr.Dataframe(
        headers=COLUMNS, datatype="str", label=label, interactive=False, wrap=True, max_height=420,
        column_widths=["20%", "55%", "25%"], buttons=["copy"], elem_classes="responses",
    )  # fmt: skip


def render(chosen: Chosen, find: str | None, question: str | None, upto: str | None) -> list[Any]:
    """The question in words and numbers, what each rung added, and its responses as tables of text."""
    questions, every = corpus.questions(chosen.experiment, chosen.questions), _rungs(chosen)
    matches = corpus.matching(questions, find or "")
    if not matches:
        raise ValueError(f"no question contains {(find or '')[:60]!r}: search for another part of its text")
    key = question if question in matches else next(iter(matches))
    last = next((rung for rung in every if f"{rung}" == upto), every[-1])
    drawn = corpus.draws(corpus.responses(chosen.experiment, key), [rung for rung in every if rung <= last])
    if drawn.empty:
        raise ValueError(f"the teacher was not asked {questions[key][:60]!r} at these budgets: choose another question")
    first, right = drawn.iloc[0], drawn["verdict"] == corpus.ACCEPTED
    message = _whose(chosen) + (
        f"{len(matches):,} of {len(questions):,} questions. "
        f"Answer: **{guards.plain(str(first['answer']))}**. "
        f"Of {len(drawn)} responses {right.sum()} are accepted, {drawn[right]['response'].nunique()} of them different."
    )
    return [
        message,
        str(first["question"]),
        _draw(corpus.added(drawn)),
        _counts(corpus.added(drawn)),
        _as_text(drawn[right]),
        _as_text(drawn[~right]),
        gr.update(choices=_choices(matches), value=key),
        gr.update(choices=[f"{rung}" for rung in every], value=f"{last}"),
    ]


def _whose(chosen: Chosen) -> str:
    """Where these responses taught other students than those that are chosen, whose they are."""
    if chosen.experiment.published(chosen.pair):
        return ""
    teacher = guards.plain(str(chosen.experiment.manifest["teacher"]))
    other = f"those that {guards.plain(chosen.pair)} learned from are not published"
    return f"**Responses of the teacher {teacher}**: {other}. "


def _choices(questions: dict[str, str]) -> list[tuple[str, str]]:
    """Questions by number and beginning, no more than a list can show; the whole text stands below it."""
    questions = dict(list(questions.items())[:LISTED])
    starts = [text if len(text) <= SHORT else f"{text[:SHORT]}…" for text in questions.values()]
    return [(f"{number}. {start}", key) for number, (start, key) in enumerate(zip(starts, questions, strict=True), 1)]


def _rungs(chosen: Chosen) -> list[int]:
    return [int(budget) for budget in np.unique(chosen.ladder.budgets)]


def _as_text(drawn: pd.DataFrame) -> list[list[str]]:
    """Rows of `COLUMNS`, every cell as text: draw and rung, what it repeats, and a verdict where no answer is."""
    return [
        [
            f"{row['response_index']}, r = {row['rung']}" + (f", as {row['repeats']}" if row["repeats"] >= 0 else ""),
            str(row["response"]),
            str(row["extracted"] if row["verdict"] in (corpus.ACCEPTED, "rejected") else row["verdict"]),
        ]
        for row in drawn.to_dict("records")
    ]


def _draw(added: pd.DataFrame) -> go.Figure:
    plot = plots.figure("rung r", "responses added", height=360)
    for name, (label, color) in KINDS.items():
        hover = f"%{{y}} {label}<extra></extra>"
        x = [f"{rung}" for rung in added.index]
        plot.add_bar(x=x, y=added[name], name=label, marker={"color": color}, hovertemplate=hover)
    plot.update_layout(barmode="stack", legend={"y": -0.3}).update_xaxes(type="category")
    return plot


def _counts(added: pd.DataFrame) -> str:
    rows = [[f"r = {rung}", *(str(row[name]) for name in ("draws", *KINDS))] for rung, row in added.iterrows()]
    return markdown_table(("rung", "draws", *(label for label, _ in KINDS.values())), rows)
