"""Writes rows one after the other as JSONL, CSV or parquet, under a temporary name until all are written."""

import contextlib
import csv
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.records.cells import as_json
from toolkit.records.texts import RecordError

_ROWS = 16_384  # rows of a group at most
_CHARACTERS = 32 * 2**20  # characters in the texts of a group, after which it is written with fewer rows
WRITTEN = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}


class RowSink(Protocol):
    """Takes rows, in order."""

    def write(self, row: dict[str, Any]) -> None:
        """Add a row; a column that it lacks is null."""


@contextlib.contextmanager
def open_writer(path: Path, schema: pa.Schema | None = None) -> Iterator[RowSink]:
    """Open a writer of the format that the suffix of `path` names; the file appears if the body ends without an error.

    Args:
        path: a file, which is replaced if it exists; its folder must exist.
        schema: columns and their types, which JSONL does without. CSV needs the names alone.

    Raises:
        RecordError: for another suffix, or a missing folder.
    """
    kind = written_as(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _WRITERS[kind](part, schema if schema is not None else pa.schema([]), path.suffix) as writer:
            yield writer
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def written_as(path: Path) -> str:
    """Give the format by the suffix of a file to be written: `jsonl`, `csv` or `parquet`.

    Raises RecordError for another suffix, or where the folder is missing.
    """
    kind = WRITTEN.get(path.suffix.lower())
    if kind is None:
        raise RecordError(f"{path}: cannot write {path.suffix or 'a file without suffix'}; use {', '.join(WRITTEN)}")
    if not path.parent.is_dir():
        raise RecordError(f"{path}: there is no folder {path.parent}; make it first")
    return kind


class _TextWriter:
    def __init__(self, part: Path) -> None:
        # Half a character cannot be written in UTF-8, so its escape is written.
        self.file = part.open("w", encoding="utf-8", errors="backslashreplace", newline="")

    def __exit__(self, *error: object) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


class _LinesWriter(_TextWriter):
    def __init__(self, part: Path, schema: pa.Schema, suffix: str) -> None:
        super().__init__(part)

    def __enter__(self) -> "_LinesWriter":
        return self

    def write(self, row: dict[str, Any]) -> None:
        self.file.write(f"{as_json(row)}\n")


class _CsvWriter(_TextWriter):
    def __init__(self, part: Path, schema: pa.Schema, suffix: str) -> None:
        super().__init__(part)
        self._names = schema.names
        self._csv = csv.writer(self.file, delimiter="\t" if suffix.lower() == ".tsv" else ",", lineterminator="\n")
        self._csv.writerow(self._names)

    def __enter__(self) -> "_CsvWriter":
        return self

    def write(self, row: dict[str, Any]) -> None:
        self._csv.writerow([_text(row.get(name)) for name in self._names])


class _ParquetWriter:
    def __init__(self, part: Path, schema: pa.Schema, suffix: str) -> None:
        self._schema = schema
        self._file = pq.ParquetWriter(part, schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self._size = 0

    def __enter__(self) -> "_ParquetWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self._flush()
        self._file.close()

    def write(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        self._size += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(self._rows) >= _ROWS or self._size >= _CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            columns = [_column([row.get(field.name) for row in self._rows], field.type) for field in self._schema]
            self._file.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows, self._size = [], 0


_WRITERS: dict[str, Callable[[Path, pa.Schema, str], contextlib.AbstractContextManager[RowSink]]] = {
    "jsonl": _LinesWriter,
    "csv": _CsvWriter,
    "parquet": _ParquetWriter,
}


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return _column(values, kind.value_type).cast(kind)
    if pa.types.is_string(kind):
        texts = [None if value is None else _text(value).encode(errors="backslashreplace") for value in values]
        return pa.array(texts, pa.binary()).cast(kind)
    change: Any = int if pa.types.is_integer(kind) else float if pa.types.is_floating(kind) else None
    change = Decimal if pa.types.is_decimal(kind) else change
    return pa.array([value if None in (change, value) else change(value) for value in values], kind)


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, str) else as_json(value)


def schema_of_texts(names: Sequence[str]) -> pa.Schema:
    """Make a schema in which every column is text."""
    return pa.schema([(name, pa.string()) for name in names])


def batched(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield the rows in lists of `size`, the last one shorter."""
    source = iter(rows)
    while chunk := list(itertools.islice(source, size)):
        yield chunk
