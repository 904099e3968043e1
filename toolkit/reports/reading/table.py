"""Read somebody's table as cells of text: delimited text, JSON, JSON lines or parquet, within limits.

Cells are data: nothing is evaluated, and neither dates nor numbers are guessed. Rows are counted as in a spreadsheet,
where the header is row 1, as the lines of JSON lines, or as the records of a JSON list or of parquet.
"""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from toolkit.records.texts import encoding_of
from toolkit.reports.reading.delimited import delimited
from toolkit.reports.reading.records import records
from toolkit.reports.reading.rows import Numbered, TableLimits

FILE = TableLimits(size=64_000_000, rows=2_000_000, columns=10_000, letters=2_000)
SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".dat", ".json", ".jsonl", ".ndjson", ".parquet")
PARQUET = b"PAR1"
BINARIES = {b"PK\x03\x04": "a workbook or archive", b"\x1f\x8b": "compressed", b"\xd0\xcf\x11\xe0": "an old workbook"}


class Table(NamedTuple):
    """Column names, and rows of as many cells of text with the number that each row has in the file.

    `separator` is the text between cells, None where there is none, as in JSON.
    """

    names: list[str]
    rows: list[list[str]]
    numbers: list[int]
    separator: str | None = None

    def cells(self, name: str) -> list[str]:
        """Return one column's cells."""
        place = self.names.index(name)
        return [row[place] for row in self.rows]


def read(content: bytes | str, limits: TableLimits = FILE, columns: Collection[str] | None = None) -> Table:
    """Read the table in this text, or in the bytes of a file.

    Args:
        content: UTF-8 or UTF-16 text; bytes may also be parquet.
        limits: the largest table to read.
        columns: the columns to read; all when None.

    Raises:
        ValueError: beyond the limits, and for a row, column or absent column, which it names with the remedy.
    """
    table = _read(content, limits, columns)
    if not table.rows:
        raise ValueError("it has a header and no rows: add a row per trained student")
    return table


def read_file(path: Path, columns: Collection[str] | None = None) -> Table:
    """Read a file as `read` does; ValueError also for another kind of file, or none."""
    if path.suffix.lower() not in SUFFIXES:
        kind = path.suffix or "a file without suffix"
        raise ValueError(f"cannot read {kind}; use {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ValueError(f"no such file ({path})")
    size = path.stat().st_size
    if size > FILE.size:
        raise ValueError(_too_large(size, FILE))
    return read(path.read_bytes(), FILE, columns)


def _read(content: bytes | str, limits: TableLimits, columns: Collection[str] | None) -> Table:
    size = len(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    if size > limits.size:
        raise ValueError(_too_large(size, limits))
    if isinstance(content, bytes) and content[:4] == content[-4:] == PARQUET:
        from toolkit.reports.reading.parquet import parquet

        return _table(*parquet(content, limits, columns), None, limits)
    text = _decoded(content)
    if not text.strip():
        raise ValueError("there is nothing in it: paste a header and rows, as in budget,error,seed")
    if text.lstrip()[0] in "{[":
        return _table(*records(text, limits, columns), None, limits)
    names, rows, separator = delimited(text, limits, columns)
    return _table(names, rows, separator, limits)


def _table(names: list[str], rows: list[Numbered], separator: str | None, limits: TableLimits) -> Table:
    long = next(((number, cells) for number, cells in rows if max(map(len, cells)) > limits.letters), None)
    if long:
        place = max(range(len(names)), key=lambda place: len(long[1][place]))
        raise ValueError(
            f"row {long[0]}, column {names[place]!r} holds {len(long[1][place]):,} letters: at most "
            f"{limits.letters:,} are taken"
        )
    return Table(names, [cells for _, cells in rows], [number for number, _ in rows], separator)


def _too_large(size: int, limits: TableLimits) -> str:
    return f"it has {size / 1e6:.1f} MB: at most {limits.size / 1e6:g} MB are taken; keep a row per student"


def _decoded(content: bytes | str) -> str:
    if isinstance(content, bytes):
        kind = next((kind for start, kind in BINARIES.items() if content.startswith(start)), None)
        if kind:
            raise ValueError(f"it is not text but a binary file ({kind}): save the table as CSV")
        encoding = encoding_of(content).removesuffix("-sig")
        try:
            content = content.decode(encoding)
        except UnicodeDecodeError as error:
            name = encoding.upper()
            raise ValueError(f"byte {error.start + 1} is not text in {name}: save the table as 'CSV UTF-8'") from None
    if "\0" in content:
        raise ValueError("it is not text but a binary file: save the table as CSV")
    return content.removeprefix("\ufeff")
