"""Reads the tables of a release: whoever made it is a stranger, and each value is looked at before it is used."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from toolkit.corpora.build import SCHEMA
from toolkit.corpora.new_questions import CALLS, SCHEMAS
from toolkit.hub.manifest import Config
from toolkit.hub.release import STEPS
from toolkit.pipeline.context import StageError
from toolkit.pipeline.verify_steps import COLUMNS as STEP_COLUMNS
from toolkit.pipeline.verify_steps import step_fault
from toolkit.questions.pools import COLUMNS
from toolkit.records.parquet_limits import ParquetError, read_rows, read_schema
from toolkit.synthesis.journal import Response, checked

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
    """Yield the responses in a release's files, in their order, each checked.

    Args:
        questions: ids of the pool's questions.

    Raises:
        StageError: naming file and row, for a file without the columns of this toolkit, a value of another type or out
            of its range, a question that is not in the pool, or a response that is there twice.
    """
    seen: set[tuple[str, int]] = set()
    types = {column: SCHEMA.field(column).type for column in FIELDS.values()}
    for name in files:
        for number, row in table_rows(folder / name, name, types):
            try:
                response = response_of_row(row)
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
        for number, row in table_rows(path, name, types):
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
    """Say what keeps the tables of a release from being read: other types, values missing or out of range.

    Args:
        configs: of the manifest.

    Returns:
        A sentence for each file, about its first such row.
    """
    responses, steps = dict.fromkeys(configs["all"].files), configs[STEPS].files if STEPS in configs else []
    made = {file: name for name in SCHEMAS if name in configs for file in configs[name].files}
    known = {*responses, *steps, *made}
    others = dict.fromkeys(name for config in configs.values() for name in config.files if name not in known)
    columns = {field.name: field.type for field in SCHEMA}
    pool = dict.fromkeys(("question_id", "question", "answer"), pa.string())
    faults = [_first_fault(folder / name, name, columns, _response_fault) for name in responses]
    faults += [_first_fault(folder / name, name, pool, _question_fault) for name in others]
    faults += [_first_fault(folder / name, name, STEP_COLUMNS, step_fault) for name in steps]
    faults += [_made_fault(folder, file, name) for file, name in made.items()]
    return [fault for fault in faults if fault]


def _made_fault(folder: Path, file: str, name: str) -> str:
    """Say what keeps a table of an arm's new questions from being read."""
    columns = {field.name: field.type for field in SCHEMAS[name]}
    needed = [field.name for field in SCHEMAS[name] if not field.nullable]

    def fault(row: Mapping[str, Any]) -> str:
        missing = next((f"{column}: is missing" for column in needed if row[column] is None), "")
        return missing or (step_fault(row) if name == CALLS else "")

    return _first_fault(folder / file, file, columns, fault)


def _first_fault(
    path: Path, name: str, types: Mapping[str, pa.DataType], fault: Callable[[Mapping[str, Any]], str]
) -> str:
    try:
        wrong = ((number, found) for number, row in table_rows(path, name, types) if (found := fault(row)))
        return next((f"{name}: row {number}: {found}" for number, found in wrong), "")
    except StageError as error:
        return str(error)


def _response_fault(row: Mapping[str, Any]) -> str:
    empty = [field.name for field in SCHEMA if not field.nullable and row[field.name] is None]
    turns = row["messages"] or []
    if empty or any(turn is None or None in turn.values() for turn in turns):
        return f"{empty[0] if empty else 'messages'}: is missing"
    try:
        response_of_row(row)
    except ValueError as error:
        return str(error)
    return ""


def _question_fault(row: Mapping[str, Any]) -> str:
    return next((f"{name}: is missing" for name, value in row.items() if value is None), "")


def response_of_row(row: Mapping[str, Any]) -> Response:
    """Give the response in a row of a release.

    Raises:
        ValueError: naming a field that is not of its type or out of its range.
    """
    return checked(Response(**{field: row[column] for field, column in FIELDS.items()}))


def table_rows(path: Path, name: str, types: Mapping[str, pa.DataType]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of some columns, numbered from 1."""
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
