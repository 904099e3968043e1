"""Read numbers as people write them: decimal point or comma, thousands in groups or not, percent signs.

One table has one decimal mark. A cell like 1,024 can be read in two ways; the rest of the table decides, and where it
does not the table is refused.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from toolkit.reports.reading.table import Table

POINT, COMMA = ".", ","
GROUPS = r"[1-9]\d{0,2}(?P<group>%s)\d{3}(?:(?P=group)\d{3})*"
SPACES = " '\u2019\u00a0\u2009\u202f"  # separators of thousands
PERCENT = ("%", "\uff05")
MISSING = ("nan", "na", "n/a", "inf", "infinity", "null", "none", "missing", "-", "--", ".", "?")
SPREAD = re.compile(r"\u00b1|\+/?-|\\pm|\(\d")
TRUTH = {"true": 1.0, "false": 0.0}


def _pattern(decimal: str, other: str) -> re.Pattern[str]:
    """Compile a number with this decimal mark: grouped without an exponent, or plain."""
    mark, groups = re.escape(decimal), GROUPS % f"[{re.escape(other)}{SPACES}]"
    return re.compile(rf"[+-]?(?:(?:{groups})(?:{mark}\d+)?|(?:\d+(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?)")


NUMBER = {POINT: _pattern(POINT, COMMA), COMMA: _pattern(COMMA, POINT)}


class Role(Enum):
    """The range of a column's numbers: counts, shares or any values."""

    WHOLE = "counts"  # budgets, questions, items: may be in thousands
    SHARE = "shares"  # errors, accuracies and their sds: at most 100
    OPEN = "values"  # losses


class Numbers(NamedTuple):
    """A column's numbers; `signed` says that all of its cells have a percent sign, which is left out."""

    values: list[float]
    signed: bool


class _Column(NamedTuple):
    """A column's name, role, texts without percent signs, and the readings that are possible, by decimal mark."""

    name: str
    role: Role
    texts: list[str]
    rows: list[int]
    read: dict[str, list[float]]

    @property
    def certain(self) -> bool:
        """Say whether its numbers are the same however they are read."""
        return len(self.read) == 1 or self.read[POINT] == self.read[COMMA]

    @property
    def odd(self) -> int:
        """Return the place of the first cell whose two readings differ."""
        return next(place for place, pair in enumerate(zip(*self.read.values(), strict=True)) if pair[0] != pair[1])


def numbers(table: Table, roles: Mapping[str, Role]) -> tuple[dict[str, Numbers], list[str]]:
    """Return columns by name as numbers, and notes on how their marks were read.

    ValueError names row and column of a cell that is not a number, has a percent sign where others have none, or
    can be read in two ways.
    """
    signed = {name: _signed(table, name) for name in roles}
    columns = [_column(table, name, role) for name, role in roles.items()]
    marks = {mark for column in columns if column.certain and len(column.read) == 1 for mark in column.read}
    columns_read: dict[str, Numbers] = {}
    notes: list[str] = []
    for column in columns:
        mark = next(iter(column.read)) if column.certain else _decided(column, marks, table.separator)
        columns_read[column.name] = Numbers(column.read[mark], signed[column.name])
        notes.extend(_note(column, mark))
    return columns_read, notes


def are_numbers(table: Table, name: str) -> bool:
    """Say whether a column holds nothing but numbers, however they may be read."""
    try:
        _column(table, name, Role.WHOLE)
    except ValueError:
        return False
    return True


def _signed(table: Table, name: str) -> bool:
    """Say whether a column has percent signs; refuse one that mixes percent and fractions."""
    signs = {row: cell.endswith(PERCENT) for row, cell in zip(table.numbers, table.cells(name), strict=True)}
    bare = [row for row, sign in signs.items() if not sign]
    if bare and any(signs.values()):
        raise ValueError(f"row {bare[0]}, column {name!r} has no percent sign, others have: write all of them alike")
    return not bare


def _bare(cell: str) -> str:
    return cell[:-1].rstrip() if cell.endswith(PERCENT) else cell


