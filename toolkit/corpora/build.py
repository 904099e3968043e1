"""Writes the files of a corpus as a stream, one shell x increment at a time, with rows that do not train apart."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.corpora.budgets import Shell, file_name
from toolkit.verification.verdicts import VERDICTS
from toolkit.workspace import sync

SIDES = ("accepted", "rejected")  # `rejected` holds every row that does not train; its `verdict` says why
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
        pa.field("error", pa.string(), nullable=False),  # why there is no text; else empty
        pa.field("prompt_tokens", pa.int32(), nullable=False),
        pa.field("tokens", pa.int32(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("teacher", pa.string(), nullable=False),
        pa.field("teacher_revision", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),  # name@revision that answered, as a server states it
        pa.field("wrong_step", pa.bool_()),
    ]
)


def build_cell(
    out: Path,
    rows: Iterable[Mapping[str, Any]],
    shell: Shell,
    increment: tuple[int, int],
    teacher: str,
    teacher_revision: str,
) -> list[Path]:
    """Write `data/accepted/q1/i000-001.parquet` and `data/rejected/...` under `out`; equal input gives equal bytes.

    The memory used does not grow with the number of rows.

    Args:
        rows: position, question_id, question, answer; the fields of a journal's row, so that the journal can be rebuilt
            from the files; verdict, extracted, wrong_step (bool or None); and repeat, whether an earlier row of the
            budget has the same text and trains in its place. `prompt`, where it is there and not None, is what a
            student reads instead of the question, as messages. Sorted by (index, position).
        increment: the ranks of the rows; it names the files.
        teacher, teacher_revision: the generator's name (never a path) and its revision or weights' digest.

    Returns:
        The two files, accepted before rejected. A side without rows is a file without rows.

    Raises:
        ValueError: for a teacher that is a path, an unknown verdict, or rows that are out of order or repeated.
    """
    if Path(teacher).is_absolute():
        raise ValueError(
            f"teacher: {teacher!r} is a path of this machine; name the teacher by its repo or a plain name"
        )
    files = {side: out / "data" / side / file_name(shell, increment) for side in SIDES}
    with ExitStack() as stack:
        sides = {side: stack.enter_context(open_rows(path)) for side, path in files.items()}
        for row in _checked(rows):
            trains = row["verdict"] == "accepted" and not row["repeat"]
            sides["accepted" if trains else "rejected"].add(_record(row, teacher, teacher_revision))
    return list(files.values())


def _checked(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    last = (-1, -1)
    for row in rows:
        named, place = f"question {row['question_id']!r}, index {row['index']}", (row["index"], row["position"])
        if row["verdict"] not in VERDICTS:
            raise ValueError(f"{named}: verdict {row['verdict']!r} is unknown; use one of {', '.join(VERDICTS)}")
        if place <= last:
            raise ValueError(f"{named}: given twice or out of order; sort the rows by index and position, each once")
        last = place
        yield row


def _record(row: Mapping[str, Any], teacher: str, teacher_revision: str) -> dict[str, Any]:
    prompt = row.get("prompt") or [{"role": "user", "content": row["question"]}]
    return {
        "question_id": row["question_id"],
        "question": row["question"],
        "answer": row["answer"],
        "response_index": row["index"],
        "response": row["text"],
        "messages": [*prompt, {"role": "assistant", "content": row["text"]}],
        "verdict": row["verdict"],
        "extracted": row["extracted"],
        "finish_reason": row["finish_reason"],
        "error": row.get("error", ""),  # journals older than the field lack it
        "prompt_tokens": row["prompt_tokens"],
        "tokens": row["completion_tokens"],
        "seed": row["seed"],
        "teacher": teacher,
        "teacher_revision": teacher_revision,
        "model": row.get("model", ""),
        "wrong_step": row["wrong_step"],
    }


class RowWriter:
    """Parquet rows in groups of `ROW_GROUP`: holds one group in memory and writes it when it is full."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer, self._rows = writer, list[dict[str, Any]]()

    def add(self, row: dict[str, Any]) -> None:
        """Take a row, a dict with the columns of the writer's schema."""
        self._rows.append(row)
        if len(self._rows) == ROW_GROUP:
            self.flush()

    def flush(self) -> None:
        """Write the rows in memory."""
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, self._writer.schema), row_group_size=ROW_GROUP)
            self._rows = []


@contextmanager
def open_rows(path: Path, schema: pa.Schema = SCHEMA) -> Iterator[RowWriter]:
    """Open a parquet file to add rows to; it appears under its name once the block has ended without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with pq.ParquetWriter(partial, schema, compression="zstd", write_page_index=True) as writer:
        rows = RowWriter(writer)
        yield rows
        rows.flush()
    sync(partial)
    partial.rename(path)
    sync(path.parent)
