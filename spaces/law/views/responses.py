"""View 6, responses: a question, its responses accepted and rejected, and what each rung of the ladder added.

Questions and responses are written by others or by a model, so they are only shown in text boxes and text tables.
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
from selection import Choice
from toolkit.text import markdown_table
from views import View, reading

NAME, TITLE = "responses", "Responses"
COLUMNS = ["draw", "response", "answer"]
KINDS = {
    "new": ("accepted, new", plots.LAW),
    "copies": ("accepted, again", "#56B4E9"),
    "other": ("not accepted", plots.OBSERVED),
}
READING = """
The teacher answered each question many times; draw 0 is the first, and "as 3" marks the same text as draw 3. A budget r
keeps the draws below r, so every larger budget **contains** the smaller ones, and a rung adds what lies between. A
response is **accepted** when its extracted answer equals the known one; students are trained on accepted responses.
Bars count what each rung added for this question: **new** correct texts are the purpose of a larger budget, repeated
ones teach little. The bundled example has a sample of questions, the first by id, with all their responses; for results
on the Hub, the responses to a question are read from their release when it is shown.
"""
LISTED = 200
SHORT = 28  # letters of a question that a phone shows in a list


def build(yours: gr.State) -> View:
    """Build the controls and outputs of this view; see `views.View`."""
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
    question_text = gr.Textbox(
        label="Question, as it is given to the teacher", interactive=False, lines=2, buttons=["copy"]
    )
    plot = gr.Plot(label="What each rung added for this question", show_label=False)
    reading(READING)
    counts = gr.Markdown(buttons=["copy"], elem_classes="copyable")
    tables = [_table(f"{name} responses") for name in ("Accepted", "Rejected")]
    outputs = [message, question_text, plot, counts, *tables, question, upto]
    return View({"find": find, "question": question, "rung": upto}, outputs, render, lazy=True)


def _table(label: str) -> gr.Dataframe:
    return gr.Dataframe(
        headers=COLUMNS, datatype="str", label=label, interactive=False, wrap=True, max_height=420,
        column_widths=["20%", "55%", "25%"], buttons=["copy"], elem_classes="responses",
    )  # fmt: skip


def render(choice: Choice, find: str | None, question: str | None, upto: str | None) -> list[Any]:
    """Return the question in words and numbers, what each rung added, and its responses as tables of text."""
    questions, all_rungs = corpus.questions(choice.experiment, choice.questions), _rungs(choice)
    matches = corpus.matching(questions, find or "")
    if not matches:
        raise ValueError(f"no question contains {(find or '')[:60]!r}: search for another part of its text")
    key = question if question in matches else next(iter(matches))
    last = next((rung for rung in all_rungs if f"{rung}" == upto), all_rungs[-1])
    rows = corpus.draws(corpus.responses(choice.experiment, key), [rung for rung in all_rungs if rung <= last])
    if rows.empty:
        raise ValueError(f"the teacher was not asked {questions[key][:60]!r} at these budgets: choose another question")
    first, right = rows.iloc[0], rows["verdict"] == corpus.ACCEPTED
    message = _whose(choice) + (
        f"{len(matches):,} of {len(questions):,} questions. "
        f"Answer: **{guards.plain(str(first['answer']))}**. "
        f"Of {len(rows)} responses {right.sum()} are accepted, {rows[right]['response'].nunique()} of them different."
    )
    return [
        message,
        str(first["question"]),
        _draw(corpus.added(rows)),
        _counts(corpus.added(rows)),
        _as_text(rows[right]),
        _as_text(rows[~right]),
        gr.update(choices=_choices(matches), value=key),
        gr.update(choices=[f"{rung}" for rung in all_rungs], value=f"{last}"),
    ]


def _whose(choice: Choice) -> str:
    """Name the teacher where these responses are not those that taught the selected students."""
    if choice.experiment.published(choice.pair):
        return ""
    teacher = guards.plain(str(choice.experiment.manifest["teacher"]))
    other = f"those that {guards.plain(choice.pair)} learned from are not published"
    return f"**Responses of the teacher {teacher}**: {other}. "


def _choices(questions: dict[str, str]) -> list[tuple[str, str]]:
    """List questions by number and beginning, as many as a list can show; the whole text is shown below it."""
    questions = dict(list(questions.items())[:LISTED])
    starts = [text if len(text) <= SHORT else f"{text[:SHORT]}…" for text in questions.values()]
    return [(f"{number}. {start}", key) for number, (start, key) in enumerate(zip(starts, questions, strict=True), 1)]


def _rungs(choice: Choice) -> list[int]:
    return [int(budget) for budget in np.unique(choice.ladder.budgets)]


def _as_text(rows: pd.DataFrame) -> list[list[str]]:
    """Return rows of `COLUMNS`, every cell as text: draw and rung, what it repeats, and the answer or verdict."""
    return [
        [
            f"{row['response_index']}, r = {row['rung']}" + (f", as {row['repeats']}" if row["repeats"] >= 0 else ""),
            str(row["response"]),
            str(row["extracted"] if row["verdict"] in (corpus.ACCEPTED, "rejected") else row["verdict"]),
        ]
        for row in rows.to_dict("records")
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
