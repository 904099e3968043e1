"""Select the rows of a table that have certain values in some columns, and name the file in errors."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from toolkit.reports.reading.table import Table, read_file

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
LISTED = 8  # values that an error lists


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Prefix errors about a file's contents with its name."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def read_selected(path: Path, columns: Collection[str] | None, where: Mapping[str, str] | None) -> Table:
    """Read the rows of a file that have these values, by column, and at least these columns (all when None).

    ValueError names the row or column that cannot be read, or lists the values of a column that lacks the one sought.
    """
    where = where or {}
    return select_rows(read_file(path, None if columns is None else {*columns, *where}), where)


def select_rows(table: Table, where: Mapping[str, str]) -> Table:
    """Select the rows that have these values, compared as numbers in columns of numbers and as text elsewhere.

    ValueError lists the values of a column that lacks the one sought.
    """
    for name, value in where.items():
        if name not in table.names:
            raise ValueError(f"it has no column {name!r}; it has {', '.join(table.names)}")
        cells = table.cells(name)
        same = _numeric([value, *cells])
        sought, values = (same[0], same[1:]) if same else (value, cells)
        chosen = [place for place, cell in enumerate(values) if cell == sought]
        if not chosen:
            raise ValueError(f"no row has {name} = {value}; it holds {list_values(cells)}")
        table = table._replace(
            rows=[table.rows[place] for place in chosen], numbers=[table.numbers[place] for place in chosen]
        )
    return table


def list_values(cells: Sequence[str]) -> str:
    """List the first of a column's values, in order."""
    values = sorted(set(cells) - {""})
    if _numeric(values):
        values.sort(key=Decimal)
    values = [*([""] if "" in cells else []), *values]
    more = f" and {len(values) - LISTED:,} more" if len(values) > LISTED else ""
    return ", ".join(value[:40] or "empty cells" for value in values[:LISTED]) + more


def _numeric(cells: Sequence[str]) -> list[Decimal | None] | None:
    """Read cells as exact numbers, empty ones as None; None where a cell is something else."""
    numbers = {cell: Decimal(cell) if NUMBER.fullmatch(cell) else None for cell in dict.fromkeys(cells)}
    return None if any(value is None for cell, value in numbers.items() if cell) else [numbers[cell] for cell in cells]
