"""Read a pasted or dropped table as `fss fit` reads a file, within the limits of a page."""

from toolkit.reports.reading import table
from toolkit.reports.reading.rows import TableLimits
from toolkit.reports.reading.table import Table

LIMITS = TableLimits(size=1_000_000, rows=2_000, columns=50, letters=200)


def read(content: bytes | str) -> Table:
    """Read the table in this text or file; ValueError says which row and column cannot be read, and the remedy."""
    return table.read(content, LIMITS)
