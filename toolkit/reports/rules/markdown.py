"""Write decisions as Markdown: one in full, or the claims of several in a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.reports.rules.audit import shift_lines
from toolkit.reports.rules.verdict import CLAIMS, Decision
from toolkit.reports.surface_report import surface_lines
from toolkit.text import markdown_table


def as_markdown(decision: Decision) -> str:
    """Write a decision as Markdown that reads well on a terminal, too: verdict and sentence, table, surfaces, notes."""
    blocks = [f"{decision.verdict.capitalize()}. {decision.sentence}", markdown_table(decision.header, decision.rows)]
    if decision.rule == "expansion":
        blocks += surface_lines({part.name: part.surface for part in decision.numbers["parts"] if part.surface})
    if decision.rule == "audit":
        blocks += shift_lines(decision.numbers)
    return "\n\n".join([*blocks, *(f"Note: {note}" for note in decision.notes)])


def claims_table(decisions: Sequence[Mapping[str, Any]]) -> str:
    """Tabulate claims of the paper and what we see at nano scale in Markdown, a row per decision.

    Args:
        decisions: the values of `<rule>.json` files.

    Raises:
        ValueError: for a mapping that is not a decision.
    """
    header = ("", "claim of the paper", "experiment", "verdict", "what we see at nano scale")
    rows: list[Sequence[str]] = [header, ["---"] * len(header)]
    for decision in decisions:
        absent = {"rule", "experiment", "verdict", "sentence"} - decision.keys()
        if absent or decision["rule"] not in CLAIMS:
            raise ValueError(f"no decision: {f'{min(absent)} is missing' if absent else decision['rule']}")
        question, claim = CLAIMS[decision["rule"]]
        rows.append([question, claim, decision["experiment"], decision["verdict"], decision["sentence"]])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
