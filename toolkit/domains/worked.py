"""Worked arithmetic: the many right ways to write down how the value of one expression is found.

A solution reduces the expression step by step. The order of independent steps, the order of operands, whether a product
is distributed over a sum, and the style are random. Every step is a chain of equal integers, and the solution ends with
`\\boxed{answer}`. No step is ever wrong, unless whoever calculates it is; see `toolkit.domains.mistakes`.
"""

import ast
import random
from collections.abc import Callable, Mapping
from typing import TypeAlias

from toolkit.domains.expressions import evaluate, parse

# An expression: an integer, or (operator, left, right).
Tree: TypeAlias = "int | tuple[str, Tree, Tree]"
Calculate = Callable[[str, int, int], int]  # the value of one operation
SYMBOLS: Mapping[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
STYLES = ("lines", "sentences", "so", "chain")


def tree_of(expression: str, values: Mapping[str, Tree]) -> Tree:
    """Give the expression as a tree, its names replaced by `values`: integers, or trees themselves."""
    return _tree(parse(expression), values)


def _tree(node: ast.expr, values: Mapping[str, Tree]) -> Tree:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant):
        return int(str(node.value))
    assert isinstance(node, ast.BinOp)
    return SYMBOLS[type(node.op)], _tree(node.left, values), _tree(node.right, values)


def show(tree: Tree, outer: str = "") -> str:
    """Write the tree as text, with parentheses only where they are needed."""
    if isinstance(tree, int):
        return str(tree)
    text = f"{show(tree[1], tree[0])} {tree[0]} {show(tree[2], tree[0] + 'right')}"
    bound = outer == "/right" or (tree[0] in "+-" and outer not in ("", "+", "-", "+right"))
    return f"({text})" if bound else text


def rearrange(tree: Tree, rng: random.Random) -> Tree:
    """Give an equal tree: swap operands, regroup sums, perhaps distribute a product over a sum or difference."""
    if isinstance(tree, int):
        return tree
    operator, left, right = tree[0], rearrange(tree[1], rng), rearrange(tree[2], rng)
    if operator == "-" and not isinstance(left, int) and left[0] == "+" and isinstance(right, int):
        return _subtract_early(left, right, rng)
    if operator == "*" and not isinstance(right, int) and right[0] in "+-" and rng.random() < 0.4:
        return right[0], ("*", left, right[1]), ("*", left, right[2])
    if operator in "+*" and rng.random() < 0.5:
        left, right = right, left
    return operator, left, right


def _subtract_early(left: tuple[str, Tree, Tree], right: int, rng: random.Random) -> Tree:
    """Give (a + b) - c unchanged, or as (a - c) + b where a exceeds c."""
    first, second = left[1], left[2]
    if isinstance(first, int) and first > right and rng.random() < 0.5:
        return "+", ("-", first, right), second
    return "-", left, right


def calculate(operator: str, left: int, right: int) -> int:
    """Give the exact value of one operation; raises ArithmeticError unless it is a positive integer."""
    return evaluate(f"a {operator} b", {"a": left, "b": right})


def reduce_once(tree: Tree, rng: random.Random, carry_out: Calculate = calculate) -> tuple[Tree, str]:
    """Carry out one random operation; give the tree that is left and the step as `left op right = value`."""
    assert not isinstance(tree, int)
    operator, left, right = tree
    if isinstance(left, int) and isinstance(right, int):
        value = carry_out(operator, left, right)
        return value, f"{left} {operator} {right} = {value}"
    if isinstance(right, int) or (not isinstance(left, int) and rng.random() < 0.5):
        left, step = reduce_once(left, rng, carry_out)
    else:
        right, step = reduce_once(right, rng, carry_out)
    return (operator, left, right), step


def steps_of(tree: Tree, rng: random.Random, carry_out: Calculate = calculate) -> list[str]:
    """Give the steps, a line each: every operation once, in a random order that its operands allow."""
    steps = []
    while not isinstance(tree, int):
        tree, step = reduce_once(tree, rng, carry_out)
        steps.append(step)
    return steps


def chain_of(tree: Tree, rng: random.Random, carry_out: Calculate = calculate) -> str:
    """Write the whole expression, rewritten after each operation: `4 * (2 + 3) = 4 * 5 = 20`."""
    forms = [show(tree)]
    while not isinstance(tree, int):
        tree, _ = reduce_once(tree, rng, carry_out)
        forms.append(show(tree))
    return " = ".join(forms)


def write(tree: Tree, style: str, rng: random.Random, unknown: str = "", carry_out: Calculate = calculate) -> str:
    """Write the worked solution of `tree` in one of `STYLES`; `unknown` names the letter it solves for, if any.

    `carry_out` is asked for the value of each operation once, in the order in which they are written.
    """
    steps = [chain_of(tree, rng, carry_out)] if style == "chain" else steps_of(tree, rng, carry_out)
    answer = steps[-1].rsplit(" ", 1)[1]
    boxed = f"\\boxed{{{answer}}}"
    if style == "lines":
        return "\n".join([*steps, *([f"{unknown} = {answer}"] if unknown else []), boxed])
    if style == "sentences":
        return f"First {'. Then '.join(steps)}. The answer is {boxed}"
    if style == "so":
        return f"We get {', so '.join(steps)}. So {unknown or 'it'} is {boxed}"
    return f"{steps[0]}. Answer: {boxed}"
