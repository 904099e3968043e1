"""Reads any parquet file within limits, so that a small file that unpacks to gigabytes ends in an error.

The footer says how many rows there are and what the pages unpack to; both are checked before anything is read. That is
not enough: one long text of a dictionary may stand in a million rows, and a footer may lie. So batches are small, texts
stay in their dictionary until their full size is known, and rows and bytes are counted while reading. A page is always
unpacked whole; the format keeps it under 2 GiB.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_BATCH_ROWS = 1024
_BATCH_BYTES = 256 * 2**20
_DICTIONARY = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}
_SHARED = _DICTIONARY | {"DELTA_BYTE_ARRAY"}  # encodings in which a few bytes may stand for a long text


@dataclass(frozen=True)
class FileLimits:
    """The most that a file may hold in the columns that are read: `rows`, and `bytes` once they are unpacked."""

    rows: int = 10_000_000
    bytes: int = 4 * 2**30


LIMITS = FileLimits()


class ParquetError(ValueError):
    """A file that is not parquet, damaged, without a column, or beyond a limit; the message names it and the remedy."""


def read_batches(
    path: Path, columns: Sequence[str] | None = None, limits: FileLimits = LIMITS, *, rows: int = _BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Yield the file's rows in order, at most `rows` a batch; `columns` None takes all, else those, in that order.

    Raises:
        ParquetError: before reading, where the footer exceeds a limit, lacks a column or names one twice; later, where
            the pages hold more than it said or are damaged.
    """
    with _explained(path), pq.ParquetFile(path) as file:
        names = _checked_names(path, file, columns)
        _check_footer(path, file.metadata, names, limits)
        texts = _dictionary_texts(file, names)
        count = min(rows, _safe_rows(file, names, texts))
    with _explained(path), pq.ParquetFile(path, read_dictionary=texts) as file:
        total, size = 0, 0
        for batch in file.iter_batches(batch_size=count, columns=names, use_threads=False):
            unpacked = sum(_unpacked(column) for column in batch.columns)
            total, size = total + batch.num_rows, size + unpacked
            _check(path, total, size, limits)
            part = max(1, batch.num_rows * _BATCH_BYTES // max(unpacked, 1))
            for start in range(0, batch.num_rows, part):
                yield _decoded(batch.slice(start, part), names)


def read_rows(
    path: Path, columns: Sequence[str] | None = None, limits: FileLimits = LIMITS
) -> Iterator[dict[str, Any]]:
    """Yield each row as a dict of Python values; see `read_batches`."""
    for batch in read_batches(path, columns, limits):
        yield from batch.to_pylist()


def read_schema(path: Path) -> pa.Schema:
    """Read the file's columns and their types from the footer alone. Raises ParquetError where it cannot be read."""
    with _explained(path):
        return pq.read_schema(path)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what pyarrow raises into a ParquetError that names the file."""
    try:
        yield
    except ParquetError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise ParquetError(f"{path} is not a readable parquet file: {error}") from error


def _checked_names(path: Path, file: pq.ParquetFile, columns: Sequence[str] | None) -> list[str]:
    present = file.schema_arrow.names
    names = present if columns is None else list(columns)
    missing = [repr(name) for name in names if name not in present]
    if missing:
        raise ParquetError(f"{path} has no column {' and no '.join(missing)}, only {', '.join(present)}")
    for name in names:
        if present.count(name) > 1:
            raise ParquetError(f"{path} has {present.count(name)} columns {name!r}: rename all but one")
    return names


def _leaves(metadata: pq.FileMetaData, names: Sequence[str]) -> Iterator[tuple[str, pq.ColumnChunkMetaData]]:
    """Yield each chunk of the columns, with its path (`a`, or `a.list.element` inside a list)."""
    roots = set(names)
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(number)
            if chunk.path_in_schema in roots or chunk.path_in_schema.split(".")[0] in roots:
                yield chunk.path_in_schema, chunk


def _check_footer(path: Path, metadata: pq.FileMetaData, names: Sequence[str], limits: FileLimits) -> None:
    size = sum(chunk.total_uncompressed_size for _, chunk in _leaves(metadata, names))
    _check(path, metadata.num_rows, size, limits)


def _check(path: Path, rows: int, size: int, limits: FileLimits) -> None:
    if rows > limits.rows:
        raise ParquetError(f"{path} holds {rows:,} rows, more than the {limits.rows:,} allowed: take a part of it")
    if size > limits.bytes:
        raise ParquetError(
            f"{path} unpacks to {size / 2**30:,.1f} GiB or more, beyond the {limits.bytes / 2**30:,.1f} GiB allowed: "
            "take a part of its rows"
        )


def _dictionary_texts(file: pq.ParquetFile, names: Sequence[str]) -> list[str]:
    """Name the columns of texts or bytes, not nested, that some chunk keeps in a dictionary."""
    in_dictionary = {
        name
        for name, chunk in _leaves(file.metadata, names)
        if name in names and chunk.physical_type == "BYTE_ARRAY" and _DICTIONARY & set(chunk.encodings)
    }
    return [name for name in names if name in in_dictionary]


def _safe_rows(file: pq.ParquetFile, names: Sequence[str], texts: Sequence[str]) -> int:
    """Give a number of rows that stays small in memory even if each row is as long as its whole chunk."""
    sizes = [
        chunk.total_uncompressed_size
        for name, chunk in _leaves(file.metadata, names)
        if chunk.physical_type == "BYTE_ARRAY" and _shared(chunk, name in texts)
    ]
    return max(1, _BATCH_BYTES // max([1, *sizes]))


def _shared(chunk: pq.ColumnChunkMetaData, in_dictionary: bool) -> bool:
    return bool((_SHARED - (_DICTIONARY if in_dictionary else set())) & set(chunk.encodings))


def _unpacked(column: pa.Array) -> int:
    """Count the bytes of a column once its texts have left the dictionary."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
    return int(pc.sum(lengths).as_py() or 0) + 4 * len(column)


def _decoded(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    columns = [batch.column(name) for name in names]
    plain = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in columns]
    return pa.RecordBatch.from_arrays(plain, list(names))
