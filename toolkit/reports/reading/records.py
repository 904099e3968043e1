"""Read JSON as rows of text: a list of flat objects, an object a line, or an object of equally long columns."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from toolkit.records.cells import json_decoder
from toolkit.reports.reading.rows import Numbered, TableLimits, check_count, places

EXAMPLE = '{"budget": 1, "error": 0.9}'


DECODER = json_decoder(str)  # numbers stay the text that they were written as


def records(text: str, limits: TableLimits, columns: Collection[str] | None) -> tuple[list[str], list[Numbered]]:
    """Return names and rows of the selected cells, numbers as text; ValueError names the record that cannot be read."""
    objects = list(_objects(text))
    if not objects:
        raise ValueError("the list is empty: write an object per trained student")
    check_count(len(objects), limits)
    names = list(dict.fromkeys(name for row, record in objects for name in _flat(row, record)))
    selected = [names[place] for place in places([name.strip() for name in names], limits, columns, "the header")]
    return [name.strip() for name in selected], [
        (row, [_cell(row, name, record.get(name)) for name in selected]) for row, record in objects
    ]


def _objects(text: str) -> Iterator[tuple[int, Any]]:
    """Yield records with their numbers: those of a list, of a single object, or the lines of JSON lines."""
    start = len(text) - len(text.lstrip())
    if text[start] == "[":
        return iter(enumerate(_parsed(text, "it"), 1))
    try:
        value, end = DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        end = 0  # a broken object: the line that holds it is named below
    if end and not text[end:].strip():
        return _columns(value, text.count("\n", 0, start) + 1)
    lines = ((row, line) for row, line in enumerate(text.split("\n"), 1) if line.strip())
    return ((row, _parsed(line, f"row {row}")) for row, line in lines)


def _columns(record: Mapping[str, Any], row: int) -> Iterator[tuple[int, Any]]:
    """Yield the records of one object: itself, in this row, or those of its columns, written as lists or by pandas."""
    if not all(isinstance(value, list | dict) for value in record.values()):
        return iter([(row, record)])
    columns = [_as_list(value) for value in record.values()]
    lists = [column for column in columns if column is not None]
    if len(lists) < len(columns) or len(set(map(len, lists))) != 1:
        names = ", ".join(list(record)[:8])
        raise ValueError(f"it is one JSON object ({names}) and no table: write a list of flat objects like {EXAMPLE}")
    rows = enumerate(zip(*lists, strict=True), 1)
    return ((number, dict(zip(record, values, strict=True))) for number, values in rows)


def _as_list(value: Any) -> list[Any] | None:
    if isinstance(value, dict) and list(value) == [str(place) for place in range(len(value))]:
        value = list(value.values())
    return value if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value) else None


def _parsed(text: str, what: str) -> Any:
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise ValueError(f"{what} is no JSON of a table: it is nested too deep; write an object a line") from None
    except ValueError as error:
        raise ValueError(f"{what} is no JSON: {error}; write an object a line, or paste CSV") from None


def _flat(row: int, record: Any) -> Mapping[str, Any]:
    if not isinstance(record, dict):
        raise ValueError(f"row {row} is no flat object like {EXAMPLE}")
    return record


def _cell(row: int, name: str, value: Any) -> str:
    if isinstance(value, dict | list):
        raise ValueError(f"row {row} is no flat object like {EXAMPLE}: {name!r} holds a list or an object")
    return "" if value is None else str(value).strip()
