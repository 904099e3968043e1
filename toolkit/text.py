"""Numbers, lists and tables as people read them."""

from collections.abc import Iterable, Sequence
from typing import Any


def listed(values: Iterable[Any]) -> str:
    """Write values with commas between them, for a message."""
    return ", ".join(str(value) for value in values)


def points(value: float, sign: str = "+") -> str:
    """Write a difference of errors (fraction) in points: `+1.2`."""
    return format(100 * value, f"{sign}.1f")


def percent(value: float) -> str:
    """Write an error (fraction) as `71.3 %`."""
    return f"{100 * value:.1f} %"


def share(value: float) -> str:
    """Write a level or a share (fraction) as `97.5 %`, to three digits."""
    return f"{100 * value:.3g} %"


def span(low: float, high: float, sign: str = "+") -> str:
    """Write two bounds (fractions) in points: `-1.0 to +2.0`."""
    return f"{points(low, sign)} to {points(high, sign)}"


def joined(words: Sequence[str]) -> str:
    """Join words as `a`, `a and b` or `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table with aligned columns; the first is flush left, the others flush right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    aligned = [
        [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in [header, rule, *rows]
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in aligned)
