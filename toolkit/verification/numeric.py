"""Compares two numeric answers: within a relative tolerance, after conversion of units.

- A `tolerance` in the recipe applies to every gold answer. Without one, a gold answer that is a count must be matched
  exactly: a whole number, written without point or power of ten, without a physical unit (`95200`, `72 cards`, `$5`).
  For a measurement (`95200 J`, `9.52e4`, `32 %`, `4.8`) an answer within one per cent is right, since its last digits
  are rounded.
- Scientific notation is read in all usual spellings (`6.67e-11`, `6.67 \\times 10^{-11}`, `6.67×10⁻¹¹`).
- A unit that the response leaves out is the gold one. A unit that is written must convert to it: `5 km` is `5000 m`.
- A gold answer without unit says nothing about units: the number counts as written, per cent as hundredths.
- Per cent is a factor of 1/100, and temperatures have a zero of their own: `25 °C` is `298.15 K`.
- A formula in pi, e and roots counts by its value; other arithmetic (`3+9`) is not worked out and is refused.
- `F = ma = 5 N` stands for its last part, and each part that is a number must be right.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from toolkit.boxed import extract_boxed
from toolkit.recipe.sections import TOLERANCE, Verification
from toolkit.verification.expressions import value_near
from toolkit.verification.mathematics import SAME, Pairs
from toolkit.verification.phrases import chain_of
from toolkit.verification.quantities import Quantity, convert, quantity_of
from toolkit.verification.unit_spellings import LONGEST
from toolkit.verification.units import Unit, converts, unit_of
from toolkit.verification.values import number_of
from toolkit.verification.vocabulary import words_of

COMPARED = "compared with the known quantity in its unit, {tolerance}"
_ROUNDING = 1e-12  # relative error of the conversions
_TINIEST, _HUGEST = Fraction(1, 10**300), Fraction(10**300)
_PURE = Unit(1.0, ())
_WHOLE = re.compile(r"[+-]?\s*(?:\d{1,3}(?:,\d{3})+|\d+)")
_DIMENSIONS = words_of("meter kilogram second ampere kelvin mole candela radian bit db ph")
_START = re.compile(  # where a unit may begin
    r"(?!(?<=\d)[eE][-+]?\d)(?:(?<![\\a-zA-Z_])[^\W\d_]|\\(?:mu|upmu|micro|Omega|ohm|AA|r\s*\{?A|mathring|hbar"
    r"|frac(?=\s*\{\s*[a-zA-Z(\\])|sqrt(?=\s*\{\s*[a-zA-Z]))|[°%]|\^°|/(?=\s*[a-zA-Z(\\])|[(\[](?=\s*[a-zA-Z])|(?<=\s)1\s*/(?=\s*[a-zA-Z(\\]))"
)
_POINTS = re.compile(r"(?:\s|\\cdot(?![a-zA-Z])|\\times(?![a-zA-Z])|[*~{])+$")
_CHARGES = re.compile(r"(?=[-+\d.]).*[\d}]\s*e", re.DOTALL)  # `-5 e`; `e^{-1}` is Euler's number
_LETTERS = frozenset("mgsKNJWVACFHTLlhcM")  # letters that are units, not variables, if the gold answer has no unit
_LETTER = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]|\\(?!times|cdot|frac|pi|div)[a-zA-Z]")
_SHORT = words_of("db am pm")  # two-letter units that pint does not know; other such words are variables
_PICOMETRES = re.compile(r"(?<![a-zA-Z])pm(?![a-zA-Z])")  # a time of day is written with points
_VARIABLE = re.compile(r"\s*([a-zA-Z])\b")


class Measure(NamedTuple):
    """A number with its unit: its exact value if it is a finished number, its float, and whether it is a count."""

    exact: Fraction | None
    value: float
    unit: Unit | None
    unit_text: str
    is_count: bool


def extract(text: str) -> str | None:
    """Give the last box of a response."""
    return extract_boxed(text)


def answer_to(gold: str, text: str) -> str | None:
    """Give the last box of a response, whatever the gold answer."""
    return extract_boxed(text)


def compare_by(settings: Verification, gold: str, answer: str) -> Pairs | None:
    """Give SAME within the recipe's tolerance, else None.

    Raises:
        ValueError: for a gold answer that is not a quantity.
    """
    if not is_quantity(gold):
        raise ValueError(
            f"the gold answer {gold[:80]!r} is not a number, with or without unit, as answer_kind numeric needs"
        )
    return SAME if same_quantity(gold, answer, settings.tolerance) else None


def is_quantity(text: str) -> bool:
    """Say whether `text` is a number, with or without a unit."""
    return bool(_measures(text))


def same_quantity(gold: str, answer: str, tolerance: float | None) -> bool:
    """Say whether `answer` lies within `tolerance` (relative to the gold value, in the gold unit; >= 0) of `gold`.

    None means exactly for a count, and within one per cent for a measurement. For a gold value of zero only zero is
    right.
    """
    one, others = _measures(gold), _measures(answer)
    return bool(one and others) and all(_same(one[-1], other, tolerance) for other in others)


def _same(gold: Measure, answer: Measure, tolerance: float | None) -> bool:
    value = _in_unit_of(gold, answer)
    if value is None:
        return False
    is_exact = tolerance is None and gold.is_count
    if is_exact and value == answer.value:  # no unit was converted; floats do not distinguish large whole numbers
        return answer.exact == gold.exact
    allowed = 0.0 if is_exact else TOLERANCE if tolerance is None else tolerance
    return abs(value - gold.value) <= (allowed + _ROUNDING) * abs(gold.value)


def _in_unit_of(gold: Measure, answer: Measure) -> float | None:
    """Give the value of `answer` in the unit of `gold`; None where the units are not of one kind."""
    if answer.unit is None:
        return answer.value
    if gold.unit is None:
        if _is_variable(answer.unit_text):
            return None
        return convert(answer.value, answer.unit, _PURE) if answer.unit == unit_of("%") else answer.value
    own = _temperature(gold.unit, answer.unit, answer.unit_text)
    return convert(answer.value, own, gold.unit) if converts(gold.unit, own) else None


def _is_variable(unit: str) -> bool:
    """Say whether what stands behind a number is a letter of algebra (`5x`, `2e`) rather than a unit."""
    match = _VARIABLE.match(unit)
    return match is not None and match[1] not in _LETTERS


def _temperature(gold: Unit, own: Unit, text: str) -> Unit:
    """Give the unit of an answer, in degrees where `25 C` answers a gold answer in degrees Celsius."""
    return (unit_of(f"°{text}") if gold.offset and text in ("C", "F") else None) or own


def _measures(text: str) -> tuple[Measure, ...]:
    """Give the quantities of a chain, of which the last one must be one; none where the text is no quantity."""
    return _measured(text) if len(text) <= LONGEST else ()  # long text is no key of the cache, either


@lru_cache(maxsize=65536)
def _measured(text: str) -> tuple[Measure, ...]:
    chain = chain_of(text)
    measures = [_measure(part) for part in chain.parts]
    if (
        not measures
        or measures[-1] is None
        or (measures[0] is None and not chain.is_named and _LETTER.search(chain.parts[0]))
    ):
        return ()
    return tuple(measure for measure in measures if measure)


def _measure(text: str) -> Measure | None:
    quantity = _divide(text)
    exact, number = quantity.value, quantity.number
    value = value_near(number) if exact is None else _float(exact)
    unit = unit_of(_PICOMETRES.sub("picometer", quantity.unit)) if quantity.unit else None
    if value is None or (unit and any(len(name) < 3 and name not in _SHORT for name, _ in unit.base)):
        return None
    counts = unit is None or (bool(unit.base) and _DIMENSIONS.isdisjoint(name for name, _ in unit.base))
    return Measure(exact, value, unit, quantity.unit, counts and bool(_WHOLE.fullmatch(number.strip())))


def _divide(text: str) -> Quantity:
    """Cut plain text into number and unit at the first place where the front is a number and the rest a unit."""
    if number_of(text) is None and value_near(text) is not None and not _CHARGES.fullmatch(text):
        return Quantity(text, None, "")
    whole = quantity_of(text, bare_units=True)
    if whole.value is not None:
        return whole
    for match in _START.finditer(text):
        front, tail = _POINTS.sub("", text[: match.start()]).strip(), text[match.start() :].strip()
        value = number_of(front)
        if front and (value is not None or value_near(front) is not None) and unit_of(tail):
            return Quantity(front, value, tail)
    return whole


def _float(value: Fraction) -> float | None:
    return float(value) if not value or _TINIEST < abs(value) < _HUGEST else None
