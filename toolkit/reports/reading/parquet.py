"""Read parquet as rows of text: integers and decimals exactly, floats by the shortest text of the same number."""

from collections.abc import Collection, Iterator
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.records.cells import arrow_values
from toolkit.reports.reading.rows import Numbered, TableLimits, check_count, places

UNPACKED = 8  # columns may unpack to so many times the largest size of a file
BATCH = 16_384
BINARY = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


def parquet(data: bytes, limits: TableLimits, columns: Collection[str] | None) -> tuple[list[str], list[Numbered]]:
    """Return names and rows of the selected cells.

    ValueError for a damaged file, nested columns, and a file that unpacks too large.
    """
    try:
        with pq.ParquetFile(BytesIO(data)) as file:
            schema = file.schema_arrow
            check_count(file.metadata.num_rows, limits)
            selected = [schema.names[place] for place in places(schema.names, limits, columns, "the header")]
            _check(file, selected, limits)
        return selected, list(enumerate(map(list, _rows(data, selected, schema, limits)), 1))
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"it is no parquet file that can be read ({error}): write it again") from None


def _check(file: pq.ParquetFile, selected: list[str], limits: TableLimits) -> None:
    for name in selected:
        kind = file.schema_arrow.field(name).type
        if pa.types.is_nested(kind) or any(test(kind) for test in BINARY):
            raise ValueError(f"column {name!r} holds lists, objects or binary data: name a column of numbers or text")
    groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
    size = sum(
        group.column(place).total_uncompressed_size
        for group in groups
        for place in range(group.num_columns)
        if group.column(place).path_in_schema in selected
    )
    if size > UNPACKED * limits.size:
        raise ValueError(f"it unpacks to {size / 1e6:.0f} MB: at most {UNPACKED * limits.size / 1e6:g} MB are taken")


def _rows(data: bytes, selected: list[str], schema: pa.Schema, limits: TableLimits) -> Iterator[tuple[str, ...]]:
    """Yield the rows; each distinct text is read only once, so that repeating a long one costs nothing."""
    texts = [name for name in selected if _is_text(schema.field(name).type)]
    with pq.ParquetFile(BytesIO(data), read_dictionary=texts) as file:
        for batch in file.iter_batches(BATCH, columns=selected):
            yield from zip(*(_cells(column) for column in batch.columns), strict=True)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _cells(column: pa.Array) -> list[str]:
    if pa.types.is_dictionary(column.type):
        values = [_text(value) for value in column.dictionary.to_pylist()]
        return ["" if place is None else values[place] for place in column.indices.to_pylist()]
    # A decimal column is shown with all of its digits.
    return [
        _text(value) for value in (column.to_pylist() if pa.types.is_decimal(column.type) else arrow_values(column))
    ]


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
