"""The rows of a JSONL, JSON, CSV, TSV or parquet file as dicts, read one after the other."""

import csv
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from toolkit.records.cells import RepeatedKeyError, arrow_records, json_decoder
from toolkit.records.parquet_limits import LIMITS, FileLimits, read_batches
from toolkit.records.texts import LONGEST, OPENERS, RecordError, lines_of, open_bytes

Row = dict[str, Any]
_TEXTS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "csv"}
_FORMATS = _TEXTS | {".parquet": "parquet", ".pq": "parquet"}
SUFFIXES = frozenset([*_FORMATS, *OPENERS])  # last suffixes of the files that are read
_DELIMITERS = ",;\t|"
_WHOLE = 512 * 2**20  # characters of a .json file, which is read whole


def format_of(name: str) -> str | None:
    """Give `jsonl`, `json`, `csv` or `parquet` by a file name's suffix (`a.jsonl.gz` too); None for any other."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if suffixes and suffixes[-1] in OPENERS:
        return _TEXTS.get(suffixes[-2]) if len(suffixes) > 1 else None
    return _FORMATS.get(suffixes[-1]) if suffixes else None


def read_records(path: Path, columns: Sequence[str] | None = None, limits: FileLimits = LIMITS) -> Iterator[Row]:
    """Yield the rows of a file as dicts, in its order; `-` reads JSONL from standard input.

    A row of JSON may lack a key. Numbers come as `Number`; texts of CSV are texts, whatever they look like.

    Args:
        path: with a suffix that says what it is (see `SUFFIXES`).
        columns: the columns needed; others may be left out. None means all.
        limits: on rows, and on characters of text or bytes of parquet once unpacked.

    Raises:
        RecordError: for what cannot be read or is beyond the limits; it names file, line and remedy. A parquet file
            raises ParquetError instead; both are ValueErrors.
    """
    if str(path) == "-":
        name = "standard input"
        return _counted(_from_texts(sys.stdin.buffer, name, "jsonl", columns, limits), name, limits)
    kind = format_of(path.name)
    if kind is None:
        raise RecordError(f"{path}: cannot tell what file this is; use one of {', '.join(sorted(SUFFIXES))}")
    if kind == "parquet":
        return _from_parquet(path, columns, limits)
    return _counted(_from_file(path, kind, columns, limits), str(path), limits)


def _counted(rows: Iterator[Row], name: str, limits: FileLimits) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if number >= limits.rows:
            raise RecordError(f"{name} holds more than {limits.rows:,} rows: take a part of it")
        yield row


def _from_parquet(path: Path, columns: Sequence[str] | None, limits: FileLimits) -> Iterator[Row]:
    for batch in read_batches(path, columns, limits):
        yield from arrow_records(batch)


def _from_file(path: Path, kind: str, columns: Sequence[str] | None, limits: FileLimits) -> Iterator[Row]:
    with open_bytes(path) as file:
        yield from _from_texts(file, str(path), kind, columns, limits)


def _from_texts(
    file: IO[bytes], name: str, kind: str, columns: Sequence[str] | None, limits: FileLimits
) -> Iterator[Row]:
    if kind == "json":
        most = min(limits.bytes, _WHOLE)
        return _json_rows("".join(lines_of(file, name, most, longest=most + 1)), name)
    lines = lines_of(file, name, limits.bytes)
    return _csv_rows(lines, name, columns) if kind == "csv" else _json_lines(lines, name)


def _json_lines(lines: Iterator[str], name: str) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _object(_parsed(line, f"{name}, line {number}"), f"{name}, line {number}")


def _json_rows(text: str, name: str) -> Iterator[Row]:
    """Yield the rows of a list of objects, or of an object of columns as pandas writes it (lists, or values by row)."""
    data = _parsed(text, name)
    if isinstance(data, dict):
        columns = {key: list(value.values()) if isinstance(value, dict) else value for key, value in data.items()}
        lengths = {len(value) if isinstance(value, list) else -1 for value in columns.values()}
        if len(lengths) != 1 or -1 in lengths:
            raise RecordError(f"{name} is one object, not a list of rows: write a list, or an object a line as .jsonl")
        data = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    if not isinstance(data, list):
        raise RecordError(
            f"{name} does not hold a list of rows: write a list of objects, or an object a line as .jsonl"
        )
    for number, value in enumerate(data):
        yield _object(value, f"{name}, row {number}")


def _parsed(text: str, place: str) -> Any:
    try:
        return _DECODER.decode(text.strip())
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise RecordError(
            f"{place} is not readable JSON ({line}column {error.colno}: {error.msg}): correct it"
        ) from error
    except RecursionError as error:
        raise RecordError(f"{place} is nested too deep to be read: make it flat") from error
    except RepeatedKeyError as error:
        raise RecordError(f"{place} has the key {error.name!r} twice: remove one") from error


def _object(value: Any, place: str) -> Row:
    if not isinstance(value, dict):
        raise RecordError(f'{place} holds {str(value)[:40]!r}, not an object: write each row as {{"column": value}}')
    return value


_DECODER = json_decoder(float)


def _csv_rows(lines: Iterator[str], name: str, columns: Sequence[str] | None) -> Iterator[Row]:
    csv.field_size_limit(LONGEST)
    first = next((line for line in lines if line.strip()), "")
    reader = csv.reader(itertools.chain([first], lines), delimiter=_delimiter(first, name), strict=True)
    try:
        header = [field.strip() for field in next(reader, [])]
        _check_header(header, name, columns)
        for fields in reader:
            if fields and len(fields) != len(header):
                raise RecordError(
                    f"{name}, line {reader.line_num} has {len(fields)} fields where the header has {len(header)}: "
                    "put quotes around a field that holds the separator"
                )
            if fields:
                yield dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise RecordError(f"{name}, line {reader.line_num} is not readable CSV ({error}): correct it there") from error


def _delimiter(first: str, name: str) -> str:
    """Give the separator: tab in a .tsv, else the one that stands most often in the header outside quotes."""
    if ".tsv" in map(str.lower, Path(name).suffixes):
        return "\t"
    bare = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)


def _check_header(header: list[str], name: str, columns: Sequence[str] | None) -> None:
    for column in header:
        if header.count(column) > 1 and (columns is None or column in columns):
            raise RecordError(f"{name} has {header.count(column)} columns {column!r}: rename all but one")
