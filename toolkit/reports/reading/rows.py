"""Check what every format has: limits, a header with names, and the columns of it to read."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

Numbered = tuple[int, list[str]]  # a row's number in the file, and its cells
NUMERIC = re.compile(r"[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?%?")


class TableLimits(NamedTuple):
    """The largest table that is read: bytes, rows, columns, and letters in a cell."""

    size: int
    rows: int
    columns: int
    letters: int


def places(
    names: Sequence[str], limits: TableLimits, columns: Collection[str] | None, where: str = "row 1"
) -> list[int]:
    """Return the places of the requested columns among all; ValueError for a wrong header, or a missing column."""
    if not names:
        raise ValueError(f"{where} has no columns: write their names, as in budget,error,seed")
    if len(names) > limits.columns:
        raise ValueError(f"it has {len(names):,} columns: at most {limits.columns:,} are taken")
    if all(NUMERIC.fullmatch(name) for name in names):
        raise ValueError(f"{where} holds numbers, not names: put a header above it, as in budget,error,seed")
    for place, name in enumerate(names, 1):
        if not name or len(name) > limits.letters:
            raise ValueError(
                f"{where}, column {place} has no name, or a longer one than {limits.letters:,} letters: give it one"
            )
    if len(set(names)) < len(names):
        raise ValueError(f"{where} has two columns named {Counter(names).most_common(1)[0][0]!r}: rename one")
    absent = [name for name in columns or () if name not in names]
    if absent:
        listed = ", ".join(names[:30]) + (f" and {len(names) - 30:,} more" if len(names) > 30 else "")
        raise ValueError(f"it has no column {absent[0]!r}; it has {listed}")
    return [place for place, name in enumerate(names) if columns is None or name in columns]


def check_count(count: int, limits: TableLimits) -> None:
    """Raise ValueError for more rows than are read."""
    if count > limits.rows:
        raise ValueError(f"it has {count:,} rows: at most {limits.rows:,} are taken; average items to runs first")
