"""The cells of a source, shell x increment: which of the journal's rows lie in each, and what they digest to."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.corpora.budgets import Shell
from toolkit.corpora.ranks import accepted_ranks
from toolkit.pipeline.job import StageError
from toolkit.pipeline.journal_index import Integers, JournalIndex, Row, rows_at
from toolkit.workspace import Artifact

Cell = tuple[Shell, tuple[int, int]]


class CellRows(NamedTuple):
    """Rows of one cell, sorted by (index, position): place in the journal (bytes), question position, and whether each
    repeats an accepted text that is counted already."""

    offsets: Integers
    positions: Integers
    repeats: NDArray[np.bool_]
    digest: str  # of the rows, whatever their order in the journal


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
    rows: Mapping[Cell, CellRows] = dataclasses.field(default_factory=dict)  # none in a dry run that lacks responses


def placed(source: Source, index: JournalIndex, counting: str, draws: Integers) -> Source:
    """`source` with the rows of each of its cells, and their digests.

    Args:
        index: of the source's journal, read to its end, and labelled where `counting` is `accepted`.
        draws: (questions,) how many responses of each question count, the first ones; any more are in no cell.

    Raises:
        StageError: for a response that is missing, or there twice.
    """
    positions, indices = index.column("position"), index.column("index")
    ranks, repeats = _ranks(index, counting, draws)
    order = np.lexsort((positions, indices))
    order = order[indices[order] < draws[positions[order]]]
    _check_complete(source, indices[order], positions[order], draws)
    positions, rank = positions[order], ranks[positions[order], indices[order]]
    repeated, offsets = repeats[positions, indices[order]], index.column("offset")[order]
    rows = {}
    for shell, (start, stop) in source.cells:
        inside = np.flatnonzero((shell.start <= positions) & (positions < shell.stop) & (start <= rank) & (rank < stop))
        digest = index.digest(order[inside].tolist())
        rows[shell, (start, stop)] = CellRows(offsets[inside], positions[inside], repeated[inside], digest)
    return dataclasses.replace(source, rows=rows, digests={cell: held.digest for cell, held in rows.items()})


def _ranks(index: JournalIndex, counting: str, draws: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """(questions, draws) rank of each response, and whether it repeats one that is counted already."""
    shape = (len(draws), int(draws.max(initial=0)))
    ranks = np.broadcast_to(np.arange(shape[1]), shape)
    repeats = np.zeros(shape, bool)
    if counting != "accepted":
        return ranks, repeats
    ranks = ranks.copy()
    for position, count in enumerate(draws.tolist()):
        found = accepted_ranks(index.path(position, at) for at in range(count))
        if found:
            ranks[position, :count], repeats[position, :count] = zip(*found, strict=True)
    return ranks, repeats


def _check_complete(source: Source, indices: Integers, positions: Integers, draws: Integers) -> None:
    wanted = np.arange(draws.max(initial=0))[:, None] < draws
    held = np.zeros(wanted.shape, int)
    np.add.at(held, (indices, positions), 1)
    wrong = np.argwhere(held != wanted)
    if wrong.size:
        index, position = wrong[0].tolist()
        name = f"question {source.questions[position]['question_id']!r}, index {index}"
        what = "is there twice" if held[index, position] else "is missing; run `fss sample` again"
        raise StageError(f"{source.journal.name}: the response to {name} {what}")


def rows_of(source: Source, cell: Cell) -> Iterator[Row]:
    """The journal's rows of one cell with `position` and `repeat`, sorted by (index, position)."""
    held = source.rows[cell]
    rows = rows_at(source.journal, held.offsets.tolist())
    for row, position, repeat in zip(rows, held.positions.tolist(), held.repeats.tolist(), strict=True):
        yield row | {"position": position, "repeat": repeat}
