"""Checks the arithmetic that a response shows: a right answer reached by a wrong step is a false positive.

Only integers with + - * / ( ) and = are read; words, and statements about an unknown such as `x = 5`, are skipped.
"""

import ast
import operator
import re
from fractions import Fraction

from toolkit.verification.latex import plain
from toolkit.verification.quantities import quantity_of

# Maximal runs, so that a megabyte of digits is read once.
_RUN = re.compile(r"[\d \t+\-*/()=]+")
_OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
# Longer sides or numbers are not worked arithmetic; the bound keeps hostile text cheap.
_LONGEST_SIDE = 200


def wrong_step(response: str, answer: str) -> bool:
    """Say whether an equality in `response` is false or unreadable, or none of its equalities ends at `answer`."""
    chains = _values(response)
    if _are_false(chains):
        return True
    value = quantity_of(plain(answer), bare_units=True).value
    return bool(chains) and not any(value == chain[-1] for chain in chains)


def false_equality(text: str) -> bool:
    """Say whether an equality in a text is false or unreadable, wherever it ends: what one step alone shows."""
    return _are_false(_values(text))


def _are_false(chains: list[list[Fraction | None]]) -> bool:
    return any(value is None or value != chain[0] for chain in chains for value in chain)


def _values(text: str) -> list[list[Fraction | None]]:
    return [[_value(side) for side in chain] for chain in _chains(text)]


def _chains(response: str) -> list[list[str]]:
    """Give the sides of every equality between numbers; the empty first side that `x = 5` leaves is dropped."""
    runs = (run.strip().split("=") for run in _RUN.findall(response) if "=" in run)
    sides = (run[1:] if not run[0].strip() else run for run in runs)
    return [chain for chain in sides if len(chain) > 1]


def _value(side: str) -> Fraction | None:
    if len(side) > _LONGEST_SIDE:
        return None
    try:
        return _evaluate(ast.parse(side.strip(), mode="eval").body)
    except (SyntaxError, ZeroDivisionError, ValueError, RecursionError, MemoryError):
        return None  # unreadable arithmetic: the caller counts it as a wrong step


def _evaluate(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return Fraction(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluate(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_evaluate(node.left), _evaluate(node.right))
    raise ValueError(f"not plain arithmetic: {ast.dump(node)}")
