"""Read delimited text, as people and their tools write it.

The separator is a comma, semicolon, tab, bar (Markdown, too) or white space. Blank lines, comments above the header, a
line `sep=;`, a line of dashes below the header and empty columns at the end are skipped, and so are row names without a
header, as R and pandas write them. A table that can be read in two ways is refused.
"""

import csv
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from io import StringIO
from itertools import islice
from typing import NamedTuple

from toolkit.reports.reading.rows import Numbered, TableLimits, check_count, places

SPACE, WIDE = " ", "  "  # any white space, or at least two spaces, between which cells hold single ones
SEPARATORS = ("\t", ";", "|", ",", SPACE, WIDE)
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
COMMENT = re.compile(r"\s*#(?![,;|\t])")  # a column may be called "#"
SEP_LINE = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
DASHES, BARRED = re.compile(r"-{3,}|={3,}"), re.compile(r":?-+:?")  # below a header, and in Markdown
SAMPLE = 20  # rows that a separator is tried on


class DelimitedText(NamedTuple):
    """The lines from the header on, the number of lines above it, and what separates cells."""

    body: str
    above: int
    separator: str
    commented: bool  # whether the line above the header is a comment


def delimited(
    text: str, limits: TableLimits, columns: Collection[str] | None
) -> tuple[list[str], list[Numbered], str | None]:
    """Return names, rows of the selected cells and the separator; ValueError names a faulty row and the remedy."""
    located = _located(text)
    try:
        lines = (
            (number, cells) for number, cells in enumerate(_cells(located.body, located.separator), located.above + 1)
        )
        filled = ((number, cells) for number, cells in lines if any(cells))
        names, rows = _rows(located, filled, limits, columns)
    except csv.Error as error:
        raise ValueError(f"a quote is not closed, or stands inside a cell ({error}): check the quotes") from None
    return names, rows, located.separator


def _located(text: str) -> DelimitedText:
    """Find where the header is, and what separates cells."""
    place = above = 0
    separator, commented = None, False
    while place < len(text):
        line = LINE.match(text, place).group()  # type: ignore[union-attr]  # it matches everything
        declared = SEP_LINE.fullmatch(line) if not above else None
        if line.strip() and not COMMENT.match(line) and not declared:
            break
        separator, commented = declared[1] if declared else separator, bool(COMMENT.match(line))
        place, above = place + len(line), above + 1
    body = text[place:]
    if not body.strip():
        raise ValueError("it has comments and no rows: add a header and a row per trained student")
    return DelimitedText(body, above, separator or _separator(body), commented)


def _separator(body: str) -> str:
    """Find what separates the header's cells; of several, the one that gives every row as many cells as the header."""
    counts = {separator: _counts(body, separator) for separator in SEPARATORS}
    several = [separator for separator, count in counts.items() if count and count[0] > 1]
    alike = [separator for separator in several if len(set(counts[separator])) == 1]
    if WIDE in alike and SPACE in alike:  # names and numbers with single spaces in them
        alike.remove(SPACE)
    return next(iter([*alike, *several]), SPACE)


def _counts(body: str, separator: str) -> list[int]:
    """Count the cells of the first rows, as far as they can be read."""
    counts: list[int] = []
    with suppress(csv.Error):  # raised again when the rows are read
        counts.extend(len(cells) for cells in islice(_cells(body, separator), SAMPLE) if any(cells))
    return counts


def _cells(body: str, separator: str) -> Iterator[list[str]]:
    white = separator in (SPACE, WIDE)
    delimiter = "\t" if white else separator
    reader = csv.reader(_lines(body, separator), delimiter=delimiter, strict=True, skipinitialspace=not white)
    return ([cell.strip() for cell in cells] for cells in reader)


def _lines(body: str, separator: str) -> Iterator[str]:
    """Yield the lines as `csv` needs them: one tab for white space between cells, no bars around those of Markdown."""
    lines = iter(StringIO(body, newline=""))
    if separator in (SPACE, WIDE):
        between = re.compile(r"[ \t]+" if separator == SPACE else r" {2,}| *\t[ \t]*")
        return (between.sub("\t", line.strip(" \t\r\n")) + "\n" for line in lines)
    if separator == "|" and body.lstrip().startswith("|"):
        return (line.strip().removeprefix("|").removesuffix("|") + "\n" for line in lines)
    return lines


def _rows(
    located: DelimitedText, lines: Iterator[Numbered], limits: TableLimits, columns: Collection[str] | None
) -> tuple[list[str], list[Numbered]]:
    number, header = next(lines)
    while not header[-1]:  # empty columns at the end
        header.pop()
    extra = _row_names(located, len(header))
    index = 0 if extra or header[0] else 1  # the index of pandas and of R has an empty name
    full_names = [name for name in header[index:] if name]
    try:
        selected = places(full_names, limits, columns, f"row {number}")
    except ValueError as error:
        raise ValueError(f"{error}{' (or take the # from the line above)' if located.commented else ''}") from None
    unnamed = [place for place, name in enumerate(header) if place >= index and not name]
    at = [place for place, name in enumerate(header) if place >= index and name]
    rows, count = [], 0
    for row, cells in lines:
        if (row == number + 1 and _is_rule(cells, located.separator)) or _is_comment(row, cells, len(header)):
            continue
        _check_row(row, cells, len(header) + extra)
        filled = next((place for place in unnamed if cells[place + extra]), None)
        if filled is not None:
            raise ValueError(f"row {number}, column {filled + 1} has no name: give it one")
        count += 1
        if count <= limits.rows:
            rows.append((row, [cells[at[place] + extra] for place in selected]))
    check_count(count, limits)
    return [full_names[place] for place in selected], rows


def _row_names(located: DelimitedText, width: int) -> int:
    """Return 1 where rows begin with a name that has no column in the header, else 0.

    Such names are in quotes (R), or count from 0 or 1 below an indented header (printed by pandas or R). Elsewhere a
    row with a cell more than the header is an error.
    """
    raw = [line for line in islice(StringIO(located.body, newline=""), SAMPLE) if line.strip()]
    rows = [cells for cells in islice(_cells(located.body, located.separator), SAMPLE) if any(cells)][1:]
    if located.separator == "," or not rows or any(len(cells) != width + 1 for cells in rows):
        return 0
    first = [cells[0] for cells in rows]
    quoted = all(line.startswith('"') for line in raw)
    counted = first in ([str(number + start) for number in range(len(rows))] for start in (0, 1))
    printed = (
        located.separator == SPACE and raw[0].startswith(" ") and not any(line.startswith(" ") for line in raw[1:])
    )
    grouped = all(re.fullmatch(r"\d{3}", cells[1]) for cells in rows)  # 1 024 may be one number
    return int(quoted or (counted and printed and not grouped))


def _is_rule(cells: Sequence[str], separator: str) -> bool:
    return all((BARRED if separator == "|" else DASHES).fullmatch(cell) for cell in cells if cell)


def _is_comment(row: int, cells: Sequence[str], width: int) -> bool:
    if not cells[0].startswith("#") or not COMMENT.match(cells[0]):
        return False
    if len(cells) == width:
        raise ValueError(f"row {row} begins with #, a comment or a cell: delete the row, or the #")
    return True


def _check_row(row: int, cells: Sequence[str], width: int) -> None:
    if len(cells) < width or any(cells[width:]):
        raise ValueError(
            f"row {row} has {len(cells)} cells, the header {width}: add what is missing, "
            "or put quotes around a cell that holds the separator"
        )
