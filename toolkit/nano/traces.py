"""Worked solutions: one question, many right ways to write it down.

A solution reduces the question's expression step by step: the order of independent steps, the order of operands,
whether a product is distributed over a sum, and the surface style are random. Every step is an equality chain of
integers, and the last thing is `\\boxed{answer}`. Nothing wrong is ever written.
"""

import ast
import random
from collections.abc import Mapping
from typing import TypeAlias

from toolkit.questions.expressions import evaluate, parse
from toolkit.questions.mathematics import FAMILIES
from toolkit.questions.stream import Question

# An expression: an integer, or (operator, left, right).
Tree: TypeAlias = "int | tuple[str, Tree, Tree]"
SYMBOLS: Mapping[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
STYLES = ("lines", "sentences", "so", "chain")


def tree_of(expression: str, values: Mapping[str, Tree]) -> Tree:
    """The expression with its names replaced by `values`: integers, or trees themselves."""
    return _tree(parse(expression), values)


def _tree(node: ast.expr, values: Mapping[str, Tree]) -> Tree:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant):
        return int(str(node.value))
    assert isinstance(node, ast.BinOp)
    return SYMBOLS[type(node.op)], _tree(node.left, values), _tree(node.right, values)


def show(tree: Tree, outer: str = "") -> str:
    """The tree as text, with parentheses only where they are needed."""
    if isinstance(tree, int):
        return str(tree)
    text = f"{show(tree[1], tree[0])} {tree[0]} {show(tree[2], tree[0] + 'right')}"
    bound = outer == "/right" or (tree[0] in "+-" and outer not in ("", "+", "-", "+right"))
    return f"({text})" if bound else text


def rearrange(tree: Tree, random_: random.Random) -> Tree:
    """An equal tree: operands swapped, sums regrouped, a product perhaps distributed over a sum or difference."""
    if isinstance(tree, int):
        return tree
    operator, left, right = tree[0], rearrange(tree[1], random_), rearrange(tree[2], random_)
    if operator == "-" and not isinstance(left, int) and left[0] == "+" and isinstance(right, int):
        return _subtract_early(left, right, random_)
    if operator == "*" and not isinstance(right, int) and right[0] in "+-" and random_.random() < 0.4:
        return right[0], ("*", left, right[1]), ("*", left, right[2])
    if operator in "+*" and random_.random() < 0.5:
        left, right = right, left
    return operator, left, right


def _subtract_early(left: tuple[str, Tree, Tree], right: int, random_: random.Random) -> Tree:
    """(a + b) - c as it stands, or as (a - c) + b where a exceeds c."""
    first, second = left[1], left[2]
    if isinstance(first, int) and first > right and random_.random() < 0.5:
        return "+", ("-", first, right), second
    return "-", left, right


def reduce_once(tree: Tree, random_: random.Random) -> tuple[Tree, str]:
    """The tree with one random operation carried out, and that step as `left op right = value`."""
    assert not isinstance(tree, int)
    operator, left, right = tree
    if isinstance(left, int) and isinstance(right, int):
        value = evaluate(f"a {operator} b", {"a": left, "b": right})
        return value, f"{left} {operator} {right} = {value}"
    if isinstance(right, int) or (not isinstance(left, int) and random_.random() < 0.5):
        left, step = reduce_once(left, random_)
    else:
        right, step = reduce_once(right, random_)
    return (operator, left, right), step


def steps_of(tree: Tree, random_: random.Random) -> list[str]:
    """One step a line: each operation once, in a random order that its operands allow."""
    steps = []
    while not isinstance(tree, int):
        tree, step = reduce_once(tree, random_)
        steps.append(step)
    return steps


def chain_of(tree: Tree, random_: random.Random) -> str:
    """The whole expression, rewritten after each operation: `4 * (2 + 3) = 4 * 5 = 20`."""
    shown = [show(tree)]
    while not isinstance(tree, int):
        tree, _ = reduce_once(tree, random_)
        shown.append(show(tree))
    return " = ".join(shown)


def write(tree: Tree, style: str, random_: random.Random, unknown: str = "") -> str:
    """The worked solution of `tree` in one of `STYLES`; `unknown` names the letter it solves for, if any."""
    steps = [chain_of(tree, random_)] if style == "chain" else steps_of(tree, random_)
    answer = steps[-1].rsplit(" ", 1)[1]
    boxed = f"\\boxed{{{answer}}}"
    if style == "lines":
        return "\n".join([*steps, *([f"{unknown} = {answer}"] if unknown else []), boxed])
    if style == "sentences":
        return f"First {'. Then '.join(steps)}. The answer is {boxed}"
    if style == "so":
        return f"We get {', so '.join(steps)}. So {unknown or 'it'} is {boxed}"
    return f"{steps[0]}. Answer: {boxed}"


def solve(question: Question, random_: random.Random) -> str:
    """A random, fully right worked solution of a question of `mathematics`, ending in its boxed answer."""
    family = FAMILIES[question.family]
    letters = sorted(node.id for node in ast.walk(parse(family.expression)) if isinstance(node, ast.Name))
    tree = rearrange(tree_of(family.expression, dict(zip(letters, question.numbers, strict=True))), random_)
    return write(tree, random_.choice(STYLES), random_, "x" if question.family == "equation" else "")
