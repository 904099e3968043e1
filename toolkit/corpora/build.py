"""Joins questions, responses and verdicts into the shell x increment files of a corpus, accepted and rejected apart.

Responses and verdicts come in any order (a sharded journal is in none). They meet in a scratch SQLite database on disk,
which sorts and joins them, and are written in batches: memory stays flat however many responses there are.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import product, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.corpora.budgets import Shell, file_name
from toolkit.verification.verdicts import VERDICTS
from toolkit.workspace import sync

SIDES = ("accepted", "rejected")  # `rejected` holds every row that is not accepted; its `verdict` says why
ROW_GROUP = 10_000  # rows: small enough to stream and to page through in the Hub's viewer

SCHEMA = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("question", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),
        pa.field("response_index", pa.int32(), nullable=False),
        pa.field("response", pa.string(), nullable=False),
        pa.field("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("extracted", pa.string()),
        pa.field("finish_reason", pa.string()),
        pa.field("tokens", pa.int32(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("teacher", pa.string(), nullable=False),
        pa.field("teacher_revision", pa.string(), nullable=False),
        pa.field("wrong_step", pa.bool_()),
    ]
)

TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
CREATE TABLE response (number INTEGER, position INTEGER, text TEXT, finish TEXT, tokens INTEGER, seed INTEGER,
                       PRIMARY KEY (number, position));
CREATE TABLE verdict (number INTEGER, position INTEGER, verdict TEXT, extracted TEXT, wrong_step INTEGER,
                      PRIMARY KEY (number, position));
"""
WITHIN = "number >= ? AND number < ? AND position >= ? AND position < ?"
JOIN = f"""
SELECT position, number, text, verdict, extracted, finish, tokens, seed, wrong_step
FROM response JOIN verdict USING (number, position)
WHERE {WITHIN} AND (verdict = 'accepted') = ? ORDER BY number, position
"""


def build_corpus(
    out: Path,
    questions: Sequence[Mapping[str, Any]],
    responses: Iterable[Mapping[str, Any]],
    verdicts: Iterable[Mapping[str, Any]],
    shells: Sequence[Shell],
    increments: Sequence[tuple[int, int]],
    teacher: str,
    teacher_revision: str,
) -> list[Path]:
    """Write `data/accepted/q1/i000-001.parquet`, `data/rejected/...` under `out` for every shell x increment.

    Rows are sorted by (response_index, pool position); equal input gives equal bytes. Every question of the shells
    needs a response and a verdict at every index of the increments; rows beyond them are left out.

    Args:
        questions: question_id, question, answer; in pool order.
        responses: question_id, index, text, finish_reason, completion_tokens, seed; in any order.
        verdicts: question_id, index, verdict, extracted, and optionally wrong_step (bool or None); in any order.
        teacher, teacher_revision: the generator's name (never a path) and its revision or weights' digest.

    Returns:
        The files, accepted before rejected, increment-major.

    Raises:
        ValueError: for an unknown question, an unknown verdict, a pair given twice, or a missing response or verdict.
    """
    if Path(teacher).is_absolute():
        raise ValueError(
            f"teacher: {teacher!r} is a path of this machine; name the teacher by its repo or a plain name"
        )
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out, prefix=".join-") as scratch, _database(Path(scratch) / "rows.db") as rows:
        _load(rows, questions, responses, verdicts)
        cells = [(shell, rung) for rung in increments for shell in shells]
        for shell, rung in cells:
            _check_complete(rows, questions, shell, rung)
        for shell, rung in cells:
            _write_cell(out, rows, questions, shell, rung, (teacher, teacher_revision))
    return [out / "data" / side / file_name(*cell) for side in SIDES for cell in cells]


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as rows:
        rows.executescript(TABLES)
        yield rows


