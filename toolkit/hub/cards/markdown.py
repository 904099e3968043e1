"""Cards from Jinja templates; every value printed is plain text unless the template says else."""

import re
import statistics
import unicodedata
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

# Punctuation that Markdown, HTML or an automatic link could start with; a full stop only where it could.
SPECIAL = re.compile(r"[!-&(-+/:<-@[-`{-~-]|\.(?=\S)|(?<=\d)\.")


def render(name: str, **values: Any) -> str:
    """The template `name` of this room, filled in. `Markup` passes as it is, all else is escaped."""
    environment = Environment(
        undefined=StrictUndefined, finalize=plain, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"quote": quote, "code": code, "number": number}
    template = environment.from_string(files("toolkit.hub.cards").joinpath(name).read_text(encoding="utf-8"))
    return template.render(**values)


def number(value: float | None) -> Markup:
    """A fraction or parameter with four digits, a count as it is, and a dash for none."""
    return Markup("-" if value is None else f"{value:.4g}" if isinstance(value, float) else f"{value}")


def mean_and_sd(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and standard deviation (n - 1) of two values or more."""
    return statistics.mean(values), statistics.stdev(values) if values[1:] else None


def plain(value: Any) -> Any:
    """Text as Markdown that shows exactly this text on one line; numbers and ready Markdown pass."""
    if isinstance(value, Markup | int | float):
        return value
    return Markup(SPECIAL.sub(lambda mark: f"&#{ord(mark[0])};", visible(" ".join(str(value).split()))))


def quote(text: str) -> Markup:
    """Text as a Markdown quotation that keeps its lines."""
    return Markup("\\\n").join(Markup("> ") + plain(line) for line in text.splitlines() or [""])


def code(value: str) -> Markup:
    """A name for a code block, where nothing can be escaped: letters, digits and `. _ - /` only."""
    if not re.fullmatch(r"[\w./-]+", value, re.ASCII):
        raise ValueError(f"{value!r} cannot stand in the card's code; use letters, digits, '.', '_', '-' and '/'")
    return Markup(value)


def visible(text: str) -> str:
    """Control, format and unassigned characters can hide or reverse text; they become U+FFFD."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(char)[0] == "C" else char for char in text)
