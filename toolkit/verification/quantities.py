"""Numbers with units: which part of a text is the number and which the unit, and how units convert.

A unit that one side leaves out is implied by the other's. Two units that are both written must convert into each other,
and the values are compared after conversion: `5 m` is `500 cm` and not `5 s`.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from toolkit.verification.units import Unit, converts, is_unit, unit_of
from toolkit.verification.values import number_of

_SCALES = {"dozen": 12, "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SCALE = re.compile(rf"\s*(?:\\text\s*\{{)?\s*({'|'.join(_SCALES)})\b\s*(.*)", re.DOTALL)
_MONEY = re.compile(r"([+-]?)\s*(?:\\\$|USD\s|€|£)\s*(.*)", re.DOTALL)
_TAIL = re.compile(  # where a unit may begin
    r"(?!(?<=\d)[eE][-+]?\d)(?:\\text|\\hat|\\mu|\\Omega|\\AA|\\frac(?=\s*\{\s*[a-zA-Z\\])|(?<![\\a-zA-Z])[^\W\d_]|[°%])"
)
_NAME = re.compile(
    r"((?:\\text\s*\{[^{}]*\}|\|[A-Z]{1,3}\||m?\s*\\angle\s*[A-Z]{1,3}|\\overline\s*\{[A-Z]{2}\}|\\?[a-zA-Z]+'{0,2})?(?:\s*_\s*\{[^{}]*\})?(?:\s*\(\s*[a-zA-Z](?:\s*,\s*[a-zA-Z])*\s*\))?)"
    r"\s*(?:=|\\approx|\\in(?![a-z]))([^=<>]*)",
    re.DOTALL,
)
_TRIGONOMETRIC = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)")
_WORD = re.compile(r"[^\W\d_]{3}|(?:[cmk]m|[km]g|m[lL]|ft|mi|lb|oz|hr|am|pm|sq|a\.\s?m|p\.\s?m)(?![a-zA-Z])")
_NAME_BEHIND = re.compile(r"([^=<>]+)=\s*([a-zA-Z])")
_LONGEST = 300


class Quantity(NamedTuple):
    """The text of the number, its exact value (None: not finished), and the unit as written (empty: none)."""

    number: str
    value: Fraction | None
    unit: str


def split_name(text: str) -> tuple[str, str]:
    """Split `x = 5`, `f(x) = ...`, `v \\approx 3` or `x \\in (1,2)` into name and rest; without a name, ("", text)."""
    match = _NAME.fullmatch(text)
    if match:
        return match[1].strip(), match[2].strip()
    behind = _NAME_BEHIND.fullmatch(text)
    return (behind[2], behind[1].strip()) if behind else ("", text)


@lru_cache(maxsize=65536)
def quantity_of(text: str, bare_units: bool = False) -> Quantity:
    """Cut plain text into number and unit at the first place where the front is a number and the rest a unit.

    A unit stands in `\\text{...}`, is a degree, per cent or dollar sign, or a word of three letters or a usual
    abbreviation after a space; with `bare_units`, one letter may also be a unit (`5 m`, `5m`). Scale words multiply
    (`3 million`). Text that cannot be cut is given as the number, without a unit, even if it is not a number.
    """
    money = _MONEY.fullmatch(text)
    if money and not _MONEY.match(money[2]):
        inner = quantity_of(money[1] + money[2].strip(), bare_units)
        return inner._replace(unit="dollar") if inner.unit in ("", "dollars") else Quantity(text, None, "")
    if (value := number_of(text)) is not None or len(text) > _LONGEST:
        return Quantity(text, value, "")
    cuts = (_cut(text, match.start(), bare_units) for match in _TAIL.finditer(text) if match.start())
    return next((cut for cut in cuts if cut), Quantity(text, None, ""))


def _cut(text: str, place: int, bare_units: bool) -> Quantity | None:
    front, tail = text[:place].strip(), text[place:].strip()
    value, marked = number_of(front), tail.startswith(("\\text", "°", "%"))
    if value is None and not ((marked and not _TRIGONOMETRIC.search(front)) or bare_units):
        return None
    scale = _SCALE.fullmatch(tail)
    if scale and value is not None:
        front, value, tail = front, value * _SCALES[scale[1]], scale[2].removesuffix("}").strip()
        return Quantity(f"{value}", value, tail) if not tail or is_unit(tail) else None
    is_word = text[place - 1] == " " and _WORD.match(tail)
    return Quantity(front, value, tail) if (marked or bare_units or is_word) and is_unit(tail) else None


def unit_ratio(first: str, second: str) -> float | None:
    """Give the factor from `second` to `first`; 1 where either is left out, None across dimensions.

    Temperatures in degrees, which have another zero, are converted by `convert` alone.
    """
    if not first or not second or first == second:
        return 1.0
    one, other = unit_of(first), unit_of(second)
    return other.factor / one.factor if one and other and converts(one, other) else None


def in_radians(quantity: Quantity) -> Quantity:
    """Give an angle in degrees or radians as a number without unit; leave other quantities unchanged."""
    unit = unit_of(quantity.unit) if quantity.unit else None
    if unit == unit_of("°"):
        return Quantity(rf"({quantity.number})\frac{{\pi}}{{180}}", None, "")
    return quantity._replace(unit="") if unit == unit_of("rad") else quantity


def convert(value: float, source: Unit, target: Unit) -> float:
    """Convert `value` from `source` to `target`, of the same base powers."""
    return (value * source.factor + source.offset - target.offset) / target.factor
