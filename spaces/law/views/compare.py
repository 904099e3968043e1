"""View 5, compare: what doubling the budget, more questions or another arm brought; arms; corpus against students."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from html import escape
from typing import Any

import gradio as gr
import plotly.graph_objects as go

import comparing
import corpus
import fitting
import guards
import plots
from comparing import Pairing
from selection import Choice
from toolkit.reports.fit_report import error_text
from toolkit.text import markdown_table
from views import View, arms, reading

NAME, TITLE = "compare", "Compare"
Statistics = dict[tuple[float, float], dict[str, Any]]  # by questions and budget
KINDS: dict[str, tuple[str, Callable[[Choice], list[Pairing]]]] = {
    "budgets": ("budget r against 2 r", comparing.doublings),
    "questions": ("more questions at equal responses in all", comparing.more_questions),
    "arms": ("another arm at the same budget", comparing.other_arms),
}
MEASURES = {
    "distinct": "different accepted responses",
    "accepted": "accepted responses",
    "covered": "questions with an accepted response",
}
READING = """
Every **point** is a difference of two sets of students, in points of test error: above 0 the second is better. It is
**paired**: the same seeds and, where answers to single items are known, the same test questions. The bar is the 90 %
interval, by a bootstrap over seeds and items or by Student's t over seeds, the wider of the two. In the table the last
interval holds for **all comparisons at once**. Below, **intrinsic against transfer** compares the corpus of a budget,
as counted in the release, with the error of the students that it trained. Where the corpus grows and the error does not
fall, the corpus no longer limits the students.
"""


def build(yours: gr.State) -> View:
    """Build the controls and outputs of this view; see `views.View`."""
    with gr.Column(visible=False) as of_arms:
        knobs, parts = arms.build()
    with gr.Column() as of_ladder:
        with gr.Row():
            kind = gr.Radio([(label, name) for name, (label, _) in KINDS.items()], value="budgets", label="Compare")
            measure = gr.Radio(
                [(label, name) for name, label in MEASURES.items()], value="distinct", label="Corpus, counted by"
            )
        message = gr.Markdown()
        plot = gr.Plot(label="Paired differences of test error, with intervals", show_label=False)
        reading(READING)
        table = gr.Markdown(buttons=["copy"], elem_classes="copyable")
        intrinsic = gr.Plot(label="Error of students against what their corpus holds", show_label=False)
        counts = gr.Markdown(buttons=["copy"], elem_classes="copyable")
    outputs = [message, plot, table, intrinsic, counts, of_ladder, of_arms, *parts]
    return View({"compare": kind, "measure": measure, **knobs}, outputs, render)


def render(choice: Choice, kind: str, measure: str, metric: str | None = None, upwards: str = "gain") -> list[Any]:
    """Return what a ladder shows, then which parts of the view are shown, then what arms show; see `views.arms`."""
    ladder = ["", None, "", None, ""] if choice.one_budget else _of_ladder(choice, kind, measure)
    of_arms = arms.render(choice, metric, upwards) if choice.experiment.arms else arms.empty()
    return [*ladder, not choice.one_budget, choice.experiment.arms, *of_arms]


def _of_ladder(choice: Choice, kind: str, measure: str) -> list[Any]:
    """Return the comparison in words, its figure and table, then the corpus against the students where it is known."""
    try:
        pairings = KINDS[kind][1](choice)
        words = [_sentence(choice, pairings), _draw(pairings), _table(pairings)]
    except ValueError as error:
        words = [f"**Nothing to compare**: {guards.plain(str(error))}.{_elsewhere(choice, kind)}", None, ""]
    return [*words, *_intrinsic(choice, measure)]


def _elsewhere(choice: Choice, kind: str) -> str:
    """Name the other comparisons that these students allow."""
    labels = []
    for label, pairings in (entry for name, entry in KINDS.items() if name != kind):
        with suppress(ValueError):
            pairings(choice)
            labels.append(f"*{label}*")
    return f" These students do allow {' and '.join(labels)}: choose it above." if labels else ""


def _sentence(choice: Choice, pairings: Sequence[Pairing]) -> str:
    """Say how many comparisons are decided, and on how many seeds and items they rest."""
    better = sum(pairing.interval.low > 0 for pairing in pairings)
    worse = sum(pairing.interval.high < 0 for pairing in pairings)
    first = pairings[0].contrast
    rests = f"{first.replicates} seeds" + (f" and {first.items:,} test items" if first.items > 1 else "")
    if first.items == 1:
        rests += f"; answers to single items are not available ({_where(choice)})"
    return (
        f"**Of {len(pairings)} comparisons the second is better in {better}, worse in {worse}; {_open(pairings)} "
        f"undecided.** Paired over {rests}."
    )


def _open(pairings: Sequence[Pairing]) -> str:
    undecided = sum(pairing.interval.low <= 0 <= pairing.interval.high for pairing in pairings)
    return f"{undecided} {'is' if undecided == 1 else 'are'}"


def _where(choice: Choice) -> str:
    repo = choice.experiment.origin
    return f"{guards.plain(repo)} has none" if "/" in repo else "a table has one error per student"


def _draw(pairings: Sequence[Pairing]) -> go.Figure:
    plot = plots.figure("first against second", "test error won, points", height=380)
    names = [f"{escape(pairing.first)}<br>{escape(pairing.second)}" for pairing in pairings]
    spans = [pairing.interval for pairing in pairings]
    bars = {
        "array": [100 * (span.high - span.estimate) for span in spans],
        "arrayminus": [100 * (span.estimate - span.low) for span in spans],
    }
    plot.add_scatter(
        x=names, y=[100 * span.estimate for span in spans], mode="markers", name="difference, 90 %",
        marker={"size": 9, "color": plots.LAW}, error_y={"type": "data", "thickness": 2, **bars},
        hovertemplate="%{x}<br>%{y:.2f} points<extra></extra>",
    )  # fmt: skip
    plot.update_xaxes(type="category")
    plot.update_yaxes(rangemode="tozero", zeroline=True, zerolinecolor=plots.GREY, zerolinewidth=2)
    return plot


def _table(pairings: Sequence[Pairing]) -> str:
    rows = []
    for pairing, wide in zip(pairings, comparing.together(pairings), strict=True):
        alone = pairing.interval
        spans = [f"{error_text(span.low, True, '+')} to {error_text(span.high, True, '+')}" for span in (alone, wide)]
        errors = [f"{error_text(error, True)} %" for error in pairing.errors]
        names = [guards.plain(pairing.first), guards.plain(pairing.second)]
        rows.append([*names, error_text(alone.estimate, True, "+"), *spans, *errors, f"{pairing.total:,.0f}"])
    header = ("first", "second", "points won", "90 %", "90 %, all at once", "error", "error of second", "responses")
    return markdown_table(header, rows)


def _intrinsic(choice: Choice, measure: str) -> list[Any]:
    """Return the figure and table of corpus against students; none without corpus statistics."""
    statistics = corpus.statistics(choice.experiment, choice.pair)
    rungs = [rung for rung in fitting.rungs(choice.ladder) if _of(statistics, rung, choice)]
    if not rungs:
        return [None, "**Intrinsic against transfer**: the card of the release has the counts of these corpora."]
    x = [_of(statistics, rung, choice)[measure] for rung in rungs]
    labels = plots.labelled([rung.budget for rung in rungs])
    plot = plots.figure(MEASURES[measure], "test error, %", height=360)
    plot.add_scatter(
        x=x, y=[100 * rung.mean for rung in rungs], mode="lines+markers+text", name="students",
        text=[f"r = {rung.budget:g}" if rung.budget in labels else "" for rung in rungs],
        hovertext=[f"r = {rung.budget:g}" for rung in rungs],
        textposition=[*["top right"] * (len(rungs) - 1), "bottom left"],
        marker={"size": 9, "color": plots.OBSERVED}, line={"color": plots.OBSERVED},
        hovertemplate=f"%{{hovertext}}: %{{x:,}} {MEASURES[measure]}<br>error %{{y:.2f}} %<extra></extra>",
    )  # fmt: skip
    for name, error in choice.experiment.lines(choice.pair).items():
        plots.level(plot, 100 * error, f"{name} {100 * error:.1f} %")
    return [plot, _counted(choice, rungs, statistics)]


def _of(statistics: Statistics, rung: fitting.Rung, choice: Choice) -> dict[str, Any]:
    """Return statistics of the corpus behind a rung; empty where there are none."""
    return statistics.get((choice.questions, rung.budget), {})


def _counted(choice: Choice, rungs: Sequence[fitting.Rung], statistics: Statistics) -> str:
    rows = [
        [f"r = {rung.budget:g}", *(f"{_of(statistics, rung, choice)[name]:,}" for name in ("sampled", *MEASURES)),
         f"{error_text(rung.mean, True)} %"]
        for rung in rungs
    ]  # fmt: skip
    return markdown_table(("budget", "sampled", "different", "accepted", "questions covered", "error"), rows)
