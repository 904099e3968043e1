"""Report which cells to run next: a sentence, a table with money and expected widths, and what other orders leave."""

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.laws.planning.allocation import Split
from toolkit.laws.planning.asked import Choice, Interval
from toolkit.laws.planning.next_cells import DECIDED, NOT_WORTH, REACHED, NextCells
from toolkit.text import markdown_table, percent, points


def describe(advice: NextCells, notes: Sequence[str]) -> dict[str, Any]:
    """Return the advice as plain values; widths and errors are fractions, `notes` say how the table was read."""
    return {
        "sentence": sentence(advice),
        "verdict": advice.verdict,
        "asked": _asked(advice.asked),
        "now": {"width": advice.asked.now, "right": advice.right},
        "spend": advice.spend,
        "cost": advice.cost,
        "cells": [row._asdict() for row in advice.cells],
        "expected": advice.least,
        "other_orders": advice.rivals,
        "notes": [*notes, *advice.notes],
    }


def as_text(report: Mapping[str, Any]) -> str:
    """Write the report as a person reads it."""
    lines = [report["sentence"]]
    if report["cells"]:
        choice = report["now"]["right"] is not None
        header = ["questions", "responses", "students", "money", "spent", "expected width"]
        rows = [_row(row, choice) for row in report["cells"]]
        lines += ["", markdown_table([*header, "right"] if choice else header, rows), "", _others(report)]
    return "\n".join([*lines, *(f"note: {note}" for note in report["notes"])])


def sentence(advice: NextCells) -> str:
    """Say what to run, for how much, and what is expected of it, or why nothing is to be run."""
    if advice.verdict == DECIDED:
        return f"Nothing has to be run: {_decided(advice)}."
    if advice.verdict == NOT_WORTH:
        return (
            f"No cell is worth its money: all of {advice.spend:,.6g} is expected to narrow {_what(advice.asked)} only "
            f"from {points(advice.asked.now, '')} to {points(advice.least, '')} points."
        )
    first = advice.cells[0]
    students = "1 student" if first.runs == 1 else f"{first.runs} students"
    more = len(advice.cells) - 1
    then = "" if not more else ", then the other cell below" if more == 1 else f", then the other {more} cells below"
    return (
        f"Run {students} at {_cell(first.questions, first.budget)}{then}: for {advice.cost:,.6g}, "
        f"{_what(advice.asked)} is expected to narrow from {points(advice.asked.now, '')} to "
        f"{points(advice.least, '')} points{_reached(advice)}."
    )


def _reached(advice: NextCells) -> str:
    asked = advice.asked
    rest = advice.spend - advice.cost
    left = f"; the other {rest:,.6g} would narrow it by less than {100 * advice.worth:.3g} % more" if rest > 0 else ""
    if isinstance(asked, Choice):
        right = advice.cells[-1].right or 0.0
        known = f", and the split then chosen to be right with probability {right:.2f} ({advice.right:.2f} now)"
        enough = "" if advice.verdict == REACHED else f", not the {asked.confidence:g} asked for{left}"
        return known + enough
    if asked.width is None:
        return left
    if advice.verdict == REACHED:
        return f", as asked ({points(asked.width, '')})"
    return f", not to the {points(asked.width, '')} asked for{left}"


def _decided(advice: NextCells) -> str:
    asked = advice.asked
    if isinstance(asked, Interval):
        return f"{_what(asked)} is {points(asked.now, '')} points wide, {points(asked.width or 0, '')} were asked for"
    return (
        f"{_split(asked.best)} is better than {_split(asked.rival)}, or worse by at most a point, with probability "
        f"{advice.right:.2f}"
    )


def _what(asked: Interval | Choice) -> str:
    if isinstance(asked, Interval):
        return f"the 90 % interval at {_cell(*asked.target)}"
    return f"the 90 % interval between {_split(asked.best)} and {_split(asked.rival)}"


def _cell(questions: int, budget: int) -> str:
    return f"{questions:,} questions with {'1 response' if budget == 1 else f'{budget:,} responses'} each"


def _split(split: Split) -> str:
    return f"{split.questions:,} x {split.budget:,} ({percent(split.error)})"


def _row(row: Mapping[str, Any], choice: bool) -> list[str]:
    numbers = [f"{row['questions']:,}", f"{row['budget']:,}", f"{row['runs']:,}", f"{row['cost']:,.6g}"]
    expected = [f"{row['spent']:,.6g}", f"{points(row['width'], '')}"]
    return [*numbers, *expected, f"{row['right']:.2f}"] if choice else [*numbers, *expected]


def _others(report: Mapping[str, Any]) -> str:
    others = ", ".join(f"{name} {points(width, '')}" for name, width in report["other_orders"].items())
    return f"As much money in another order is expected to leave, in points: {others}."


def _asked(asked: Interval | Choice) -> dict[str, Any]:
    if isinstance(asked, Interval):
        return {"target": list(asked.target), "width": asked.width, "mean": float(asked.draws.mean())}
    splits = {name: vars(split) for name, split in (("best", asked.best), ("rival", asked.rival))}
    return {**splits, "difference": float(asked.draws.mean()), "confidence": asked.confidence}
