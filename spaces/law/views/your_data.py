"""View 4, your data: paste or drop a table, say what its columns are, see it in every view, save a report."""

from typing import Any

import gradio as gr

import guards
import report
import saving
import table as tables
import yours
from data import MISSING, Experiment
from selection import Choice
from toolkit.reports.reading.numbers import are_numbers
from toolkit.reports.reading.table import SUFFIXES, Table
from views import View, reading

NAME, TITLE = "yours", "Your data"
PASTE = "budget,error,seed\n1,0.913,0\n1,0.921,1\n2,0.857,0\n..."
SHOWN_ROWS = 8
LABELS = {
    "budget": "Budget",
    "value": "Error or accuracy",
    "seed": "Seed",
    "sd": "Standard deviation",
    "n": "Test items",
    "questions": "Questions",
    "group": "Group",
}
READING = """
One row per trained student: its **budget** (responses per question) and its test **error** or accuracy; rows with the
same budget are taken for seeds. A law needs four budgets, an interval needs seeds or a column of standard deviations:
one seed without either gives a curve **without an interval**. With a column of question counts the plan works, too.
The table stays in this session and is never written to disk. Once it is shown, the selection above and every view are
about it, and the report below is about **what the selection shows**, yours or not.
"""
UNKNOWN = ("not known", MISSING)
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build(yours_state: gr.State) -> View:
    """Build the controls and outputs of this view; see `views.View`."""
    raw = gr.State(None)
    with gr.Row():
        pasted = gr.Textbox(
            label="Paste a table", info="CSV in any dialect, or JSON, with a header; at most 1 MB and 2,000 rows",
            placeholder=PASTE, lines=6, max_lines=12, scale=3, elem_id="paste",
        )  # fmt: skip
        file = gr.File(
            label="or drop a file (CSV, TSV, JSON, parquet)", file_types=[*SUFFIXES],
            type="binary", height=150, scale=2, min_width=200,
        )  # fmt: skip
    status = gr.Markdown(elem_id="read")
    with gr.Column(visible=False) as question_column:
        roles, kinds = _questions()
        show = gr.Button("Show the law of these data", variant="primary")
    answers = [*roles.values(), *kinds.values()]
    heads = [raw, status, question_column, *answers]
    pasted.change(_read, pasted, heads, trigger_mode="always_last", **QUIET)
    file.upload(_read, file, heads, **QUIET)
    roles["value"].input(_units, [raw, roles["value"]], kinds["unit"], **QUIET)
    show.click(_take, [raw, *answers], [yours_state, status], **QUIET)
    return View({}, _report(), render)


def _questions() -> tuple[dict[str, gr.Dropdown], dict[str, gr.Radio]]:
    """Build the controls for the columns' meaning, with guesses, and for what no table says."""
    with gr.Row():
        roles = {name: gr.Dropdown([], label=label, min_width=140) for name, label in LABELS.items()}
    kinds = {
        "quantity": gr.Radio(["error", "accuracy"], value="error", label="The values are"),
        "unit": gr.Radio(["fraction", "percent"], label="Values of 1 or less: are they"),
        "control": gr.Radio(
            [("matched optimiser steps", "steps"), ("equal epochs", "epochs"), UNKNOWN],
            label="Students were trained with",
        ),
        "counting": gr.Radio(["sampled", "accepted", UNKNOWN], label="The budget counts responses"),
    }
    return roles, kinds


def _report() -> list[Any]:
    """Build the report's head, figure and texts, with buttons that save them."""
    message = gr.Markdown(elem_id="report")
    plot = gr.Plot(label="The law of what is selected, for the report", show_label=False, elem_id="report-figure")
    with gr.Row():
        saving.figure_buttons("report-figure", "law")
        saved = [
            (gr.Button(f"Save {name}", size="sm"), file, kind)
            for name, file, kind in (
                ("JSON", "law.json", "application/json"),
                ("CSV", report.FILE, "text/csv"),
                ("Python", "law.py", "text/x-python"),
            )
        ]
    reading(READING)
    texts = [
        gr.Textbox(label=label, buttons=["copy"], lines=6, max_lines=16, interactive=False)
        for label in ("The numbers, as fss fit --json prints them", "The ladder", "The lines that reproduce the number")
    ]
    for (button, name, kind), text in zip(saved, texts, strict=True):
        saving.save_text(button, text, name, kind)
    return [message, plot, *texts]


def _read(content: str | bytes | None) -> list[Any]:
    """Return the table, a summary of it, and the questions about it with the answers that its names suggest."""
    blank = [gr.skip()] * (len(LABELS) + 4)
    if content is None or content == "":  # nothing is pasted; an empty file is reported instead
        return [None, "", gr.update(visible=False), *blank]
    try:
        table = tables.read(content)
    except ValueError as error:
        return [None, _wrong(error), gr.update(visible=False), *blank]
    guessed = yours.guess(table)
    choices = [("none", None), *((name, name) for name in table.names)]
    return [
        table,
        f"**{len(table.rows):,} rows, {len(table.names)} columns.** Check what the columns are, answer, and press the "
        f"button.\n\n{_first_rows(table)}",
        gr.update(visible=True),
        *(gr.update(choices=choices, value=getattr(guessed, name)) for name in LABELS),
        guessed.quantity,
        _units(table, guessed.value),
        None,
        None,
    ]


def _units(table: Table | None, value: str | None) -> Any:
    """Show the question of fraction or percent where the values do not answer it."""
    if table is None or value is None or not are_numbers(table, value):
        return gr.update(visible=False, value=None)
    return gr.update(visible=yours.unit(table, value) is None, value=None)


def _take(table: Table | None, *answers: Any) -> list[Any]:
    """Return the experiment for every view, or what is still wrong or missing."""
    names = [*LABELS, "quantity", "unit", "control", "counting"]
    try:
        if table is None:
            raise ValueError("there is no table: paste or drop one first")
        experiment = yours.experiment(table, yours.Meaning(**dict(zip(names, answers, strict=True))))
        if not any(experiment.ladders(pair) for pair in experiment.pairs):
            most = experiment.curves.groupby(["arm", "questions"], dropna=False)["budget"].nunique().max()
            raise ValueError(f"a law needs 4 different budgets in a ladder, the longest here has {most}: measure more")
    except ValueError as error:
        return [gr.skip(), _wrong(error)]
    return [experiment, _shown_message(experiment)]


def _shown_message(experiment: Experiment) -> str:
    notes = "\n".join(f"- {guards.plain(note)}" for note in experiment.notes)
    return f"**{experiment.name} is shown in every view**, exploratory: no forecast was written before.\n\n{notes}"


def _wrong(error: ValueError) -> str:
    return f"**This cannot be read:** {guards.plain(str(error))}."


def _first_rows(table: Table) -> str:
    """Return the first rows as a table of plain text."""
    lines = [table.names, ["---"] * len(table.names), *table.rows[:SHOWN_ROWS]]
    cells = [[cell if cell == "---" else guards.plain(cell) for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def render(choice: Choice) -> list[Any]:
    """Return what the report is about, its figure, and its texts: JSON, CSV, code."""
    law = choice.law()
    marked = f"**Exploratory**: {guards.plain(choice.why)}." if choice.why else "As declared before the fit."
    message = f"## Report\n\n{guards.plain(choice.experiment.name)}: {guards.plain(choice.name)}. {marked}"
    if law.solution.posterior is None:
        message += f" {guards.NO_NOISE}"
    return [
        message,
        report.law_figure(choice, law),
        report.as_json(choice, law),
        report.as_csv(choice),
        report.as_lines(choice, law),
    ]
