"""A journal made again from a release: every response of `all`, as it was written when it was sampled.

Whoever made the release is a stranger: every row of its tables is looked at before anything is written.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit.corpora.build import SCHEMA
from toolkit.hub.manifest import Config
from toolkit.pipeline.job import StageError
from toolkit.questions.pools import COLUMNS
from toolkit.records.parquet_limits import ParquetError, read_rows, read_schema
from toolkit.synthesis.journal import Journal, Response, checked, encode
from toolkit.workspace import remove, sync

FIELDS = {  # of a response -> column of a release
    "question_id": "question_id",
    "index": "response_index",
    "text": "response",
    "finish_reason": "finish_reason",
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "tokens",
    "seed": "seed",
    "model": "model",
    "error": "error",
}


def responses_of(folder: Path, files: Sequence[str], questions: Collection[str]) -> Iterator[Response]:
    """The responses in a release's files, in their order, each checked.

    Args:
        questions: ids of the pool's questions.

    Raises:
        StageError: naming file and row, for a file without the columns of this toolkit, a value of another type or out
            of its range, a question that is not in the pool, or a response that is there twice.
    """
    seen: set[tuple[str, int]] = set()
    types = {column: SCHEMA.field(column).type for column in FIELDS.values()}
    for name in files:
        for number, row in _table(folder / name, name, types):
            try:
                response = _response(row)
            except ValueError as error:
                raise StageError(f"{name}: row {number}: {error}; nothing of the release was taken over") from error
            place = response.question_id, response.index
            if response.question_id not in questions:
                raise StageError(f"{name}: row {number}: question {place[0]!r:.80} is not in the release's pool")
            if place in seen:
                raise StageError(f"{name}: row {number}: question {place[0]!r:.80}, index {place[1]} is there twice")
            seen.add(place)
            yield response


def check_pool(files: Mapping[str, Path]) -> set[str]:
    """Make sure that questions are what a pool's are; returns the ids of the seed questions.

    Raises:
        StageError: naming file and row, for a file without its columns, a text that is missing or blank, rows that are
            not numbered in their order, or a question id that is there twice, in one file or in two.
    """
    ids: dict[str, str] = {}
    for name, path in files.items():
        types = dict.fromkeys(COLUMNS, pa.string()) | {"position": pa.int64()}
        for number, row in _table(path, name, types):
            wrong = _fault(row, number) or (row["question_id"] in ids and "its question_id is there twice")
            if wrong:
                raise StageError(f"{name}: row {number}: {wrong}; nothing of the release was taken over")
            ids[row["question_id"]] = name
        if name not in ids.values():
            raise StageError(f"{name}: holds no question; nothing of the release was taken over")
    return {row for row, name in ids.items() if name == "questions.parquet"}


def _fault(row: Mapping[str, Any], number: int) -> str:
    for name in ("question_id", "question", "answer"):
        if not isinstance(row[name], str) or not row[name].strip():
            return f"{name}: must be a text that is not blank, not {row[name]!r:.80}"
    if not isinstance(row["family"], str):
        return f"family: must be a text, not {row['family']!r:.80}"
    return "" if row["position"] == number - 1 else f"position: must be {number - 1}, not {row['position']!r:.80}"


def malformed(folder: Path, configs: Mapping[str, Config]) -> list[str]:
    """What keeps the tables of a release from being read: columns of other types, values missing or out of range.

    Args:
        configs: of the manifest.

    Returns:
        A sentence for each file, about its first such row.
    """
    responses = dict.fromkeys(configs["all"].files)
    others = dict.fromkeys(name for config in configs.values() for name in config.files if name not in responses)
    columns = {field.name: field.type for field in SCHEMA}
    pool = dict.fromkeys(("question_id", "question", "answer"), pa.string())
    faults = [_first_fault(folder / name, name, columns, _response_fault) for name in responses]
    faults += [_first_fault(folder / name, name, pool, _question_fault) for name in others]
    return [fault for fault in faults if fault]


def _first_fault(
    path: Path, name: str, types: Mapping[str, pa.DataType], fault: Callable[[Mapping[str, Any]], str]
) -> str:
    try:
        wrong = ((number, found) for number, row in _table(path, name, types) if (found := fault(row)))
        return next((f"{name}: row {number}: {found}" for number, found in wrong), "")
    except StageError as error:
        return str(error)


def _response_fault(row: Mapping[str, Any]) -> str:
    empty = [field.name for field in SCHEMA if not field.nullable and row[field.name] is None]
    turns = row["messages"] or []
    if empty or any(turn is None or None in turn.values() for turn in turns):
        return f"{empty[0] if empty else 'messages'}: is missing"
    try:
        _response(row)
    except ValueError as error:
        return str(error)
    return ""


def _question_fault(row: Mapping[str, Any]) -> str:
    return next((f"{name}: is missing" for name, value in row.items() if value is None), "")


def _response(row: Mapping[str, Any]) -> Response:
    return checked(Response(**{field: row[column] for field, column in FIELDS.items()}))


def _table(path: Path, name: str, types: Mapping[str, pa.DataType]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of some columns, numbered from 1."""
    try:
        schema = read_schema(path)
        if b"huggingface" in (schema.metadata or {}):
            raise StageError(f"{name}: has features of `datasets` in its footer; a release's tables have none")
        held = {field.name: pa.string() if field.type == pa.large_string() else field.type for field in schema}
        wrong = [column for column, kind in types.items() if held.get(column) != kind]
        if wrong:
            raise StageError(f"{name}: column {wrong[0]}: missing, or of another type than a release's")
        yield from enumerate(read_rows(path, list(types)), 1)
    except ParquetError as error:
        raise StageError(str(error).replace(str(path), name)) from error


@contextlib.contextmanager
def merge(journal: Path, responses: Iterable[Response]) -> Iterator[tuple[int, int]]:
    """Add to a journal what it lacks of some responses once the body has ended well.

    Whatever is killed when, the journal is the old one or the new one.

    Yields:
        How many are added, and how many it held.

    Raises:
        StageError: when a response that it holds is another one; the journal is left as it was.
    """
    part = journal.with_suffix(".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    remove(part)
    if journal.exists():
        shutil.copyfile(journal, part)
    try:
        yield _add(journal, part, responses)
    except BaseException:
        remove(part)
        raise
    part.replace(journal)
    sync(journal.parent)


def _add(journal: Path, part: Path, responses: Iterable[Response]) -> tuple[int, int]:
    with Journal(part) as rows:
        held = {(row.question_id, row.index): _digest(row) for row in rows}
        added = 0
        for row in responses:
            known = held.get((row.question_id, row.index))
            if known is None:
                rows.write(row)
                added += 1
            elif known != _digest(row):
                raise StageError(
                    f"{journal}: question {row.question_id!r}, index {row.index} has another response than the "
                    "release; name another --workspace"
                )
        rows.sync()
    return added, len(held)


def _digest(row: Response) -> bytes:
    return hashlib.sha256(encode(row)).digest()
