"""Part of the view Compare, for results with arms: what each arm gained and took, and corpora against students."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

import arms
import guards
import plots
import saving
from arms_figure import draw_gains, draw_transfer
from data import Experiment
from selection import Choice
from toolkit.reports.arms_report import ArmsReport
from toolkit.reports.rules.synthesis import smallest_seen
from toolkit.reports.rules.verdict import CLAIMS
from toolkit.reports.step_costs import HEADER, mean_costs
from toolkit.reports.transfer import correlation_lines, transfer, transfer_header, transfer_rows
from toolkit.text import markdown_table
from views import reading

SMALL = (
    "**A small synthetic experiment.** Teacher and students are embedded models of about 0.35 M parameters, trained on "
    "short generated questions: what holds among these arms need not hold for larger models or other questions."
)
READING = """
A **gain** is the error of plain rejection sampling minus that of the arm, on the same test questions and replicates, so
right of 0 the arm is better; arms are compared where both took as many samples or as many tokens of the teacher. The
**shade** is the margin that the rule fixed before the run. *Confirmed* (no arm helps) means that every upper end lies
left of its right edge, *refuted* that an arm is better for sure, even with its bound made stricter for the number of
arms (Holm); anything else is *cannot tell*, with the smallest gain that would have been seen.

**Intrinsic against transfer**: across, what the corpus of an arm looks like by one metric (its mean over corpus draws);
upwards, what its students learn. The star is the baseline. Arms whose corpora differ and whose students do not are why
a metric of a corpus alone does not choose a protocol. A rank correlation over few arms shows little: the sentence says
how strong it would have to be.
"""
FIGURE = "arms-figure"


def build() -> tuple[dict[str, Any], list[Any]]:
    """Build the controls, by their names in links, and the outputs, in the order of `render`."""
    verdict = gr.Markdown()
    gains = gr.Plot(label="Gain of each arm over plain rejection sampling, with intervals", show_label=False)
    reading(READING)
    table = gr.Markdown(buttons=["copy"], elem_classes="copyable")
    took = gr.Markdown(buttons=["copy"], elem_classes="copyable")
    with gr.Row():
        metric = gr.Dropdown([], label="Intrinsic: metric of the corpora", min_width=200, allow_custom_value=True)
        upwards = gr.Radio(
            [("gain over the baseline", "gain"), ("test error", "error")], value="gain",
            label="Transfer: what students learn",
        )  # fmt: skip
    ranks = gr.Markdown()
    scatter = gr.Plot(label="Students against a metric of their corpora", show_label=False, elem_id=FIGURE)
    with gr.Row():
        saving.figure_buttons(FIGURE, "arms", "the arms")
        save = gr.Button("Save CSV of the arms", size="sm")
    beside = gr.Markdown(buttons=["copy"], elem_classes="copyable")
    with gr.Accordion("The same as text, as fss compare prints it, and as CSV", open=False):
        text = gr.Textbox(label="fss compare", buttons=["copy"], lines=12, max_lines=40)
        csv = gr.Textbox(label=arms.CSV, buttons=["copy"], lines=6, max_lines=16)
    saving.save_text(save, csv, arms.CSV, "text/csv")
    return {"metric": metric, "transfer": upwards}, [
        verdict,
        gains,
        table,
        took,
        ranks,
        scatter,
        beside,
        text,
        csv,
        metric,
    ]


def empty() -> list[Any]:
    """Return the outputs of results without arms."""
    return ["", None, "", "", "", None, "", "", "", gr.update(choices=[], value=None)]


def render(choice: Choice, metric: str | None, upwards: str) -> list[Any]:
    """Return verdict, gains and ledger, then corpora against students in words, figure, table, text and CSV."""
    try:
        compared = arms.report(choice.experiment)
        metric = arms.metric_of(compared, metric)
        every = transfer(compared.found, metric, compared.rules)
        words = _verdict(choice, compared)
    except ValueError as error:
        return [f"**The arms cannot be compared**: {guards.plain(str(error))}.", *empty()[1:]]
    gains, scatter = draw_gains(compared), draw_transfer(compared, every, upwards == "gain")
    return [
        words,
        plots.marked(gains, choice.why),
        _table(compared.decision.header, compared.decision.rows),
        _took(compared),
        _ranks(compared, metric),
        plots.marked(scatter, choice.why),
        _table(transfer_header(every, compared.rules), transfer_rows(every)),
        guards.marked(f"{_command(choice.experiment, compared, metric)}\n\n{compared.text(metric)}", choice.why),
        arms.as_csv(choice, compared, metric),
        gr.update(choices=compared.found.ledger.metrics(), value=metric),
    ]


def _verdict(choice: Choice, compared: ArmsReport) -> str:
    """Say how small the experiment is, claim and verdict in words, and the smallest gain that would have been seen."""
    decision, claim = compared.decision, CLAIMS[compared.rule][1]
    seen = smallest_seen(compared.found)
    lines = [
        f"**{decision.verdict.capitalize()}.** The claim: *{claim}*. {guards.plain(decision.sentence)}",
        f"{seen[:1].upper()}{seen[1:]}.",
        "\n".join(f"- {guards.plain(note)}" for note in decision.notes),
    ]
    return "\n\n".join([*([SMALL] if choice.toy else []), *lines])


def _took(compared: ArmsReport) -> str:
    if not compared.costs:
        return (
            "**What each arm took by step** is not among these results; the table above has samples and tokens in all."
        )
    words = "**What each arm took of its teacher by step**, one corpus on average; a cost is there where prices are."
    return f"{words}\n\n{_table(HEADER, mean_costs(compared.costs))}"


def _ranks(compared: ArmsReport, metric: str) -> str:
    lines = [f"- {guards.plain(line)}" for line in correlation_lines(compared.found, metric)]
    return "\n".join([f"**Intrinsic against transfer: {guards.plain(metric)}**", "", *lines])


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table whose names, which are others', are plain text."""
    return markdown_table([guards.plain(name) for name in header], [[_cell(cell) for cell in row] for row in rows])


def _cell(text: str) -> str:
    return text if text == "-" else guards.plain(text)


def _command(experiment: Experiment, compared: ArmsReport, metric: str) -> str:
    """Write the command that prints the text below it."""
    where = f" --where experiment={compared.experiment}" if " on " in experiment.name else ""
    return f"fss compare FOLDER --rule {compared.rule} --metric {metric}{where}"
