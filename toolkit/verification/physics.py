"""When two numeric answers are the same: within a relative tolerance, after conversion of units.

- Scientific notation counts in all usual spellings (`6.67e-11`, `6.67 \\times 10^{-11}`, `6.67×10⁻¹¹`).
- A unit that the response leaves out is the gold one. A unit that is written must convert to it: `5 km` is `5000 m`.
- A gold answer without unit says nothing about units: the number counts as written, per cent as hundredths.
- Per cent is a factor of 1/100, and temperatures have their zero: `25 °C` is `298.15 K`.
- A formula in pi, e and roots counts by its value; other arithmetic (`3+9`) is not worked out and is refused.
"""

from fractions import Fraction

from toolkit.verification.expressions import value_near
from toolkit.verification.latex import plain
from toolkit.verification.quantities import convert, quantity_of, split_name
from toolkit.verification.units import Unit, unit_of

_LONGEST = 300
_ROUNDING = 1e-12  # relative, of the conversions
_TINIEST, _HUGEST = Fraction(1, 10**300), Fraction(10**300)
_PURE = Unit(1.0, ())


def is_quantity(text: str) -> bool:
    """Whether `text` is a number, with or without a unit."""
    return _measure(text) is not None


def same_quantity(gold: str, answer: str, tolerance: float) -> bool:
    """Whether `answer` lies within `tolerance` (relative to the gold value, in the gold unit; >= 0) of `gold`.

    Around a gold value of zero nothing but zero is right.
    """
    one, other = _measure(gold), _measure(answer)
    if one is None or other is None:
        return False
    (wanted, unit), (value, own) = one, other
    if unit is not None and own is not None:
        if unit.base != own.base:
            return False
        value = convert(value, own, unit)
    elif own is not None and not own.base and own == unit_of("%"):
        value = convert(value, own, _PURE)
    return abs(value - wanted) <= (tolerance + _ROUNDING) * abs(wanted)


def _measure(text: str) -> tuple[float, Unit | None] | None:
    if len(text) > _LONGEST:
        return None
    quantity = quantity_of(split_name(plain(text))[1], bare_units=True)
    value = value_near(quantity.number) if quantity.value is None else _float(quantity.value)
    return None if value is None else (value, unit_of(quantity.unit) if quantity.unit else None)


def _float(value: Fraction) -> float | None:
    return float(value) if not value or _TINIEST < abs(value) < _HUGEST else None
