"""Worked solutions of physics questions: a random open path, its steps in a random order, in one of several styles.

Where a later step does not need an earlier one, either may come first; operands may be swapped, and the chain style
puts the whole path into one expression. Nothing wrong is ever written.
"""

import random
from collections.abc import Mapping

from toolkit.nano.traces import Tree, chain_of, rearrange, show, tree_of
from toolkit.questions.expressions import evaluate, names_in
from toolkit.questions.physics import FAMILIES, follow, open_paths
from toolkit.questions.physics_families import Path, Step
from toolkit.questions.stream import Question

STYLES = ("lines", "sentences", "so", "chain")
LONGEST_CHAIN = 3  # steps of a path that is written as one expression; more would not be read by anybody


def solve(question: Question, random_: random.Random) -> str:
    """A random, fully right worked solution of a question of `physics`, ending in its boxed answer with the unit."""
    family = FAMILIES[question.family]
    given = dict(zip(family.stated, question.numbers, strict=True))
    return any_style(random_.choice(open_paths(family, given)), given, random_)


def any_style(path: Path, given: Mapping[str, int], random_: random.Random) -> str:
    """The solution along `path` in a random style, in one expression only where that is short."""
    return write(path, given, random_.choice(STYLES if len(path) <= LONGEST_CHAIN else STYLES[:-1]), random_)


def write(path: Path, given: Mapping[str, int], style: str, random_: random.Random) -> str:
    """The solution along `path` in one of `STYLES`."""
    last = path[-1]
    boxed = f"\\boxed{{{follow(path, given)[last.symbol]} {last.unit}}}"
    if style == "chain":
        return f"{last.symbol} = {chain_of(rearrange(fold(path, given), random_), random_)}. Answer: {boxed}"
    steps = worked(path, given, random_, bare=style == "so")
    if style == "lines":
        return "\n".join([*steps, boxed])
    if style == "sentences":
        return f"First {'. Then '.join(steps)}. The answer is {boxed}"
    return f"We get {', so '.join(steps)}. So it is {boxed}"


def worked(path: Path, given: Mapping[str, int], random_: random.Random, *, bare: bool = False) -> list[str]:
    """The steps as text, each after those it needs; `bare` leaves out symbols and units."""
    values = dict(given)
    todo, texts = list(path), []
    while todo:
        step = random_.choice([step for step in todo if set(names_in(step.expression)) <= set(values)])
        todo.remove(step)
        texts.append(_text(step, values, random_, bare))
        values[step.symbol] = evaluate(step.expression, values)
    return texts


def _text(step: Step, values: Mapping[str, int], random_: random.Random, bare: bool) -> str:
    shown = show(rearrange(tree_of(step.expression, values), random_))
    value = evaluate(step.expression, values)
    unit = "" if step.unit == "1" else f" {step.unit}"
    return f"{shown} = {value}" if bare else f"{step.symbol} = {shown} = {value}{unit}"


def fold(path: Path, given: Mapping[str, int]) -> Tree:
    """The whole path as one expression over the numbers `given`."""
    trees: dict[str, Tree] = dict(given)
    for step in path:
        trees[step.symbol] = tree_of(step.expression, trees)
    return trees[path[-1].symbol]
