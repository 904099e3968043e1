"""Rows of a table that have given values in some columns, and errors that name the file."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from toolkit.reports.reading.table import Table, read_file

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
SHOWN = 8  # values that an error lists


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Lets errors about what a file holds begin with its name."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def read_kept(path: Path, columns: Collection[str] | None, where: Mapping[str, str] | None) -> Table:
    """Reads the rows of a file that have these values, by column, and at least these columns (all of them when None).

    ValueError names the row or column that cannot be read, or lists the values of a column that no row has this one of.
    """
    where = where or {}
    return kept(read_file(path, None if columns is None else {*columns, *where}), where)


def kept(table: Table, where: Mapping[str, str]) -> Table:
    """Keeps the rows that have these values, compared as numbers in columns of numbers and as text elsewhere.

    ValueError lists the values of a column that no row has this one of.
    """
    for name, value in where.items():
        if name not in table.names:
            raise ValueError(f"it has no column {name!r}; it has {', '.join(table.names)}")
        cells = table.cells(name)
        same = _numeric([value, *cells])
        asked, found = (same[0], same[1:]) if same else (value, cells)
        chosen = [place for place, cell in enumerate(found) if cell == asked]
        if not chosen:
            raise ValueError(f"no row has {name} = {value}; it holds {shown(cells)}")
        table = table._replace(
            rows=[table.rows[place] for place in chosen], numbers=[table.numbers[place] for place in chosen]
        )
    return table


def shown(cells: Sequence[str]) -> str:
    """Lists the first of a column's values, in order."""
    values = sorted(set(cells) - {""})
    if _numeric(values):
        values.sort(key=Decimal)
    values = [*([""] if "" in cells else []), *values]
    more = f" and {len(values) - SHOWN:,} more" if len(values) > SHOWN else ""
    return ", ".join(value[:40] or "empty cells" for value in values[:SHOWN]) + more


def _numeric(cells: Sequence[str]) -> list[Decimal | None] | None:
    """Cells as exact numbers, empty ones None; None where a cell is something else."""
    known = {cell: Decimal(cell) if NUMBER.fullmatch(cell) else None for cell in dict.fromkeys(cells)}
    return None if any(value is None for cell, value in known.items() if cell) else [known[cell] for cell in cells]
