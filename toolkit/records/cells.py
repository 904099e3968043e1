"""Values of a row: numbers as the text that was written, and any value as one text."""

import json
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa  # needed for Parquet only


class CellError(ValueError):
    """A value that is neither text nor number; the message says what it is and continues the name of its cell."""


class Number(str):
    """A number as it was written, `0.70` or `6.022e23`; a str, so that nothing rounds it."""

    __slots__ = ()


def cell_text(value: object, *, blank: bool = False) -> str:
    """Give the text of a value: a text without the space around it, or a number as it was written.

    Args:
        value: a value in a row of `read_records`, or a plain Python value.
        blank: whether a text may be empty.

    Raises:
        CellError: for null, true and false, lists and objects, NaN, bytes or half characters, and blank texts.
    """
    if isinstance(value, str):
        return _checked(value, blank)
    if isinstance(value, bool | None):
        raise CellError(f"holds {shown(value)}: it must be a text or a number")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | np.floating):
        return _float_text(value)
    if isinstance(value, Decimal):
        return _decimal_text(value)
    if isinstance(value, bytes):
        return _checked(_decoded(value), blank)
    raise CellError(f"holds {shown(value)} ({_kind(value)}): it must be a text or a number")


def shown(value: object, most: int = 80) -> str:
    """Write a value for a message, as JSON where that is possible, cut to `most` characters."""
    text = repr(value) if isinstance(value, str) and not isinstance(value, Number) else as_json(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _kind(value: object) -> str:
    names: dict[type, str] = {list: "a list", dict: "an object"}
    return names.get(type(value), f"of type {type(value).__name__}")


def as_json(value: object) -> str:
    """Write a value as JSON, each `Number` as it was written, and as a text what JSON cannot express."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        pairs = (f"{json.dumps(str(key), ensure_ascii=False)}: {as_json(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_json, value)) + "]"
    if isinstance(value, float | np.floating):
        return json.dumps(float(value)) if not math.isfinite(value) else _plain_float(value)
    if isinstance(value, Decimal):
        return _decimal_text(value)
    return json.dumps(value, default=str, ensure_ascii=False)


class RepeatedKeyError(ValueError):
    """A JSON object in which the key `name` stands twice, so that one of the two values would be lost."""

    def __init__(self, name: str) -> None:
        super().__init__(f"an object names {name[:40]!r} twice")
        self.name = name


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise RepeatedKeyError(next(name for name in names if names.count(name) > 1))
    return row


def json_decoder(constant: Callable[[str], Any]) -> json.JSONDecoder:
    """Make a decoder that keeps numbers as they are written, and refuses a key that stands twice in an object.

    Args:
        constant: what NaN, Infinity and -Infinity, which JSON does not have, become.
    """
    number: Callable[[str], Any] = Number
    return json.JSONDecoder(parse_float=number, parse_int=number, parse_constant=constant, object_pairs_hook=_unique)


def arrow_records(batch: "pa.RecordBatch") -> Iterator[dict[str, Any]]:
    """Yield the rows of a batch, a number that is a whole cell as `Number`; a float is the shortest text that gives it.

    A 32-bit 0.7 is `0.7`, not `0.699999988079071`; the zeros that a decimal column adds are dropped.
    """
    columns = [arrow_values(batch.column(place)) for place in range(batch.num_columns)]
    names = batch.schema.names
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def arrow_values(column: "pa.Array") -> list[Any]:
    """Give the values of a column as `arrow_records` does."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        width = np.dtype(column.type.to_pandas_dtype()).type
        return _each(column.to_pylist(), lambda value: _arrow_float(width(value)))
    if pa.types.is_integer(column.type):
        return _each(column.to_pylist(), lambda value: Number(value))
    if pa.types.is_decimal(column.type):
        return _each(column.to_pylist(), lambda value: Number(_decimal_text(value)))
    return list(column.to_pylist())


def _each(values: list[Any], change: Callable[[Any], Any]) -> list[Any]:
    return [None if value is None else change(value) for value in values]


def _arrow_float(value: "np.floating[Any]") -> object:
    return Number(_plain_float(value)) if np.isfinite(value) else float(value)


def _plain_float(value: "float | np.floating[Any]") -> str:
    return str(value)


def _float_text(value: "float | np.floating[Any]") -> str:
    if not math.isfinite(value):
        raise CellError(f"holds {as_json(value)}: it must be a text or a finite number")
    return _plain_float(value)


def _decimal_text(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise CellError(f"holds bytes that are not UTF-8 text ({value[:20]!r}): it must be a text") from error


def _checked(text: str, blank: bool) -> str:
    stripped = text.strip()
    if not stripped and not blank:
        raise CellError(f"holds {text[:20]!r}: it must be a text or a number, not blank")
    try:
        stripped.isascii() or stripped.encode()
    except UnicodeEncodeError as error:
        raise CellError(f"holds half a character ({stripped[error.start]!a}): write it again as UTF-8") from error
    return str(stripped)
