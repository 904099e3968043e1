"""Text that somebody pastes or drops, as a table of text cells: CSV, TSV, JSON or JSON lines, within limits.

Cells are data: nothing is evaluated, and a formula is a text that is no number. Rows are counted as in a spreadsheet,
where the header is row 1, or as the lines or records of JSON.
"""

import csv
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

MOST_BYTES, MOST_ROWS, MOST_COLUMNS, MOST_LETTERS = 1_000_000, 2_000, 50, 200
SEPARATORS = ("\t", ";", ",", "|")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
GROUPED = re.compile(r"\d{1,3}(,\d{3})+")
SPACES = re.compile(r"[\s'\u2019]")  # between thousands; \s has the narrow and the unbreakable space


class Table(NamedTuple):
    """Column names, and rows of as many cells of text with the number that each row has in the file."""

    names: list[str]
    rows: list[list[str]]
    numbers: list[int]

    def cells(self, name: str) -> list[str]:
        """One column's cells."""
        place = self.names.index(name)
        return [row[place] for row in self.rows]


def read(given: bytes | str) -> Table:
    """The table in this text; ValueError says which row and column cannot be read, and the mend."""
    text = _decoded(given)
    if not text.strip():
        raise ValueError("there is nothing in it: paste a header and rows, as in budget,error,seed")
    lines = _json(text) if text.lstrip()[0] in "{[" else _separated(text)
    header, rows = [name.strip() for name in lines[0][1]], lines[1:]
    _check_header(header)
    if not rows:
        raise ValueError("it has a header and no rows: add a row per trained student")
    if len(rows) > MOST_ROWS:
        raise ValueError(f"it has {len(rows):,} rows: at most {MOST_ROWS:,} are taken; average items to runs first")
    for number, cells in rows:
        _check_row(number, cells, header)
    return Table(header, [[cell.strip() for cell in cells] for _, cells in rows], [number for number, _ in rows])


def number(cell: str, whole: bool) -> float:
    """The number in a cell: point or comma, thousands grouped or not, percent signs left out.

    A comma alone is a decimal one, except in groups of three where numbers are `whole` (budgets, seeds, counts).
    ValueError for any other text, NaN and infinity.
    """
    text = SPACES.sub("", cell.removesuffix("%"))
    if "." in text and "," in text:  # the last of them is the decimal one
        text = text.replace("," if text.rfind(".") > text.rfind(",") else ".", "")
    text = text.replace(",", "" if whole and GROUPED.fullmatch(text) else ".")
    if not NUMBER.fullmatch(text) or abs(float(text)) == float("inf"):
        raise ValueError(_no_number(cell))
    return float(text)


def numbers(table: Table, name: str, whole: bool = False) -> list[float]:
    """A column's numbers; ValueError names row, column, what is there and the mend."""
    found = []
    for row, cell in zip(table.numbers, table.cells(name), strict=True):
        try:
            found.append(number(cell, whole))
        except ValueError as error:
            raise ValueError(f"row {row}, column {name!r}: {error}") from None
    return found


def are_numbers(table: Table, name: str) -> bool:
    """Whether a column holds nothing but numbers."""
    try:
        numbers(table, name)
    except ValueError:
        return False
    return True


def _no_number(cell: str) -> str:
    if not cell:
        return "the cell is empty; fill it, or delete the row"
    if cell.lower().strip("+-") in ("nan", "na", "n/a", "inf", "infinity", "null", "none"):
        return f"{cell!r} is no measured number; delete the row or measure it"
    return f"{cell[:40]!r} is not a number; write it like 0.913 (formulas are not evaluated)"


def _decoded(given: bytes | str) -> str:
    size = len(given if isinstance(given, bytes) else given.encode("utf-8", "surrogatepass"))
    if size > MOST_BYTES:
        raise ValueError(
            f"it has {size / 1e6:.1f} MB: at most {MOST_BYTES / 1e6:g} MB are taken; keep a row per student"
        )
    if isinstance(given, bytes):
        wide = given[:2] in (b"\xff\xfe", b"\xfe\xff")
        try:
            given = given.decode("utf-16" if wide else "utf-8")
        except UnicodeDecodeError as error:
            name = "UTF-16" if wide else "UTF-8"
            raise ValueError(f"byte {error.start + 1} is no text in {name}: save the table as 'CSV UTF-8'") from None
    if "\0" in given:
        raise ValueError("it is no text but a binary file: save the table as CSV")
    return given.removeprefix("\ufeff")


def _separated(text: str) -> list[tuple[int, list[str]]]:
    """Numbered rows of cells, blank ones left out; cells are separated by what separates the header."""
    first = next(line for line in text.splitlines() if line.strip())
    separator = next((each for each in SEPARATORS if each in first), None)
    if separator is None:
        lines: Any = (line.split() for line in text.splitlines())
    else:
        lines = csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True)
    try:
        numbered = list(enumerate(lines, 1))
    except csv.Error as error:
        raise ValueError(f"a quote is not closed, or stands inside a cell ({error}): check the quotes") from None
    return [(row, cells) for row, cells in numbered if any(cell.strip() for cell in cells)]


def _json(text: str) -> list[tuple[int, list[str]]]:
    """A list of objects, or an object a line, as rows of cells below a header."""
    if text.lstrip()[0] == "[":
        found = list(enumerate(_parsed(text, "it"), 1))
    else:
        lines = enumerate(text.splitlines(), 1)
        found = [(row, _parsed(line, f"row {row}")) for row, line in lines if line.strip()]
    if not found:
        raise ValueError("the list is empty: write an object per trained student")
    for row, each in found:
        if not isinstance(each, dict) or any(isinstance(value, dict | list) for value in each.values()):
            raise ValueError(f'row {row} is no flat object like {{"budget": 1, "error": 0.9}}')
    names = list(dict.fromkeys(str(name) for _, each in found for name in each))
    return [(0, names), *((row, [_cell(each.get(name)) for name in names]) for row, each in found)]


def _parsed(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} is no JSON: {error}; write an object a line, or paste CSV") from None


def _cell(value: Any) -> str:
    return "" if value is None else str(int(value) if isinstance(value, bool) else value)


def _check_header(header: Sequence[str]) -> None:
    if len(header) > MOST_COLUMNS:
        raise ValueError(f"it has {len(header)} columns: at most {MOST_COLUMNS} are taken")
    if all(NUMBER.fullmatch(name.replace(",", ".")) for name in header):
        raise ValueError("row 1 holds numbers, not names: put a header above it, as in budget,error,seed")
    for place, name in enumerate(header, 1):
        if not name or len(name) > MOST_LETTERS:
            raise ValueError(
                f"row 1, column {place} has no name, or a longer one than {MOST_LETTERS} letters: give it one"
            )
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise ValueError(f"row 1 has two columns named {twice[0]!r}: rename one")


def _check_row(row: int, cells: Sequence[str], header: Sequence[str]) -> None:
    if len(cells) != len(header):
        raise ValueError(
            f"row {row} has {len(cells)} cells, the header {len(header)}: add what is missing, "
            "or put quotes around a cell that holds the separator"
        )
    for name, cell in zip(header, cells, strict=True):
        if len(cell) > MOST_LETTERS:
            raise ValueError(
                f"row {row}, column {name!r} holds {len(cell):,} letters: at most {MOST_LETTERS} are taken"
            )
