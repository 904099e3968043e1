"""The tables of an arm that makes new questions: those kept with their labels, those dropped, and the calls."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.corpora.build import open_rows
from toolkit.corpora.steps import LEDGER
from toolkit.corpora.steps import SCHEMA as STEPS

KEPT, DROPPED, CALLS = "new_questions", "dropped_questions", "calls"  # names of the tables
_PARENTS = pa.field("parents", pa.list_(pa.string()), nullable=False)  # ids of the questions that its call read
_MADE = [pa.field("round", pa.int32(), nullable=False), pa.field("call", pa.int32(), nullable=False)]

SCHEMAS: dict[str, pa.Schema] = {
    KEPT: pa.schema(
        [
            pa.field("question_id", pa.string(), nullable=False),
            pa.field("question", pa.string(), nullable=False),
            pa.field("answer", pa.string(), nullable=False),  # the label; empty without one
            pa.field("label_kind", pa.string(), nullable=False),  # gold, majority or none
            pa.field("verified", pa.bool_(), nullable=False),  # whether its document gives the same answer
            pa.field("votes", pa.int32(), nullable=False),  # responses with an answer that can be read
            pa.field("share", pa.float64(), nullable=False),  # of these, those for the most frequent answer
            _PARENTS,
            *_MADE,
            pa.field("protocol", pa.string(), nullable=False),
            pa.field("note", pa.string(), nullable=False),
            pa.field("extracted", pa.string(), nullable=False),  # the answer that its document gives; else empty
        ]
    ),
    DROPPED: pa.schema(
        [
            pa.field("question_id", pa.string(), nullable=False),
            pa.field("text", pa.string()),  # null where a held-out question is in it
            pa.field("reason", pa.string(), nullable=False),
            *_MADE,
            _PARENTS,
        ]
    ),
    # Their response_index is the number of the call; `error` says why a call brought nothing, and is else empty.
    CALLS: pa.schema([*STEPS, pa.field("error", pa.string(), nullable=False)]),
}


def write_table(folder: Path, name: str, rows: Iterable[Mapping[str, Any]]) -> Path | None:
    """Write one of the tables as `<name>.parquet`; None, and no file, where there are no rows to load."""
    path, count = folder / f"{name}.parquet", 0
    with open_rows(path, SCHEMAS[name]) as file:
        for row in rows:
            file.add({field: row[field] for field in SCHEMAS[name].names})
            count += 1
    if not count:
        path.unlink()
    return path if count else None


def count_calls(path: Path) -> dict[str, dict[str, int]]:
    """Count what calls took by step, as a corpus counts it: none of them trains, and one without text is no sample."""
    ledger: dict[str, dict[str, int]] = {}
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["step", "finish_reason", "prompt_tokens", "tokens"]):
            for row in batch.to_pylist():
                if row["finish_reason"] != "error":
                    counts = ledger.setdefault(row["step"], dict.fromkeys(LEDGER, 0))
                    counts["samples"] += 1
                    counts["prompt_tokens"] += row["prompt_tokens"]
                    counts["tokens"] += row["tokens"]
    return ledger
