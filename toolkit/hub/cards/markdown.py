"""Render cards from Jinja templates; every printed value is plain text unless the template says otherwise."""

import re
import statistics
import unicodedata
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

# Punctuation that can start Markdown, HTML or an automatic link; a full stop only where it can.
SPECIAL = re.compile(r"[!-&(-+/:<-@[-`{-~-]|\.(?=\S)|(?<=\d)\.")


def render(name: str, **values: Any) -> str:
    """Fill in the template `name` of this folder; `Markup` passes unchanged, everything else is escaped."""
    environment = Environment(
        undefined=StrictUndefined, finalize=plain, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"quote": quote, "code": code, "number": number}
    template = environment.from_string(files("toolkit.hub.cards").joinpath(name).read_text(encoding="utf-8"))
    return template.render(**values)


def number(value: float | None) -> Markup:
    """Write a fraction or parameter with four digits, a count as it is, and a dash for None."""
    return Markup("-" if value is None else f"{value:.4g}" if isinstance(value, float) else f"{value}")


def mean_and_sd(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean, and the standard deviation (n - 1) of two values or more."""
    return statistics.mean(values), statistics.stdev(values) if values[1:] else None


def plain(value: Any) -> Any:
    """Return text as Markdown that shows exactly this text on one line; numbers and ready Markdown pass."""
    if isinstance(value, Markup | int | float):
        return value
    return Markup(SPECIAL.sub(lambda mark: f"&#{ord(mark[0])};", visible(" ".join(str(value).split()))))


def quote(text: str) -> Markup:
    """Return text as a Markdown quotation that keeps its lines."""
    return Markup("\\\n").join(Markup("> ") + plain(line) for line in text.splitlines() or [""])


def code(value: str) -> Markup:
    """Return a name for a code block, where nothing can be escaped: letters, digits and `. _ - /` only."""
    if not re.fullmatch(r"[\w./-]+", value, re.ASCII):
        raise ValueError(f"{value!r} cannot be used in the card's code; use letters, digits, '.', '_', '-' and '/'")
    return Markup(value)


def visible(text: str) -> str:
    """Replace control, format and unassigned characters, which can hide or reverse text, by U+FFFD."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(char)[0] == "C" else char for char in text)
