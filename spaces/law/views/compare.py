"""View 5, compare: what doubling the budget, more questions or another arm brought; corpus against students."""

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
from selection import Chosen
from toolkit.reports.fit_report import error_text
from toolkit.text import markdown_table
from views import View, reading

NAME, TITLE = "compare", "Compare"
Statistics = dict[tuple[float, float], dict[str, Any]]  # by questions and budget
KINDS: dict[str, tuple[str, Callable[[Chosen], list[Pairing]]]] = {
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
**paired**: the same seeds and, where answers to single items are known, the same test questions; the bar holds 90 %, by
a bootstrap over seeds and items or by Student's t over seeds, the wider of the two. In the table the last interval
holds for **all comparisons at once**. Below, **intrinsic against transfer**: what a budget's corpus holds, counted in
the release, against the error of the students that it trained. A corpus that grows while the error stays is no longer
what limits them.
"""


def build(taken: gr.State) -> View:
    """The controls and outputs of this view; see `views.View`."""
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
    return View({"compare": kind, "measure": measure}, [message, plot, table, intrinsic, counts], render)


def render(chosen: Chosen, kind: str, measure: str) -> list[Any]:
    """The comparison in words, its figure and table, then the corpus against the students where it is known."""
    try:
        pairings = KINDS[kind][1](chosen)
        words = [_sentence(chosen, pairings), _draw(pairings), _table(pairings)]
    except ValueError as error:
        words = [f"**Nothing to compare**: {guards.plain(str(error))}.{_elsewhere(chosen, kind)}", None, ""]
    return [*words, *_intrinsic(chosen, measure)]


def _elsewhere(chosen: Chosen, kind: str) -> str:
    """The other choices that these students do allow."""
    found = []
    for label, pairings in (each for name, each in KINDS.items() if name != kind):
        with suppress(ValueError):
            pairings(chosen)
            found.append(f"*{label}*")
    return f" These students can tell about {' and '.join(found)}: choose it above." if found else ""


def _sentence(chosen: Chosen, pairings: Sequence[Pairing]) -> str:
    """How many comparisons are decided, and on how much they rest."""
    better = sum(each.interval.low > 0 for each in pairings)
    worse = sum(each.interval.high < 0 for each in pairings)
    first = pairings[0].contrast
    rests = f"{first.replicates} seeds" + (f" and {first.items:,} test items" if first.items > 1 else "")
    if first.items == 1:
        rests += f"; answers to single items are not here ({_where(chosen)})"
    return (
        f"**Of {len(pairings)} comparisons the second is better in {better}, worse in {worse}; {_open(pairings)} "
        f"undecided.** Paired over {rests}."
    )


def _open(pairings: Sequence[Pairing]) -> str:
    undecided = sum(each.interval.low <= 0 <= each.interval.high for each in pairings)
    return f"{undecided} {'is' if undecided == 1 else 'are'}"


def _where(chosen: Chosen) -> str:
    repo = chosen.experiment.origin
    return f"{guards.plain(repo)} has none" if "/" in repo else "a table has one error per student"


def _draw(pairings: Sequence[Pairing]) -> go.Figure:
    plot = plots.figure("first against second", "test error won, points", height=380)
    names = [f"{escape(each.first)}<br>{escape(each.second)}" for each in pairings]
    spans = [each.interval for each in pairings]
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
    for each, wide in zip(pairings, comparing.together(pairings), strict=True):
        alone = each.interval
        spans = [f"{error_text(span.low, True, '+')} to {error_text(span.high, True, '+')}" for span in (alone, wide)]
        errors = [f"{error_text(error, True)} %" for error in each.errors]
        names = [guards.plain(each.first), guards.plain(each.second)]
        rows.append([*names, error_text(alone.estimate, True, "+"), *spans, *errors, f"{each.total:,.0f}"])
    header = ("first", "second", "points won", "90 %", "90 %, all at once", "error", "error of second", "responses")
    return markdown_table(header, rows)


def _intrinsic(chosen: Chosen, measure: str) -> list[Any]:
    """The figure and table of corpus against students; nothing where the corpus statistics are not here."""
    held = corpus.statistics(chosen.experiment, chosen.pair)
    rungs = [rung for rung in fitting.rungs(chosen.ladder) if _of(held, rung, chosen)]
    if not rungs:
        return [None, "**Intrinsic against transfer**: the card of the release tells what these corpora hold."]
    x = [_of(held, rung, chosen)[measure] for rung in rungs]
    named = plots.named([rung.budget for rung in rungs])
    plot = plots.figure(MEASURES[measure], "test error, %", height=360)
    plot.add_scatter(
        x=x, y=[100 * rung.mean for rung in rungs], mode="lines+markers+text", name="students",
        text=[f"r = {rung.budget:g}" if rung.budget in named else "" for rung in rungs],
        hovertext=[f"r = {rung.budget:g}" for rung in rungs],
        textposition=[*["top right"] * (len(rungs) - 1), "bottom left"],
        marker={"size": 9, "color": plots.SEEN}, line={"color": plots.SEEN},
        hovertemplate=f"%{{hovertext}}: %{{x:,}} {MEASURES[measure]}<br>error %{{y:.2f}} %<extra></extra>",
    )  # fmt: skip
    for name, error in chosen.experiment.lines(chosen.pair).items():
        plots.level(plot, 100 * error, f"{name} {100 * error:.1f} %")
    return [plot, _counted(chosen, rungs, held)]


def _of(held: Statistics, rung: fitting.Rung, chosen: Chosen) -> dict[str, Any]:
    """Statistics of the corpus behind a rung; empty where they are not here."""
    return held.get((chosen.questions, rung.budget), {})


def _counted(chosen: Chosen, rungs: Sequence[fitting.Rung], held: Statistics) -> str:
    rows = [
        [f"r = {rung.budget:g}", *(f"{_of(held, rung, chosen)[name]:,}" for name in ("sampled", *MEASURES)),
         f"{error_text(rung.mean, True)} %"]
        for rung in rungs
    ]  # fmt: skip
    return markdown_table(("budget", "sampled", "different", "accepted", "questions covered", "error"), rows)
