"""Decides by interval arithmetic whether two formulas have the same value, so that rounding never affects the result.

It reads numbers, letters with or without index (variables), pi, e, i, fractions, roots, powers, factorials, binomials,
absolute values, logarithms to a known base and trigonometric functions; anything else is not evaluated. Variables are
given a few rational values; an equality has to hold at each of them where both formulas are defined in the reals.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from toolkit.verification.intervals import evaluate, precision_of
from toolkit.verification.tokens import Undefined, letters_in

_QUICK = 53  # bits
_FIRST = 256  # bits, enough to see what precision two formulas need
_MANY_BITS = 1 << 14  # bits from which fewer rounds must do
_MOST_BITS = 1 << 19  # bits of precision; formulas that would need more are not compared
_ROUNDS = 8  # choices of values for the variables
_ENOUGH = 3  # rounds in which both formulas must be defined
_CLOSED = re.compile(  # numbers, pi, e, roots and fractions
    r"(?=.*(?:\\pi|\\sqrt|(?<![\\a-zA-Z])e(?![a-zA-Z])))"
    r"(?:\\(?:pi|sqrt|frac|cdot|times|div)(?![a-zA-Z])|(?<![\\a-zA-Z])e(?![a-zA-Z])|[^\\a-zA-Z!|°])*"
)


class _Pair(NamedTuple):
    """The values of two formulas at one point, and the precision that they were computed with."""

    one: Any
    other: Any
    bits: int


def differ(first: str, second: str) -> bool:
    """Say whether two formulas in plain LaTeX surely have different values; False where that is unknown."""
    one, other = _quick(first), _quick(second)
    return one is not None and other is not None and _apart(one, other)


def agree(first: str, second: str) -> bool | None:
    """Say whether two formulas in plain LaTeX have the same value; None where that is unknown.

    The precision grows with the numbers in them, so that `\\pi+10^{-5000}` is not `\\pi`.
    """
    need = _ENOUGH if letters_in(first) or letters_in(second) else 1
    pairs = []
    for pair in _pairs(first, second):
        if _apart(pair.one, pair.other):
            return False
        pairs.append(pair)
    return True if len(pairs) >= need and all(map(_is_narrow, pairs)) else None


def factor_sign(first: str, second: str) -> int | None:
    """Give the sign of the factor that turns `first` into `second`, two formulas with variables.

    0 where there is no such factor, None where that is unknown.
    """
    pairs = list(_pairs(first, second)) if letters_in(first) and letters_in(second) else []
    if len(pairs) < _ENOUGH or any(_is_complex(pair) or not _is_narrow(pair) for pair in pairs):
        return None
    known = next((pair for pair in pairs if not _may_be_zero(pair.one) and not _may_be_zero(pair.other)), None)
    if known is None:
        return None
    if any(_apart(known.one * pair.other, pair.one * known.other) for pair in pairs):
        return 0
    return 1 if bool(known.one > 0) == bool(known.other > 0) else -1


def value_near(text: str) -> float | None:
    """Give the value of a formula in pi, e and roots to some 15 digits; None with a variable or an unknown command."""
    return value_of(text) if _CLOSED.fullmatch(text) else None


def value_of(text: str) -> float | None:
    """Give the value of a formula without variables to some 15 digits; None where it is not read or not real."""
    value = None if letters_in(text) else _quick(text)
    return None if value is None or not bool(value.imag == 0) else float(value.real.mid)


def _pairs(first: str, second: str) -> Iterator[_Pair]:
    """Yield the values of both formulas in the rounds where both are defined, in fewer where that takes many bits."""
    count, most = 0, _ROUNDS if letters_in(first) or letters_in(second) else 1
    for turn in range(most):
        pair = _pair(first, second, turn)
        if pair:
            count += 1
            yield pair
            if pair.bits > _MANY_BITS and count == _ENOUGH:
                return


def _pair(first: str, second: str, turn: int) -> _Pair | None:
    try:
        bits = precision_of(evaluate(first, turn, _FIRST), evaluate(second, turn, _FIRST))
        if bits > _MOST_BITS:
            return None
        return _Pair(evaluate(first, turn, bits).value, evaluate(second, turn, bits).value, bits)
    except Undefined:
        return None


@lru_cache(maxsize=4096)
def _quick(text: str) -> Any:
    """Give an interval that holds the value of `text` at one point, or None."""
    try:
        return evaluate(text, 0, _QUICK).value
    except Undefined:
        return None


def _is_complex(pair: _Pair) -> bool:
    return not bool(pair.one.imag == 0 and pair.other.imag == 0)


def _apart(one: Any, other: Any) -> bool:
    """Say whether two intervals have no point in common."""
    parts = ((one.real, other.real), (one.imag, other.imag))
    return any(bool(first.b < second.a or second.b < first.a) for first, second in parts)


def _may_be_zero(value: Any) -> bool:
    return bool(value.a <= 0 <= value.b)


def _is_narrow(pair: _Pair) -> bool:
    """Say whether both values are known far better than formulas of that size can differ without being equal."""
    parts = (part for value in (pair.one, pair.other) for part in (value.real, value.imag))
    return all(bool(part.delta.b <= part.ctx.ldexp(1, -pair.bits // 2)) for part in parts)
