"""Decides in a worker process whether two formulas or relations are the same: by intervals, else exactly by sympy.

math-verify (0.5.2) takes numbers for equal that agree in six decimals, and both 1/2004! and 1/2006! for zero. So its
parser is used only where `expressions` cannot read a formula, and its comparison counts only when the difference is
exactly zero.
"""

import re
from typing import Any

from toolkit.verification.expressions import agree, factor_sign
from toolkit.verification.latex import split_top
from toolkit.verification.tokens import letters_in

_NEVER = 10_000  # seconds: math-verify's own limit answers "different" in silence
_RELATION = r"=|<|>|\\(?:le|ge|ne|neq)(?![a-zA-Z])"
_FLIPPED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}
_FAULTS = (ArithmeticError, AttributeError, LookupError, NotImplementedError, RecursionError, TypeError, ValueError)

Relation = tuple[str, str]  # the sign, and left side minus right side


def same_formula(gold: str, answer: str) -> bool:
    """Say whether two formulas, equations or inequalities in plain LaTeX are the same; False if that is not shown."""
    one, other = _relations(gold), _relations(answer)
    if len(one) != len(other):
        return False
    known = _same_relations(one, other) if one else agree(gold, answer)
    return _same_by_sympy(gold, answer) if known is None else known


def _relations(text: str) -> list[Relation]:
    """Give `a < b < c` as `a-(b) < 0` and `b-(c) < 0`; nothing for a formula."""
    sides, signs = split_top(text, _RELATION), re.findall(_RELATION, text)
    if len(sides) != len(signs) + 1:
        return []
    return [(sign, f"{left}-({right})") for sign, left, right in zip(signs, sides, sides[1:], strict=False)]


def _same_relations(gold: list[Relation], answer: list[Relation]) -> bool | None:
    """Say whether each pair is the same, in this order or, as in `1 > x > 0`, reversed; None where that is unknown."""
    known = [_same_relation(one, other) for one, other in zip(gold, answer, strict=True)]
    turned = [_same_relation(one, other) for one, other in zip(gold, answer[::-1], strict=True)]
    if all(known) or all(turned):
        return True
    return False if False in known and False in turned else None


def _same_relation(gold: Relation, answer: Relation) -> bool | None:
    """Say whether one is the other times a number, which is positive or reverses the sign of an inequality."""
    sign = factor_sign(gold[1], answer[1])
    if sign is None:  # relations of numbers alone cannot be multiples of each other
        return None if letters_in(gold[1]) or agree(gold[1], answer[1]) is None else False
    expected = _FLIPPED.get(gold[0], gold[0]) if sign < 0 else gold[0]
    return sign != 0 and expected == answer[0]


def _same_by_sympy(gold: str, answer: str) -> bool:
    from math_verify import verify
    from sympy.polys.polyerrors import BasePolynomialError

    one, other = _parsed(gold), _parsed(answer)
    if one is None or other is None or not verify(one, other, timeout_seconds=_NEVER):
        return False
    try:
        return _is_same_exactly(one, other)
    except (*_FAULTS, BasePolynomialError):  # sympy cannot compare every pair that it can parse
        return False


def _parsed(text: str) -> Any:
    from math_verify import LatexExtractionConfig, parse

    text = re.sub(r"(\d+(?:\.\d+)?)\s*°", r"(\\frac{\1\\pi}{180})", text).replace("%", r"\%")
    formulas = parse(f"${text}$", [LatexExtractionConfig()], "no_fallback", parsing_timeout=_NEVER)
    return formulas[0] if formulas else None


def _is_same_exactly(gold: Any, answer: Any) -> bool:
    """Say whether sympy shows two of its objects to be the same, decimals taken as the fractions that they are."""
    import sympy

    if gold == answer:
        return True
    if isinstance(gold, sympy.Expr) and isinstance(answer, sympy.Expr):
        return bool(sympy.simplify(sympy.nsimplify(gold - answer, rational=True)) == 0)
    if isinstance(gold, sympy.core.relational.Relational) and type(gold) is type(answer):
        return _is_same_exactly(gold.lhs - gold.rhs, answer.lhs - answer.rhs)
    return False
