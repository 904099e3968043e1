"""Results behind an equals sign: after a label (`AB:CD = 7:32`, `a+b = 12`), or in a chain (`\\frac14 = 0.25`)."""

import re
from fractions import Fraction
from typing import NamedTuple

from toolkit.verification.expressions import value_of
from toolkit.verification.latex import split_top
from toolkit.verification.quantities import quantity_of, split_name

_EQUALS, _NEAR = r"=", r"\\(?:approx|simeq|thickapprox)(?![a-zA-Z])"
_LINK = re.compile(f"{_EQUALS}|{_NEAR}")
_LONGEST_CHAIN = 12
_COARSEST = 0.01  # largest relative error of an approximation that is not a decimal

_INDEX = r"(?:\s*_\s*(?:\{[^{}]*\}|\w))?"
_TEXT = re.compile(r"\\text\s*\{[^{}]*\}")
_OPERATOR = re.compile(
    r"\\(?:sin|cos|tan|cot|sec|csc|ln|log(?:_\{[^{}]*\})?|angle|triangle|overline|overrightarrow|vec)(?![a-zA-Z])"
)
_GREEK = re.compile(r"\\(?:alpha|beta|gamma|delta|theta|lambda|mu|rho|sigma|phi|varphi|omega|Delta)(?![a-zA-Z])")
_JOINT = re.compile(r"\\(?:frac|cdot|times)(?![a-zA-Z])")
_LETTER = re.compile(rf"(([a-zA-Z])'*{_INDEX})(?:\s*\^\s*\{{\d\}})?")
_REST = re.compile(r"[@\s+\-*/(){}|:]*")
_DERIVATIVE = re.compile(r"\\frac\{d\^?[^{}]*\}\{d[^{}]*\}")
_APPLIED = re.compile(rf"[a-zA-Z]'*{_INDEX}\s*\(\s*-?[\d.,\s]+\)|P\s*\([^()=<>]*\)")  # `f(3)`, `P(A \cap B)`
_CONSTANTS = frozenset((r"\pi", "e", "i"))


class Chain(NamedTuple):
    """The label in front (empty: none), the members that are equal, and those that are approximations of them."""

    label: str
    equal: list[str]
    near: list[str]


def chains_of(text: str, is_gold: bool) -> list[Chain]:
    """Give the ways to read plain text as a chain: its first member as a label, and as one of equal value.

    There is none for a text that is surely no chain; the caller still has to compare the members, as in an equation.
    """
    if _LINK.search(text) is None or re.search(r"[<>]", text) or len(split_top(text, "[,;]")) > 1:
        return []
    members, links = split_top(text, _LINK.pattern), _LINK.findall(text)
    if not members[0]:
        return [Chain("", [], members[1:])] if len(members) == 2 else []
    if not all(members) or any(map(_LINK.search, members)) or not len(links) + 1 == len(members) <= _LONGEST_CHAIN:
        return []
    exact = next((place for place, link in enumerate(links) if link != "="), len(links)) + 1
    whole = Chain("", members[:exact], members[exact:])
    if not is_label(members[0], members[1], is_gold):
        return [whole]
    return [Chain(members[0], members[1:exact], members[exact:]), *([whole] if len(members) > 2 or exact == 1 else [])]


def is_label(text: str, result: str, is_gold: bool) -> bool:
    """Say whether `text` only says what `result` is: a name, or a formula of letters and no numbers.

    In a gold answer a formula of small letters may be half of an equation, `x+y = 12`, and is no label. A ratio is
    the label of a ratio.
    """
    if split_name(f"{text}=0")[0] or _APPLIED.fullmatch(text):
        return text.strip() not in _CONSTANTS
    if text.count(":") != result.count(":"):
        return False
    bare = _GREEK.sub(" x", _JOINT.sub(" ", _TEXT.sub("A", text)))
    letters, operators = _LETTER.findall(_OPERATOR.sub(" ", bare)), _OPERATOR.findall(bare)
    if not letters or not _REST.fullmatch(_LETTER.sub("@", _OPERATOR.sub(" ", bare))):
        return False
    if is_gold:
        return _DERIVATIVE.fullmatch(text) is not None or all(letter.isupper() for _, letter in letters)
    return len({name for name, _ in letters}) > 1 or bool(operators) or ":" in text


def comes_near(exact: str, near: str) -> bool:
    """Say whether `near` may stand behind `exact` and an approximation sign: less than one off in its last digit."""
    one, other = _value(exact), _value(near)
    if one is None or other is None:
        return False
    unit = _last_digit(near)
    return abs(one - other) < unit if unit else abs(one - other) <= _COARSEST * abs(one)


def rounds_to(exact: str, near: str) -> bool:
    """Say whether the decimal `near` is `exact`, rounded to as many digits."""
    one, other, unit = _value(exact), _value(near), _last_digit(near)
    return one is not None and other is not None and abs(one - other) <= unit * (0.5 + 1e-9)


def _last_digit(text: str) -> float:
    """Say how much one more in its last significant digit would add to a decimal; 0 for anything else.

    0.01 for `3.14`, and 100 for `1200` and `1.2 \\times 10^3`.
    """
    number, value = quantity_of(text).number.replace(",", ""), _value(text)
    match = re.match(r"[+-]?\s*(\d+?(0*)|\d*\.(\d+))(?![\d.])(?!\s*/)", number)
    if match is None or not value or not float(match[1]):
        return 0.0
    return abs(value) / float(match[1]) * 10.0 ** (-len(match[3]) if match[3] else len(match[2]))


def _value(text: str) -> float | None:
    quantity = quantity_of(text)
    return value_of(quantity.number) if quantity.value is None else _float(quantity.value)


def _float(value: Fraction) -> float | None:
    return float(value) if abs(value) < 10**300 else None
