"""The cells of a source, shell x increment: which of the journal's rows lie in each, and what they digest to."""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from toolkit.corpora.budgets import Shell
from toolkit.workspace import Artifact

Cell = tuple[Shell, tuple[int, int]]


@dataclasses.dataclass(frozen=True)
class Source:
    """Pool and teacher, and the journal of what the teacher answered."""

    pool: Artifact
    teacher: Artifact
    questions: list[dict[str, Any]]  # the ladder's subset, in pool order
    key: str
    journal: Path
    cells: list[Cell]  # shell x increment, increment-major
    digests: dict[Cell, str]  # of the journal's rows in each cell


def rows_of(source: Source, cell: Cell) -> Iterator[dict[str, Any]]:
    """The journal's rows of one shell x increment, in the order written."""
    from toolkit.synthesis.journal import read_journal

    shell, rung = cell
    ids = {row["question_id"] for row in source.questions[shell.start : shell.stop]}
    rows = read_journal(source.journal)
    return (row._asdict() for row in rows if row.question_id in ids and row.index in range(*rung))


def digests_of(source: Source) -> dict[Cell, str]:
    """Digest of each cell's rows whatever their order: the sum of their hashes, in one pass over the journal."""
    from toolkit.synthesis.journal import encode, read_journal

    shell_of = {
        row["question_id"]: shell for shell, _ in source.cells for row in source.questions[shell.start : shell.stop]
    }
    sums = dict.fromkeys(source.cells, 0)
    rung_of = {index: rung for _, rung in source.cells for index in range(*rung)}
    for row in read_journal(source.journal):
        if row.question_id in shell_of and row.index in rung_of:
            line = int.from_bytes(hashlib.sha256(encode(row)).digest(), "big")
            sums[shell_of[row.question_id], rung_of[row.index]] += line
    return {cell: f"{total % 2**256:064x}" for cell, total in sums.items()}
