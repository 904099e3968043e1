"""The response journal: one JSON line per response, appended as it comes, keyed by (question id, index).

Where a protocol takes several steps to a response, each has a line with its name, occurrence and parents, so that it is
not asked for again. `final` is on the line that is the response: the last step, or a text that the protocol made of its
steps, which names no step. The lines of plain rejection sampling have none of these fields.

A line is there whole or not at all: opening the journal cuts off what a killed writer left behind the last newline, and
a write that fails half-way (a full disk) is taken back. Rows lie in the order in which they came, and none is ever
changed. A row that only records an error may be followed by another one of the same key, which then counts instead: the
errors stay as a ledger of what they took. A response is final.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Self

import orjson

from toolkit.protocols.contract import ANSWER
from toolkit.recipe.sections import MOST_DRAWS

REASONS = ("stop", "length", "error")  # why a response ended
_COUNTS = {
    "index": MOST_DRAWS,
    "occurrence": MOST_DRAWS,
    "prompt_tokens": 2**31,
    "completion_tokens": 2**31,
}  # field -> what it stays below
REMEDY = "remove the line, and the response is sampled again"
AGAIN = "sent again: "  # how the error of a try begins that took tokens and does not stand for its row


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
    model: str = ""  # name@revision that answered; empty in journals older than the field
    error: str = ""  # why there is no text, when `finish_reason` is `error`
    step: str = ""  # name of the step; empty for plain rejection sampling, and for a text that a protocol made
    occurrence: int = 0  # how often the response asked for that step before
    parents: tuple[str, ...] = ()  # the steps that it builds on, as `name:occurrence`
    final: bool = False  # whether it is the response, where a protocol made one of several steps

    @property
    def failed(self) -> bool:
        """Whether it holds no text but a reason, so that it may be asked for again."""
        return self.finish_reason == "error"

    @property
    def pending(self) -> bool:
        """Whether it is only a step, or a try to be followed by another: its response is not there yet."""
        return (bool(self.step) and not self.final) or (self.failed and self.error.startswith(AGAIN))

    @property
    def is_completion(self) -> bool:
        """Whether the teacher wrote it, so that its tokens count: not a text that a protocol made of its steps."""
        return not self.failed and bool(self.step or not self.final)


KNOWN = frozenset(Response._fields)
PLAIN_FIELDS = Response._fields[: Response._fields.index("step")]  # of a line of plain rejection sampling
NEEDED = tuple(field for field in Response._fields if field not in Response._field_defaults)


class Usage(NamedTuple):
    """What the completions of a step took, those without text left out."""

    samples: int
    prompt_tokens: int
    completion_tokens: int


Ledger = dict[str, Usage]  # step -> what its completions took; plain rejection sampling has the step `answer`


def book(ledger: Ledger, row: Response) -> None:
    """Add a row to a ledger, if it is a completion."""
    if row.is_completion:
        samples, prompt_tokens, completion_tokens = ledger.get(row.step or ANSWER, (0, 0, 0))
        usage = samples + 1, prompt_tokens + row.prompt_tokens, completion_tokens + row.completion_tokens
        ledger[row.step or ANSWER] = Usage(*usage)


class Journal:
    """An append-only file of responses; a context manager with one writer at a time (the caller holds the lock).

    Args:
        path: the JSONL file; made when missing.

    Raises:
        JournalError: for a line that is no response, or one that follows a response of the same key.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.responses = 0  # that have a text
        self.ledger: Ledger = {}
        self._written: dict[str, int] = {}  # question id -> bit set of indices: a few bytes per response
        self._failed: set[tuple[str, int]] = set()  # those of them that are errors
        self._steps: dict[tuple[str, int], dict[tuple[str, int], Response]] = {}  # of responses that are not there yet
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            self._end = self._synced = self._cut_torn_line()
            for row in read_journal(path):
                self._refuse_twice(row)
                self._note(row)
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def __iter__(self) -> Iterator[Response]:
        """Yield the responses in the order written; of those with one key the last counts."""
        return (row for row in read_journal(self.path) if not row.pending)

    @property
    def size(self) -> int:
        """Give the bytes that are written: where the next line begins."""
        return self._end

    def has(self, question_id: str, index: int) -> bool:
        """Whether that response, or why there is none, is written."""
        return bool(self._written.get(question_id, 0) >> index & 1)

    def failed(self, question_id: str, index: int) -> bool:
        """Whether what is written is why there is no response."""
        return (question_id, index) in self._failed

    def steps(self, question_id: str, index: int) -> Mapping[tuple[str, int], Response]:
        """Give the steps (name, occurrence) of a response that are there, as long as the response itself is not."""
        return self._steps.get((question_id, index), {})

    def write(self, row: Response) -> None:
        """Hand `row` to the operating system: the death of this process cannot lose it, that of the machine can
        until `sync`.

        Raises:
            JournalError: when that response is written already.
            OSError: when the disk is full or fails; the file then ends with the row before.
        """
        self._refuse_twice(row)
        line = encode(row)
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._end += len(line)
        self._note(row)

    def sync(self) -> None:
        """Flush what is written to the disk; when this returns it cannot be lost. Callable from any thread."""
        end = self._end
        if end != self._synced:
            os.fsync(self._file)
            self._synced = end

    def append(self, rows: Iterable[Response]) -> None:
        """Write `rows` and flush them to the disk."""
        for row in rows:
            self.write(row)
        self.sync()

    def _refuse_twice(self, row: Response) -> None:
        key = row.question_id, row.index
        if row.step and not row.failed and (row.step, row.occurrence) in self._steps.get(key, {}):
            where = f"index {row.index}, step {row.step}, occurrence {row.occurrence}"
            raise JournalError(f"{self.path}: question {row.question_id}, {where} is there twice")
        if self.has(*key) and key not in self._failed:
            raise JournalError(f"{self.path}: question {row.question_id}, index {row.index} is there twice")

    def _note(self, row: Response) -> None:
        book(self.ledger, row)
        if row.pending:
            if not row.failed:
                self._steps.setdefault((row.question_id, row.index), {})[row.step, row.occurrence] = row
            return
        self._written[row.question_id] = self._written.get(row.question_id, 0) | 1 << row.index
        key = (row.question_id, row.index)
        if row.failed:
            self._failed.add(key)
        else:
            self._failed.discard(key)
            self._steps.pop(key, None)
            self.responses += 1

    def _cut_torn_line(self) -> int:
        """Truncate behind the last newline and return the size."""
        size = end = os.fstat(self._file).st_size
        while end:
            start = max(0, end - 65536)
            newline = os.pread(self._file, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            os.ftruncate(self._file, end)
            os.fsync(self._file)
        return end


def encode(row: Response) -> bytes:
    """Give the line of a response: compact JSON, UTF-8, one newline at the end and none inside."""
    names = Response._fields if row.step or row.final or row.parents else PLAIN_FIELDS
    values = dict(zip(names, row, strict=False))
    try:
        return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # half of a surrogate pair, which no UTF-8 can hold
        return _ENCODE(values).encode(errors="replace") + b"\n"


_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def checked(row: Response) -> Response:
    """Give `row` itself, once each field is of its type and in its range.

    Raises:
        ValueError: naming field and value.
    """
    for name, value in row._asdict().items():
        if name in _COUNTS or name == "seed":
            below, least = _COUNTS.get(name, 2**63), 0 if name in _COUNTS else -(2**63)
            if type(value) is not int or not least <= value < below:
                raise ValueError(f"{name}: must be a whole number from {least:,} to {below - 1:,}, not {value!r:.80}")
        elif name in ("parents", "final"):
            continue
        elif not isinstance(value, str):
            raise ValueError(f"{name}: must be a text, not {value!r:.80}")
    if not (isinstance(row.parents, tuple) and all(isinstance(parent, str) for parent in row.parents)):
        raise ValueError(f"parents: must be a list of texts, not {row.parents!r:.80}")
    if not isinstance(row.final, bool):
        raise ValueError(f"final: must be true or false, not {row.final!r:.80}")
    if row.finish_reason not in REASONS:
        raise ValueError(f"finish_reason: must be one of {', '.join(REASONS)}, not {row.finish_reason!r:.80}")
    return row


def decode(line: bytes) -> Response:
    """Give the response in a journal's line.

    Raises:
        ValueError: for a line that is none, with what is wrong with it.
    """
    try:
        fields = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(fields, dict):
        raise ValueError("no JSON object")
    wrong = [name for name in NEEDED if name not in fields] or [name for name in fields if name not in KNOWN]
    if wrong:
        raise ValueError(f"{wrong[0]!r:.40} {'is missing' if wrong[0] in KNOWN else 'is no field of one'}")
    if isinstance(fields.get("parents"), list):
        fields["parents"] = tuple(fields["parents"])
    return checked(Response(**fields))


def read_journal(path: Path, start: int = 0) -> Iterator[Response]:
    """Yield every line of a journal file in the order written, tries among them, without opening it for writing.

    Args:
        start: byte at which a line begins; what comes before is left out.

    Raises:
        JournalError: for a line that is no response.
    """
    with path.open("rb") as file:
        file.seek(start)
        for number, line in enumerate(file, 1):
            try:
                yield decode(line)
            except ValueError as error:
                where = f"line {number}{f' behind byte {start:,}' if start else ''}"
                raise JournalError(f"{path}: {where} is no response: {error}; {REMEDY}") from error
