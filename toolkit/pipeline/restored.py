"""A journal made again from a release: every response of `all`, as it was written when it was sampled."""

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from toolkit.corpora.build import SCHEMA
from toolkit.pipeline.job import StageError
from toolkit.questions.pools import COLUMNS
from toolkit.synthesis.journal import Journal, Response, encode
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
READ = 1_000  # rows at a time


def responses_of(folder: Path, files: Sequence[str]) -> Iterator[Response]:
    """The responses in a release's files, in their order.

    Raises:
        StageError: for a file without the columns of this toolkit.
    """
    for name in files:
        with pq.ParquetFile(folder / name) as file:
            held = {field.name: field.type for field in file.schema_arrow}
            wrong = [column for column in FIELDS.values() if held.get(column) != SCHEMA.field(column).type]
            if wrong:
                raise StageError(f"{name}: column {wrong[0]}: missing, or of another type than a release's")
            for batch in file.iter_batches(READ, columns=list(FIELDS.values())):
                for row in batch.to_pylist():
                    yield Response(**{field: row[column] for field, column in FIELDS.items()})


def check_pool(files: Mapping[str, Path]) -> None:
    """Make sure that questions are what a pool's are.

    Raises:
        StageError: for a file without its columns.
    """
    for name, path in files.items():
        missing = set(COLUMNS) - set(pq.read_schema(path).names)
        if missing:
            raise StageError(f"{name}: has no column {', '.join(sorted(missing))}, so that it is no release's")


def merge(journal: Path, responses: Iterable[Response]) -> tuple[int, int]:
    """Add to a journal what it lacks of some responses; whatever is killed when, it is the old one or the new one.

    Returns:
        How many were added, and how many it held.

    Raises:
        StageError: when a response that it holds is another one; the journal is left as it was.
    """
    part = journal.with_suffix(".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    remove(part)
    if journal.exists():
        shutil.copyfile(journal, part)
    try:
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
    except BaseException:
        remove(part)
        raise
    part.replace(journal)
    sync(journal.parent)
    return added, len(held)


def _digest(row: Response) -> bytes:
    return hashlib.sha256(encode(row)).digest()
