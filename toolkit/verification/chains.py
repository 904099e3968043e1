"""Results with what they are the result of: labels (`AB:CD = 7:32`, `a+b = 12`) and chains (`\\frac14 = 0.25`)."""

import re
from fractions import Fraction
from typing import NamedTuple

from toolkit.verification.expressions import value_of
from toolkit.verification.latex import split_top
from toolkit.verification.quantities import quantity_of, split_name

_EQUALS, _NEAR = r"=", r"\\(?:approx|simeq|thickapprox)(?![a-zA-Z])"
_LINK = re.compile(f"{_EQUALS}|{_NEAR}")
_LONGEST_CHAIN = 12
_COARSEST = 0.1  # relative; what lies further away is no approximation

_INDEX = r"(?:\s*_\s*(?:\{[^{}]*\}|\w))?"
_WORDS = re.compile(r"\\text\s*\{[^{}]*\}")
_COMMAND = re.compile(
    r"\\(?:frac|cdot|times|angle|triangle|overline|overrightarrow|vec|sin|cos|tan|cot|sec|csc|ln|alpha|beta|gamma|theta|"
    r"lambda|mu|phi|varphi|omega|Delta)(?![a-zA-Z])"
)
_LABEL = re.compile(rf"(?:[a-zA-Z]'*{_INDEX}(?:\s*\^\s*\{{\d\}})?|[+\-*/(){{}}|\s:])+")
_DERIVATIVE = re.compile(r"\\frac\{d\^?[^{}]*\}\{d[^{}]*\}")
_CONSTANTS = frozenset((r"\pi", "e", "i"))


class Chain(NamedTuple):
    """The label in front (empty: none), the members that are equal, and those that only come near to them."""

    label: str
    equal: list[str]
    near: list[str]


def chains_of(text: str, is_gold: bool) -> list[Chain]:
    """The ways to read plain text as a chain, with its first member as a label and as one of equal value.

    None for an equation, as far as it shows: the caller has to compare the members.
    """
    if _LINK.search(text) is None or re.search(r"[<>]", text) or len(split_top(text, "[,;]")) > 1:
        return []
    members, links = split_top(text, _LINK.pattern), _LINK.findall(text)
    if not members[0]:
        return [Chain("", [], members[1:])] if len(members) == 2 else []
    if not all(members) or not len(links) + 1 == len(members) <= _LONGEST_CHAIN:
        return []
    exact = next((place for place, link in enumerate(links) if link != "="), len(links)) + 1
    whole = Chain("", members[:exact], members[exact:])
    if not is_label(members[0], members[1], is_gold):
        return [whole]
    return [Chain(members[0], members[1:exact], members[exact:]), *([whole] if len(members) > 2 or exact == 1 else [])]


def is_label(text: str, result: str, is_gold: bool) -> bool:
    """Whether `text` only says what `result` is: a name, or a formula of letters and no numbers.

    In a gold answer a formula of small letters may be half of an equation, `x+y = 12`, and is no label. A ratio is
    the label of a ratio.
    """
    name, _ = split_name(f"{text}=0")
    if name:
        return text.strip() not in _CONSTANTS
    if text.count(":") != result.count(":"):
        return False
    bare = _COMMAND.sub(" \\\\ ", _WORDS.sub("A", text))
    if not _LABEL.fullmatch(bare.replace("\\", "")):
        return False
    letters = set(re.findall(r"[a-zA-Z]", re.sub(_INDEX + r"(?![a-zA-Z])", "", bare)))
    if is_gold:
        return _DERIVATIVE.fullmatch(text) is not None or (bool(letters) and all(map(str.isupper, letters)))
    return len(re.findall(r"[a-zA-Z]", bare)) + bare.count("\\") > 1 and (len(letters) > 1 or ":" in text)


def comes_near(exact: str, near: str) -> bool:
    """Whether `near` may stand behind `exact` and an approximation sign."""
    one, other = _value(exact), _value(near)
    return one is not None and other is not None and abs(one - other) <= _COARSEST * abs(one)


def rounds_to(exact: str, near: str) -> bool:
    """Whether the decimal `near` is `exact`, rounded to as many digits."""
    match = re.fullmatch(r"-?[\d,]*(?:\.(\d*))?", quantity_of(near).number.strip())
    one, other = _value(exact), quantity_of(near).value
    if match is None or one is None or other is None:
        return False
    return abs(one - float(other)) <= 0.5 * 10.0 ** -len(match[1] or "") * (1 + 1e-9)


def _value(text: str) -> float | None:
    quantity = quantity_of(text)
    return value_of(quantity.number) if quantity.value is None else _float(quantity.value)


def _float(value: Fraction) -> float | None:
    return float(value) if abs(value) < 10**300 else None
