"""Proof that two formulas differ: both evaluated at one point in interval arithmetic, with disjoint results.

Only a difference can be shown this way, never that two formulas are equal. Read are numbers, letters (variables), pi,
e, fractions, roots and whole powers; anything else is not evaluated.
"""

import re
from functools import lru_cache
from typing import Any

_TOKEN = re.compile(r"\s*(\d+\.?\d*|\.\d+|\\[a-zA-Z]+|[a-zA-Z+\-*/^(){}\[\]])")
_LARGEST_POWER = 64
_DEEPEST = 40
_SIGNS = {r"\cdot": "*", r"\times": "*", r"\div": "/"}


class _Unreadable(Exception):
    pass


def differ(first: str, second: str) -> bool:
    """Whether two formulas in plain LaTeX surely have different values; False where that cannot be told."""
    one, other = _evaluate(first), _evaluate(second)
    return one is not None and other is not None and bool(one.b < other.a or other.b < one.a)


def value_near(text: str) -> float | None:
    """The value of a formula in pi, e and roots, to some 15 digits; None with a variable, or where it is not read."""
    if not re.search(r"\\pi|\\sqrt|(?<![\\a-zA-Z])e(?![a-zA-Z])", text):
        return None
    if re.search(r"(?<![\\a-zA-Z])(?!e(?![a-zA-Z]))[a-zA-Z]", text):
        return None
    value = _evaluate(text)
    return None if value is None else float(value.mid)


@lru_cache(maxsize=4096)
def _evaluate(text: str) -> Any:
    """An interval that holds the value of `text`, or None."""
    try:
        parser = _Parser(_tokens(text))
        value = parser.sum()
        return value if not parser.tokens and not _has_nan(value) else None
    except (_Unreadable, ZeroDivisionError, ValueError, OverflowError):
        return None


def _has_nan(value: Any) -> bool:
    return bool(value.a != value.a or value.b != value.b)


def _tokens(text: str) -> list[str]:
    """The tokens of a formula in reverse, to be popped from the end."""
    tokens, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _Unreadable
        tokens.append(_SIGNS.get(match[1], match[1]))
        place = match.end()
    return tokens[::-1]


class _Parser:
    """Recursive descent over `tokens` (reversed), one method for each level of binding."""

    def __init__(self, tokens: list[str]) -> None:
        from mpmath import iv

        self.tokens, self.iv, self.depth = tokens, iv, 0

    def next(self) -> str:
        return self.tokens[-1] if self.tokens else ""

    def take(self, wanted: str) -> None:
        if self.next() != wanted:
            raise _Unreadable
        self.tokens.pop()

    def sum(self) -> Any:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _Unreadable
        value = self.product()
        while self.next() in ("+", "-"):
            value = value + self.product() if self.tokens.pop() == "+" else value - self.product()
        self.depth -= 1
        return value

    def product(self) -> Any:
        value = self.signed()
        while (sign := self.next()) not in ("", "+", "-", ")", "]", "}", "^"):
            if sign in ("*", "/"):
                self.tokens.pop()
            value = value / self.signed() if sign == "/" else value * self.signed(sign in ("*", "/"))
        return value

    def signed(self, may_sign: bool = True) -> Any:
        sign = 1
        while may_sign and self.next() in ("+", "-"):
            sign = -sign if self.tokens.pop() == "-" else sign
        return sign * self.power()

    def power(self) -> Any:
        base = self.atom()
        if self.next() != "^":
            return base
        self.tokens.pop()
        exponent = self.group() if self.next() == "{" else self.atom()
        whole = int(exponent.mid)
        if exponent.a != whole or exponent.b != whole or abs(whole) > _LARGEST_POWER:
            raise _Unreadable
        return base**whole

    def group(self) -> Any:
        closing = {"{": "}", "(": ")"}.get(self.next())
        if closing is None:
            raise _Unreadable
        self.tokens.pop()
        value = self.sum()
        self.take(closing)
        return value

    def atom(self) -> Any:
        if self.next() in ("{", "("):
            return self.group()
        token = self.tokens.pop() if self.tokens else ""
        if token == r"\frac":
            return self.group() / self.group()
        if token == r"\sqrt":
            return self.root()
        if token == r"\pi":
            return self.iv.pi
        if token == "e":
            return self.iv.e
        if token.isalpha() and token != "i":
            return self.iv.mpf(ord(token)) / 61  # any point will do; each letter has its own, below and above 1
        if token[:1].isdigit() or token[:1] == ".":
            return self.iv.mpf(token)
        raise _Unreadable

    def root(self) -> Any:
        if self.next() == "[":
            raise _Unreadable
        value = self.group()
        if value.a < 0:
            raise _Unreadable
        return self.iv.sqrt(value)
