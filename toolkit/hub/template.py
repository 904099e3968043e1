"""Cards of results and models from Jinja templates; every value printed is plain text unless the template says else."""

import statistics
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from toolkit.hub.card import code, plain, quote


def render(name: str, **values: Any) -> str:
    """The template `name` of this room, filled in. `Markup` passes as it is, all else is escaped."""
    environment = Environment(
        undefined=StrictUndefined, finalize=plain, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"quote": quote, "code": code, "number": number}
    template = environment.from_string(files("toolkit.hub").joinpath(name).read_text(encoding="utf-8"))
    return template.render(**values)


def number(value: float | None) -> Markup:
    """A fraction or parameter with four digits, a count as it is, and a dash for none."""
    return Markup("-" if value is None else f"{value:.4g}" if isinstance(value, float) else f"{value}")


def mean_and_sd(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and standard deviation (n - 1) of two values or more."""
    return statistics.mean(values), statistics.stdev(values) if values[1:] else None
