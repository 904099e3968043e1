"""The steps behind the responses of a corpus: a table of every completion, and the ledger that is counted from it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.corpora.build import open_rows

PLAIN = "answer"  # the step whose rows name none
LEDGER = ("samples", "kept", "prompt_tokens", "tokens")

SCHEMA = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("response_index", pa.int32(), nullable=False),
        pa.field("step", pa.string(), nullable=False),
        pa.field("occurrence", pa.int32(), nullable=False),  # how often the response asked for that step before
        pa.field("parents", pa.list_(pa.string()), nullable=False),  # steps that it builds on, as `name:occurrence`
        pa.field("text", pa.string()),  # null where it is the response itself, whose row has the text
        pa.field("finish_reason", pa.string(), nullable=False),
        pa.field("prompt_tokens", pa.int32(), nullable=False),
        pa.field("tokens", pa.int32(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
    ]
)


def write_steps(path: Path, responses: Iterable[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]) -> None:
    """Write the steps of some responses as parquet, in the order of the responses and of asking.

    Args:
        responses: a journal's row of each response, and those of the steps that led to it.
    """
    with open_rows(path, SCHEMA) as file:
        for response, steps in responses:
            for step in steps:
                file.add(_record(step, step["text"]))
            if is_asked(response):
                file.add(_record(response, None))


def is_asked(response: Mapping[str, Any]) -> bool:
    """Whether a journal's row of a response is what the teacher was asked for, and no text that a protocol made."""
    return bool(response.get("step")) or not response.get("final", False)


def _record(row: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    return {
        "question_id": row["question_id"],
        "response_index": row["index"],
        "step": row.get("step") or PLAIN,
        "occurrence": row.get("occurrence", 0),
        "parents": list(row.get("parents", ())),
        "text": text,
        "finish_reason": row["finish_reason"],
        "prompt_tokens": row["prompt_tokens"],
        "tokens": row["completion_tokens"],
        "seed": row["seed"],
        "model": row.get("model", ""),
    }


def count_steps(steps: Sequence[Path], accepted: Sequence[Path]) -> dict[str, dict[str, int]]:
    """Count the ledger of a cell: step -> samples, those kept, prompt tokens and completion tokens.

    A sample is a completion of any step, whatever became of its response; it is kept where the response trains. What a
    request took that brought no text counts among the tokens.

    Args:
        steps: the cell's tables of steps.
        accepted: its files of rows that train.
    """
    kept = set(_keys(accepted))
    ledger: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(LEDGER, 0))
    columns = ["question_id", "response_index", "step", "finish_reason", "prompt_tokens", "tokens"]
    for question_id, index, step, finish_reason, prompt_tokens, tokens in _values(steps, columns):
        counts, came = ledger[step], finish_reason != "error"
        counts["samples"] += came
        counts["kept"] += came and (question_id, index) in kept
        counts["prompt_tokens"] += prompt_tokens
        counts["tokens"] += tokens
    return dict(ledger)


def count_answers(accepted: Sequence[Path], rejected: Sequence[Path]) -> dict[str, dict[str, int]]:
    """Count the ledger of a cell whose responses are one completion each; see `count_steps`."""
    counts = dict.fromkeys(LEDGER, 0)
    for files, trains in ((accepted, True), (rejected, False)):
        for finish_reason, prompt_tokens, tokens in _values(files, ["finish_reason", "prompt_tokens", "tokens"]):
            came = finish_reason != "error"
            counts["samples"] += came
            counts["kept"] += came and trains
            counts["prompt_tokens"] += prompt_tokens
            counts["tokens"] += tokens
    return {PLAIN: counts}


def _keys(files: Sequence[Path]) -> Iterator[tuple[Any, ...]]:
    return _values(files, ["question_id", "response_index"])


def _values(files: Sequence[Path], columns: list[str]) -> Iterator[tuple[Any, ...]]:
    for file in files:
        with pq.ParquetFile(file) as rows:
            for batch in rows.iter_batches(columns=columns):
                yield from zip(*(batch[name].to_pylist() for name in columns), strict=True)
