"""Where a journal's rows begin, what they digest to, and which solution paths they took.

A journal is read through once, whatever the number of parts, and then only where it grew. About 70 bytes a row stay in
memory; the rows themselves are read again from the file where they are needed. Where a recorded error was asked for
again, the row that came last is the one that is known here.
"""

import hashlib
import itertools
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from toolkit.corpora.ranks import path_of
from toolkit.synthesis.journal import REMEDY, JournalError, Ledger, Response, book, decode
from toolkit.verification.verdicts import Judgement

Integers = NDArray[np.int64]
Row = dict[str, Any]
COLUMNS = ("position", "index", "offset", "prompt_tokens", "tokens")  # of what is known of a row; see `_known`


class Judges(Protocol):
    """Whatever gives a judgement for each (gold answer, response, finish reason), in their order."""

    def judge(self, rows: Iterable[tuple[str, str, str]]) -> Iterator[Judgement]: ...


class JournalIndex:
    """What is known of a journal's rows; `read` takes in those that were appended since, `label` judges them.

    Args:
        journal: the file; it need not be there yet.
        questions: those whose rows matter, in pool order; rows of others are passed over.
        by_student: steps that a student answered, which are no samples and no tokens of the teacher.
    """

    def __init__(self, journal: Path, questions: Sequence[Mapping[str, Any]], by_student: Sequence[str] = ()) -> None:
        self.journal, self._by_student = journal, frozenset(by_student)
        self._positions = {row["question_id"]: position for position, row in enumerate(questions)}
        self._golds = [row["answer"] for row in questions]
        self._end, self._lines, self._labelled = 0, 0, 0
        self._columns = {name: array("q") for name in COLUMNS}
        self._hashes = bytearray()  # 32 bytes a row
        self._paths: list[array[int]] = [array("Q") for _ in questions]  # by index; 0 where none was accepted
        self._steps = {name: array("q") for name in COLUMNS}  # in the order written
        self._step_hashes = bytearray()  # 32 bytes a step
        self.ledger: Ledger = {}  # what the completions took
        self.responses = 0  # that have a text
        self._errors: dict[tuple[int, int], int] = {}  # (position, index) of rows without one -> place in the columns
        self._relabel: set[int] = set()  # places of labelled rows that another row has replaced

    def __len__(self) -> int:
        return len(self._columns["index"])

    def read(self) -> None:
        """Take in the rows that were appended since the last call."""
        if not self.journal.exists():
            return
        with self.journal.open("rb") as file:
            file.seek(self._end)
            for line in file:
                if not line.endswith(b"\n"):  # being written
                    return
                self._lines += 1
                self._add(line)
                self._end += len(line)

    def _add(self, line: bytes) -> None:
        try:
            row = decode(line)
        except ValueError as error:
            raise JournalError(f"{self.journal}: line {self._lines} is no response: {error}; {REMEDY}") from error
        position = self._positions.get(row.question_id)
        if position is None:
            return
        book(self.ledger, row)
        if row.pending:
            if not row.failed:
                self._add_step(position, row, line)
            return
        place = self._place(position, row, line)
        if row.failed:
            self._errors[position, row.index] = place
        else:
            self.responses += 1

    def _add_step(self, position: int, row: Response, line: bytes) -> None:
        for name, value in zip(COLUMNS, self._known(position, row), strict=True):
            self._steps[name].append(value)
        self._step_hashes += hashlib.sha256(line).digest()

    def _place(self, position: int, row: Response, line: bytes) -> int:
        """Find where a row's columns stand: in the place of the error that it follows, else at the end."""
        place = self._errors.pop((position, row.index), None)
        digest = hashlib.sha256(line).digest()
        if place is None:
            for name, value in zip(COLUMNS, self._known(position, row), strict=True):
                self._columns[name].append(value)
            self._hashes += digest
            return len(self) - 1
        for name, value in zip(COLUMNS, self._known(position, row), strict=True):
            self._columns[name][place] = value
        self._hashes[32 * place : 32 * place + 32] = digest
        if place < self._labelled:
            self._relabel.add(place)
        return place

    def _known(self, position: int, row: Response) -> tuple[int, ...]:
        """Give the `COLUMNS` of a row; its tokens are -1 where it is no completion of the teacher."""
        is_teachers = row.is_completion and row.step not in self._by_student
        tokens = (row.prompt_tokens, row.completion_tokens) if is_teachers else (-1, -1)
        return position, row.index, self._end, *tokens

    @property
    def errors(self) -> frozenset[tuple[int, int]]:
        """Give (question position, index) of the rows that only say why there is no response."""
        return frozenset(self._errors)

    def held(self, questions: int, draws: int) -> NDArray[np.bool_]:
        """Tell (questions, draws) whether the response of a question at an index below `draws` is there."""
        found = np.zeros((questions, draws), bool)
        positions, indices = self.column("position"), self.column("index")
        inside = indices < draws
        found[positions[inside], indices[inside]] = True
        return found

    def costs(self, unit: str, questions: int, draws: int, weights: tuple[int, int] = (1, 1)) -> Integers:
        """Give (questions, draws) what the response of a question at an index took.

        Args:
            unit: `samples`, completions of any step that the teacher answered; anything else is tokens of prompts and
                completions.
            weights: of a prompt's token and of a completion's.
        """
        costs = np.zeros((questions, draws), np.int64)
        for columns in (self._columns, self._steps):
            position, index, _, prompt, tokens = (np.array(columns[name], np.int64) for name in COLUMNS)
            came = (tokens >= 0) & (index < draws)
            took = np.ones_like(tokens) if unit == "samples" else weights[0] * prompt + weights[1] * tokens
            np.add.at(costs, (position[came], index[came]), took[came])
        return costs

    def column(self, name: str) -> Integers:
        """Give `position`, `index` or `offset` (bytes) of every row, in the order written."""
        return np.array(self._columns[name], np.int64)

    def step_column(self, name: str) -> Integers:
        """Give `position`, `index` or `offset` of every step that is not its response, in the order written."""
        return np.array(self._steps[name], np.int64)

    def digest(self, rows: Iterable[int] | None = None) -> str:
        """Give the digest of all rows, or of some by their place in the columns, in whatever order they are."""
        return _sum_of_hashes(self._hashes, range(len(self)) if rows is None else rows)

    def step_digest(self, steps: Iterable[int]) -> str:
        """Give the digest of some steps by their place in the columns of steps."""
        return _sum_of_hashes(self._step_hashes, steps)

    def path(self, position: int, index: int) -> int | None:
        """Give the path of an accepted response, None of another. The row must have been labelled."""
        return self._paths[position][index] or None

    def label(self, judge: Judges) -> None:
        """Find the paths of the rows that were read since the last call."""
        places = [*sorted(self._relabel), *range(self._labelled, len(self))]
        positions, offsets = ([self._columns[name][place] for place in places] for name in ("position", "offset"))
        rows = ({**row, "position": at} for row, at in zip(rows_at(self.journal, offsets), positions, strict=True))
        for row, judged in judged_rows(judge, self._golds, rows):
            found = path_of(row["question_id"], row["text"]) if judged.verdict == "accepted" else 0
            self._set_path(row["position"], row["index"], found)
        self._labelled, self._relabel = len(self), set()

    def _set_path(self, position: int, index: int, path: int) -> None:
        paths = self._paths[position]
        paths.extend(itertools.repeat(0, index + 1 - len(paths)))
        paths[index] = path

    def save_paths(self, file: Path) -> None:
        """Write the paths of all rows, sorted by (index, position), as parquet; the journal's order is nothing."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        pairs = sorted(zip(self._columns["index"], self._columns["position"], strict=True))
        paths = np.fromiter((self._paths[position][index] for index, position in pairs), np.uint64, len(pairs))
        index, position = np.array(pairs, np.int32).reshape(-1, 2).T
        pq.write_table(pa.table({"index": index, "position": position, "path": paths}), file)

    def load_paths(self, file: Path) -> None:
        """Take the paths that were saved of a journal with the same digest, instead of judging."""
        import pyarrow.parquet as pq

        table = pq.read_table(file)
        for position, index, path in zip(
            *(table[name].to_pylist() for name in ("position", "index", "path")), strict=True
        ):
            self._set_path(position, index, path)
        self._labelled = len(self)


def _sum_of_hashes(hashes: bytes | bytearray, places: Iterable[int]) -> str:
    total = sum(int.from_bytes(hashes[32 * place : 32 * place + 32], "big") for place in places)
    return f"{total % 2**256:064x}"


def judged_rows(judge: Judges, golds: Sequence[str], rows: Iterable[Row]) -> Iterator[tuple[Row, Judgement]]:
    """Pair each row (of a question `position`) with its judgement, in order; holds what the judge reads ahead."""
    rows, to_judge = itertools.tee(rows)
    answers = judge.judge((golds[row["position"]], row["text"], row["finish_reason"]) for row in to_judge)
    return zip(rows, answers, strict=True)


def rows_at(journal: Path, offsets: Iterable[int]) -> Iterator[Row]:
    """Yield the journal's rows that begin at these bytes."""
    with journal.open("rb") as file:
        for offset in offsets:
            file.seek(offset)
            yield json.loads(file.readline())
