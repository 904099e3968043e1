"""Expressions over named positive integers: their exact values, and random numbers for the names."""

import ast
import random
from collections.abc import Callable, Mapping
from functools import cache

# Smaller numbers are somewhat more common, as in schoolbooks: a draw is low + range * u ** SKEW, u uniform.
SKEW = 1.5
OPERATIONS: Mapping[type, Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a // b if a % b == 0 else 0,  # 0 is not a positive integer, so it is refused below
}


def evaluate(expression: str, values: Mapping[str, int]) -> int:
    """Give the value of an expression of + - * /, integers and the names in `values`.

    Raises ArithmeticError unless every intermediate value is a positive integer.
    """
    return _evaluate(parse(expression), values)


@cache
def parse(expression: str) -> ast.expr:
    """Give the syntax tree of an expression of + - * / over integers and names."""
    return ast.parse(expression, mode="eval").body


@cache
def names_in(expression: str) -> tuple[str, ...]:
    """Give the distinct names of an expression, sorted."""
    return tuple(sorted({node.id for node in ast.walk(parse(expression)) if isinstance(node, ast.Name)}))


def _evaluate(node: ast.expr, values: Mapping[str, int]) -> int:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if not isinstance(node, ast.BinOp):
        raise ValueError(f"an expression holds only + - * /, integers, names and parentheses, not {ast.dump(node)}")
    value = OPERATIONS[type(node.op)](_evaluate(node.left, values), _evaluate(node.right, values))
    if value <= 0:
        raise ArithmeticError(f"{ast.unparse(node)} is not a positive integer at {dict(values)}")
    return value


def draw_values(
    draws: Mapping[str, tuple[int, int]], derived: Mapping[str, str], rng: random.Random, largest: int | None = None
) -> dict[str, int]:
    """Draw a number from each inclusive range of `draws`, capped at `largest`, and work out the `derived` ones.

    Those are worked out in order. Raises ArithmeticError where one is not a positive integer.
    """
    values = {}
    for name, (low, high) in draws.items():
        top = high if largest is None else max(low, min(high, largest))
        values[name] = low + int((top - low + 1) * rng.random() ** SKEW)
    for name, expression in derived.items():
        values[name] = evaluate(expression, values)
    return values
