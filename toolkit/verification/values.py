"""Exact values of finished numbers: integers, decimals, fractions, mixed numbers and scientific notation."""

import math
import re
from decimal import Decimal
from fractions import Fraction

# Bounded: a number of a million digits must not cost a quadratic conversion, nor one with a huge exponent memory.
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d{0,60})?|\d{1,400}(?:\.\d{0,60})?|\.\d{1,60})"
_POWER = r"10\s*(?:\^|\*\*)\s*(?:\{\s*([+-]?\s?\d{1,3})\s*\}|\(([+-]?\d{1,3})\)|([+-]?\d{1,3}))"
_DECIMAL = re.compile(rf"([+-]?)\s*({_DIGITS})(?:\s?[eE]\{{?([+-]?\d{{1,3}})\}}?)?")
_SCIENTIFIC = re.compile(rf"([+-]?)\s*(?:({_DIGITS})\s*(?:\\times|\\cdot|[*xX]|(?<=\d)(?=\s?10\s*\^))\s*)?{_POWER}")
_FRACTION = re.compile(
    rf"([+-]?)\s*(?:(\d{{1,60}})\s*)?"
    rf"\\frac\s*\{{\s*([+-]?)\s*({_DIGITS})\s*\}}\s*\{{\s*([+-]?)\s*({_DIGITS})\s*\}}"
)
_RATIO = re.compile(rf"([+-]?)\s*(?:(\d{{1,60}})\s+)?({_DIGITS})\s*/\s*(-?)({_DIGITS})")
_REPEATING = re.compile(r"([+-]?)\s*(\d{0,60})\.(\d{0,60})\\overline\s*\{(\d{1,60})\}")
_PARENTHESES = re.compile(r"([+-]?)\s*[({]\s*(.*)\s*[)}]")


def number_of(text: str) -> Fraction | None:
    """Give the exact value of plain text (`latex.plain`) that is one finished number; None for anything else.

    `1,000`, `1e3`, `1.0 \\times 10^{3}`, `-\\frac{1}{2}`, `2/4`, `5 1/2`, `5\\frac{1}{2}` and `0.\\overline{3}` are
    finished. `3+9`, `2^{5}` and `\\sqrt{4}` are not: they have yet to be worked out. It reads at most 400 digits, and
    exponents up to 999.
    """
    text = text.strip()
    values = (read(text) for read in (decimal_of, _scientific, _fraction, _ratio, _repeating, _inner))
    return next((value for value in values if value is not None), None)


def decimal_of(text: str) -> Fraction | None:
    """Give the exact value of an integer or decimal, with thousands marks or exponent; None for anything else."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    return _value(match[1], match[2]) * _ten(match[3]) if match[3] else _value(match[1], match[2])


def is_float_of(text: str, value: Fraction) -> bool:
    """Say whether `text` is `value` as a program prints a float that misses it by the last bit.

    `0.7000000000000001` is such a 0.7: it has sixteen digits or more, of which all but fifteen are noise. It never
    stands for a whole number.
    """
    digits = re.sub(r"[eE].*|\D", "", text).strip("0")
    if not 16 <= len(digits) <= 17 or "." not in text or value == 0:
        return False
    exact, number = float(value), number_of(text)
    is_short = Fraction(f"{exact:.15g}") == value and (value.denominator > 1 or abs(value) > 2**53)
    return is_short and number is not None and abs(float(number) - exact) <= math.ulp(exact)


def _scientific(text: str) -> Fraction | None:
    match = _SCIENTIFIC.fullmatch(text)
    return _value(match[1], match[2] or "1") * _ten(match[3] or match[4] or match[5]) if match else None


def _fraction(text: str) -> Fraction | None:
    match = _FRACTION.fullmatch(text)
    if match is None or not (below := _value(match[5], match[6])):
        return None
    whole, part = Fraction(match[2] or 0), _value(match[3], match[4]) / below
    return None if match[2] and not _mixed(match[3] + match[5], match[4], match[6]) else _signed(match[1], whole + part)


def _ratio(text: str) -> Fraction | None:
    match = _RATIO.fullmatch(text)
    if match is None or not (below := _value(match[4], match[5])):
        return None
    whole, part = Fraction(match[2] or 0), _value("", match[3]) / below
    return None if match[2] and not _mixed(match[4], match[3], match[5]) else _signed(match[1], whole + part)


def _repeating(text: str) -> Fraction | None:
    match = _REPEATING.fullmatch(text)
    if match is None:
        return None
    period = Fraction(int(match[4]), 10 ** len(match[4]) - 1)
    return _signed(match[1], (int(match[2] + match[3] or 0) + period) / 10 ** len(match[3]))


def _inner(text: str) -> Fraction | None:
    match = _PARENTHESES.fullmatch(text)
    values = (read(match[2]) for read in (decimal_of, _scientific, _fraction, _ratio)) if match else ()
    return next((_signed(match[1], value) for value in values if match and value is not None), None)


def _mixed(sign: str, above: str, below: str) -> bool:
    """Say whether a fraction behind a whole number makes a mixed number: whole numbers, no sign."""
    return not sign and above.isdigit() and below.isdigit()


def _value(sign: str, digits: str) -> Fraction:
    digits = digits.replace(",", "")
    return _signed(sign, Fraction(int(digits)) if digits.isdigit() else Fraction(Decimal(digits)))


def _signed(sign: str, value: Fraction) -> Fraction:
    return -value if sign == "-" else value


def _ten(exponent: str) -> Fraction:
    return Fraction(10) ** int(exponent.replace(" ", ""))
