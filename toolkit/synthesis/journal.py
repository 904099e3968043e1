"""The response journal: one JSON line per response, appended and flushed to disk, keyed by (question id, index).

A line is there whole or not at all: opening the journal cuts off what a killed writer left behind the last newline.
Rows lie in the order in which they were sampled, index by index, so that a smaller budget's rows are a prefix of a
larger one's.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self


class JournalError(RuntimeError):
    """A journal whose lines are damaged; the message names the file and the line."""


class Response(NamedTuple):
    """One sampled completion. `finish_reason` is `stop`, `length` or `error`; token counts exclude padding."""

    question_id: str
    index: int  # type: ignore[assignment]  # the word of the schema; nobody asks a response for tuple.index
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seed: int


class Journal:
    """An append-only file of responses; a context manager with one writer at a time (the caller holds the lock).

    Args:
        path: the JSONL file; made when missing.

    Raises:
        JournalError: for a line that is no response, or one that is there twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab+")
        self._cut_torn_line()
        self._held: dict[str, int] = {}  # question id -> bit set of indices: a few bytes per response
        for row in self:
            self._claim(row)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Response]:
        """All responses in the order written."""
        return read_journal(self.path)

    def has(self, question_id: str, index: int) -> bool:
        """Whether that response is written."""
        return bool(self._held.get(question_id, 0) >> index & 1)

    def append(self, rows: Iterable[Response]) -> None:
        """Write `rows` and flush them to the disk; when this returns they cannot be lost."""
        rows = list(rows)
        for row in rows:
            self._claim(row)
        self._file.write(b"".join(encode(row) for row in rows))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _claim(self, row: Response) -> None:
        if self.has(row.question_id, row.index):
            raise JournalError(f"{self.path}: question {row.question_id}, index {row.index} is there twice")
        self._held[row.question_id] = self._held.get(row.question_id, 0) | 1 << row.index

    def _cut_torn_line(self) -> None:
        size = self._file.seek(0, os.SEEK_END)
        end = size
        while end:
            start = max(0, end - 65536)
            self._file.seek(start)
            newline = self._file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            self._file.truncate(end)
            os.fsync(self._file.fileno())


def encode(row: Response) -> bytes:
    """The line of a response: compact JSON, UTF-8, one newline at the end and none inside."""
    return json.dumps(row._asdict(), ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"


def read_journal(path: Path) -> Iterator[Response]:
    """The responses of a journal file, in the order written, without opening it for writing.

    Raises:
        JournalError: for a line that is no response.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield Response(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise JournalError(f"{path}: line {number} is no response: {error}") from error
