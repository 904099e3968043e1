"""Units as written, in LaTeX or plain: a factor to base units and their powers. Names and prefixes are pint's.

A word that pint does not know (`apples`) is a unit of its own, so that equal words agree and others do not.
"""

import re
from functools import cache, lru_cache
from typing import Any, NamedTuple

from toolkit.verification.latex import plain, unwrap_text

_TOKEN = re.compile(  # a name with its power, a sign, or anything else
    r"\s*(?:(\^?°(?:\s*[CFK](?![a-zA-Z]))?|%|[^\W\d_]+)(?:(?:\s*\^\s*\{?\s*)?([-+]?\d{1,2})\s*\}?)?|([*/()])|(.))",
    re.DOTALL,
)
_RULES = [
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\\hat\s*(?:\{[^{}]*\}|\\?[a-z]+)|\\[ij]math(?![a-z])", " "),
        (r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1/(\2)"),
        (r"\\mu(?![a-z])\s*|µ\s*", "µ"),
        (r"\\(?:Omega|ohm)(?![a-z])", "ohm"),
        (r"\\(?:AA|text\{\\AA\})(?![a-z])", "angstrom"),
        (r"\\(?:cdot|times)(?![a-z])", "*"),
        (r"\\\$|\$", " dollar "),
        (r"\bper\b", "/"),
        (r"\b(?:sq|square)\.?\s+([a-zA-Z]+)", r"\1^{2}"),
        (r"\b(?:cu|cubic)\.?\s+([a-zA-Z]+)", r"\1^{3}"),
        (r"\b([ap])\.\s?m\b\.?", r"\1m"),
        (r"\.(?=\s|$)|[,;:]\s*$|\b(?:of|the|a|an)\b", " "),
    )
]
_SPELLINGS = {"°": "degree", "°C": "degC", "°F": "degF", "°K": "kelvin", "%": "percent", "Å": "angstrom", "mins": "min"}
_OFFSETS = {"degC": 273.15, "degF": 459.67 * 5 / 9}  # kelvin at zero
_LONGEST = 120
_UNCONVERTED = frozenset({"am", "pm", "AM", "PM", "dB"})  # hours of the day, no attometres; and logarithms


class Unit(NamedTuple):
    """`value * factor + offset` is the quantity in base units, whose powers `base` holds."""

    factor: float
    base: tuple[tuple[str, float], ...]
    offset: float = 0.0


def is_unit(text: str) -> bool:
    """Whether `text` can be read as a unit."""
    return bool(_parts(text))


@lru_cache(maxsize=4096)
def unit_of(text: str) -> Unit | None:
    """The unit that `text` spells: `m/s^2`, `\\mathrm{~kJ} \\mathrm{~mol}^{-1}`, `square inches`, `^\\circ C`.

    None for anything else. After `/` comes one factor or a parenthesis. Temperatures have their zero where they stand
    alone, and are differences in `J/°C`. The base powers of an angle are empty.
    """
    parts = _parts(text)
    if not parts:
        return None
    if len(parts) == 1 and parts[0][1] == 1 and parts[0][0] in _OFFSETS:
        factor, base = _named(parts[0][0])
        return Unit(factor, base, _OFFSETS[parts[0][0]])
    total, powers = 1.0, dict[str, float]()
    for name, power in parts:
        factor, base = _named(name)
        total *= factor**power
        for dimension, exponent in base:
            powers[dimension] = powers.get(dimension, 0.0) + exponent * power
    return Unit(total, tuple(sorted((name, power) for name, power in powers.items() if power)))


@lru_cache(maxsize=4096)
def _parts(text: str) -> list[tuple[str, int]] | None:
    """Names with their powers, or None when something stands there that belongs in no unit."""
    if len(text) > _LONGEST:
        return None
    text = unwrap_text(plain(text))
    for rule, by in _RULES:
        text = rule.sub(by, text)
    parts, below, depth = [], False, 0
    for name, power, sign, other in _TOKEN.findall(text):
        if other and other not in "{} ":
            return None
        if name:
            exponent = -int(power or 1) if below else int(power or 1)
            parts.append((_SPELLINGS.get(re.sub(r"[\^\s]", "", name), name), exponent))
            below = below and depth > 0
        elif sign == "/":
            below = True
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth, below = depth - 1, False
    return parts


@lru_cache(maxsize=4096)
def _named(name: str) -> tuple[float, tuple[tuple[str, float], ...]]:
    """Factor and base powers of one name."""
    import pint

    if name not in _UNCONVERTED:
        for spelling in (name, name.lower()):
            try:
                factor, unit = _registry().get_base_units(spelling)
            except (pint.UndefinedUnitError, pint.DefinitionSyntaxError):
                continue
            powers = {str(base): float(power) for base, power in unit._units.items() if base != "radian"}
            return float(factor), tuple(sorted(powers.items()))
    return 1.0, ((_singular(name.lower()), 1.0),)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(cache_folder=None)
    registry.define("dollar = [money]")
    registry.define("cents = 0.01 dollar")
    return registry