def _load(
    rows: sqlite3.Connection,
    questions: Sequence[Mapping[str, Any]],
    responses: Iterable[Mapping[str, Any]],
    verdicts: Iterable[Mapping[str, Any]],
) -> None:
    positions = {question["question_id"]: position for position, question in enumerate(questions)}
    rows.execute("BEGIN")
    for row in responses:
        values = (row["text"], row["finish_reason"], row["completion_tokens"], row["seed"])
        _insert(rows, "response", positions, row, values)
    for row in verdicts:
        if row["verdict"] not in VERDICTS:
            raise ValueError(f"{_named(row)}: verdict {row['verdict']!r} is unknown; use one of {', '.join(VERDICTS)}")
        _insert(rows, "verdict", positions, row, (row["verdict"], row["extracted"], row.get("wrong_step")))
    rows.execute("COMMIT")


def _insert(
    rows: sqlite3.Connection, table: str, positions: Mapping[str, int], row: Mapping[str, Any], values: tuple[Any, ...]
) -> None:
    position = positions.get(row["question_id"])
    if position is None:
        raise ValueError(f"{_named(row)}: a {table} for a question that is not in the pool; sources never mix")
    record = (row["index"], position, *values)
    try:
        rows.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(record))})", record)
    except sqlite3.IntegrityError as error:
        raise ValueError(f"{_named(row)}: this {table} is given twice; a question and an index name one row") from error


def _named(row: Mapping[str, Any]) -> str:
    return f"question {row['question_id']!r}, index {row['index']}"


def _check_complete(
    rows: sqlite3.Connection, questions: Sequence[Mapping[str, Any]], shell: Shell, rung: tuple[int, int]
) -> None:
    if shell.stop > len(questions):
        raise ValueError(f"{shell.name}: ends at question {shell.stop}, the pool holds {len(questions)}")
    for table in ("response", "verdict"):
        found = rows.execute(f"SELECT number, position FROM {table} WHERE {WITHIN} ORDER BY 1, 2", (*rung, *shell[1:]))
        wanted = product(range(*rung), range(shell.start, shell.stop))
        missing = next((pair for pair, got in zip_longest(wanted, found) if pair != got), None)
        if missing:
            question_id = questions[missing[1]]["question_id"]
            raise ValueError(
                f"question {question_id!r}, index {missing[0]}: no {table}; run the stages before this one"
            )


def _write_cell(
    out: Path,
    rows: sqlite3.Connection,
    questions: Sequence[Mapping[str, Any]],
    shell: Shell,
    rung: tuple[int, int],
    teacher: tuple[str, str],
) -> None:
    for side in SIDES:
        cursor = rows.execute(JOIN, (*rung, *shell[1:], side == "accepted"))
        records = ([_record(questions[row[0]], row, teacher) for row in batch] for batch in _batches(cursor))
        write_rows(out / "data" / side / file_name(shell, rung), records)


def _batches(cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    while batch := cursor.fetchmany(ROW_GROUP):
        yield batch


def _record(question: Mapping[str, Any], row: tuple[Any, ...], teacher: tuple[str, str]) -> dict[str, Any]:
    _, number, text, verdict, extracted, finish_reason, tokens, seed, wrong_step = row
    return {
        "question_id": question["question_id"],
        "question": question["question"],
        "answer": question["answer"],
        "response_index": number,
        "response": text,
        "messages": [{"role": "user", "content": question["question"]}, {"role": "assistant", "content": text}],
        "verdict": verdict,
        "extracted": extracted,
        "finish_reason": finish_reason,
        "tokens": tokens,
        "seed": seed,
        "teacher": teacher[0],
        "teacher_revision": teacher[1],
        "wrong_step": None if wrong_step is None else bool(wrong_step),
    }


def write_rows(path: Path, batches: Iterable[list[dict[str, Any]]]) -> None:
    """Write batches of rows (dicts with the columns of `SCHEMA`), a row group each; without any, a file of no rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with pq.ParquetWriter(partial, SCHEMA, compression="zstd", write_page_index=True) as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_pylist(batch, schema=SCHEMA), row_group_size=ROW_GROUP)
    sync(partial)
    partial.rename(path)
    sync(path.parent)