def _column(table: Table, name: str, role: Role) -> _Column:
    texts = [_bare(cell).replace("\u2212", "-") for cell in table.cells(name)]
    if all(text.lower() in TRUTH for text in texts):  # answers to single items
        return _Column(name, role, texts, table.numbers, {POINT: [TRUTH[text.lower()] for text in texts]})
    fitting = {text: _readings(text) for text in dict.fromkeys(texts)}
    for row, text, cell in zip(table.numbers, texts, table.cells(name), strict=True):
        if not fitting[text]:
            raise ValueError(f"row {row}, column {name!r}: {_no_number(cell)}")
    marks = [mark for mark in NUMBER if all(mark in readings for readings in fitting.values())]
    if not marks:
        raise ValueError(_mixed(table, name, texts, fitting))
    if len(marks) == 1 and (role, marks[0]) != (Role.WHOLE, POINT):
        _check_slips(table, name, fitting, texts, COMMA if marks[0] == POINT else POINT)
    read = {mark: [fitting[text][mark] for text in texts] for mark in marks}
    if role is Role.SHARE and len(read) == 2:  # no share is above 100
        read = {mark: values for mark, values in read.items() if max(values) <= 100} or read
    return _Column(name, role, texts, table.numbers, read)


def _readings(text: str) -> dict[str, float]:
    """Return the numbers that a cell can be, by decimal mark; none for other text and infinite values."""
    numbers = {}
    for mark, pattern in NUMBER.items():
        if pattern.fullmatch(text):
            plain = re.sub(f"[{COMMA if mark == POINT else POINT}{SPACES}]", "", text)
            numbers[mark] = float(plain.replace(mark, POINT))
    return {} if any(abs(value) == float("inf") for value in numbers.values()) else numbers


# The decimal mark of a column whose cells can be read in two ways: by its role, the only mark in it, and the decimal
# mark of the rest of the table. Combinations that are not listed stay undecided.
DECIDED = {
    (Role.WHOLE, COMMA, POINT): POINT,
    (Role.WHOLE, POINT, POINT): POINT,
    (Role.WHOLE, POINT, COMMA): COMMA,
    (Role.OPEN, POINT, POINT): POINT,
    (Role.OPEN, COMMA, COMMA): COMMA,
    (Role.OPEN, POINT, None): POINT,
    (Role.WHOLE, COMMA, None): POINT,
    (Role.WHOLE, POINT, None): POINT,
}


def _decided(column: _Column, marks: set[str], separator: str | None) -> str:
    present = [mark for mark in NUMBER if any(mark in text for text in column.texts)]
    if len(present) == 1 and len(marks) < 2:
        rest = next(iter(marks), None)
        european = separator == ";" and rest is None and column.role is Role.WHOLE  # a locale with decimal commas
        mark = None if european else DECIDED.get((column.role, present[0], rest))
        if mark:
            return mark
    place = column.odd
    raise ValueError(_twofold(column.rows[place], column.name, column.texts[place]))


def _check_slips(
    table: Table, name: str, fitting: Mapping[str, Mapping[str, float]], texts: Sequence[str], other: str
) -> None:
    """Refuse points beside decimal commas, unless a cell like 1.234,5 shows that they separate thousands."""
    grouped = [(row, text) for row, text in zip(table.numbers, texts, strict=True) if other in text]
    if grouped and all(len(fitting[text]) == 2 for _, text in grouped):
        row, text = grouped[0]
        raise ValueError(_twofold(row, name, text))


def _twofold(row: int, name: str, text: str) -> str:
    first, second = _readings(text).values()
    return (
        f"row {row}, column {name!r}: {text!r} may be {first:.10g} or {second:.10g}: write it without a mark between "
        "thousands, and decimals with a point"
    )


def _note(column: _Column, mark: str) -> Iterator[str]:
    """Note what a reader should see: which cells were read with a decimal comma, or could have been read otherwise."""
    marked = (place for place, text in enumerate(column.texts) if COMMA in text)
    place = next(marked, None) if column.certain else column.odd
    if place is not None:
        yield f"column {column.name!r}: {column.texts[place]!r} is read as {column.read[mark][place]:.10g}"


def _mixed(table: Table, name: str, texts: Sequence[str], fitting: Mapping[str, Mapping[str, float]]) -> str:
    comma, point = (next(place for place, text in enumerate(texts) if mark not in fitting[text]) for mark in NUMBER)
    return (
        f"row {table.numbers[comma]}, column {name!r} has a decimal comma ({texts[comma]!r}), row "
        f"{table.numbers[point]} a decimal point ({texts[point]!r}): write all of them alike"
    )


def _no_number(cell: str) -> str:
    if not cell:
        return "the cell is empty; fill it, or delete the row"
    if cell.lower().strip("+-") in MISSING or cell.lower() in MISSING:
        return f"{cell!r} is not a measured number; delete the row or measure it"
    if SPREAD.search(cell):
        return f"{cell[:40]!r} holds a value and its spread; give each a column of its own"
    return f"{cell[:40]!r} is not a number; write it like 0.913 (formulas are not evaluated)"
