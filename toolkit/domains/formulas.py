"""Questions with units: families of formulas, the paths of worked steps to their answers, and solutions along a path.

A path is a sequence of steps `symbol = expression unit` over the stated numbers and earlier symbols; the last one is
the answer. A path is open where all its values are positive integers up to `LARGEST_VALUE`. In a solution, where a
later step does not need an earlier one, either may come first; operands may be swapped, and the chain style puts the
whole path into one expression. No step is ever wrong.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from string import Formatter
from typing import NamedTuple

from toolkit.domains.expressions import draw_values, evaluate, names_in
from toolkit.domains.stream import Question, split_of
from toolkit.domains.worked import STYLES, Tree, chain_of, rearrange, show, tree_of

LARGEST_VALUE = 999
LONGEST_CHAIN = 3  # steps of a path that is written as one expression; with more, it would be unreadable
# The words that fill the places of a wording that are not for numbers.
WORDS: Mapping[str, tuple[str, ...]] = {
    "body": ("cart", "sled", "boat", "wagon"),
    "part": ("lamp", "heater", "coil", "wire"),
    "gas": ("gas", "mix of gases"),
    "wave": ("rope", "cable"),
    "liquid": ("water", "oil", "milk", "juice"),
    "thing": ("candle", "doll", "card", "flower"),
}


class FormulaStep(NamedTuple):
    """One step: `symbol` = `expression` (of + - * /, integers, stated numbers, earlier symbols) in `unit` (1: none)."""

    symbol: str
    expression: str
    unit: str


Path = tuple[FormulaStep, ...]


def path(*steps: str) -> Path:
    """Make a path of steps that are written as `symbol = expression unit`."""
    parts = (re.fullmatch(r"(\w+) = (\w+(?: [-+*/] \w+)*) (.+)", step) for step in steps)
    return tuple(FormulaStep(*part.groups()) for part in parts if part)


@dataclass(frozen=True)
class Family:
    """A family of questions that differ in numbers and words.

    Attributes:
        topic: a name for people.
        draws: number -> the inclusive range that it is drawn from.
        paths: the ways to the answer; the first one is open in every question.
        wordings: texts that state the numbers whose names stand in braces.
        derived: number -> the expression that it follows from.
    """

    topic: str
    draws: Mapping[str, tuple[int, int]]
    paths: tuple[Path, ...]
    wordings: tuple[str, ...]
    derived: Mapping[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """Give the unit of the answer."""
        return self.paths[0][-1].unit

    @cached_property
    def stated(self) -> tuple[str, ...]:
        """Give the sorted names of the numbers that a question states."""
        slots = {name for _, name, _, _ in Formatter().parse(self.wordings[0]) if name}
        return tuple(sorted(slots - set(WORDS)))


def follow(path: Path, given: Mapping[str, int]) -> dict[str, int]:
    """Give the values of a path's symbols in a question with the numbers `given`.

    Raises ArithmeticError where a value is not a positive integer up to `LARGEST_VALUE`.
    """
    values: dict[str, int] = {}
    for step in path:
        values[step.symbol] = evaluate(step.expression, {**given, **values})
        if values[step.symbol] > LARGEST_VALUE:
            raise ArithmeticError(f"{step.symbol} = {values[step.symbol]} is beyond {LARGEST_VALUE}")
    return values


def open_paths(family: Family, given: Mapping[str, int]) -> list[Path]:
    """Give the paths that can be followed with the numbers `given`."""
    return [path for path in family.paths if _is_open(path, given)]


def _is_open(path: Path, given: Mapping[str, int]) -> bool:
    try:
        return bool(follow(path, given))
    except ArithmeticError:
        return False


def draw_numbers(family: Family, rng: random.Random, largest: int | None = None) -> dict[str, int]:
    """Draw the numbers of one question of `family`; `largest` caps every range (for quick, easy pools)."""
    while True:
        try:
            values = draw_values(family.draws, family.derived, rng, largest)
        except ArithmeticError:  # a derived value that is not an integer: draw again
            continue
        given = {name: values[name] for name in family.stated}
        if max(given.values()) <= LARGEST_VALUE and _is_open(family.paths[0], given):
            return given


def draw_question(name: str, family: Family, rng: random.Random, largest: int | None = None) -> Question:
    """Draw a question of `family`, whose name is `name`, with its exact answer and unit."""
    given = draw_numbers(family, rng, largest)
    words = {slot: rng.choice(choices) for slot, choices in WORDS.items()}
    text = rng.choice(family.wordings).format(**words, **given)
    path = family.paths[0]
    answer = f"{follow(path, given)[path[-1].symbol]} {family.unit}"
    return Question(text, answer, name, tuple(given.values()))


def draw_training_numbers(family: Family, rng: random.Random, largest: int | None = None) -> dict[str, int]:
    """Draw numbers of the `train` split for one question of `family`."""
    given = draw_numbers(family, rng, largest)
    while split_of(tuple(given.values())) != "train":
        given = draw_numbers(family, rng, largest)
    return given


def solve(family: Family, numbers: tuple[int, ...], rng: random.Random) -> str:
    """Write a random, fully right worked solution that ends in its boxed answer with the unit.

    Args:
        numbers: values of the family's stated numbers, in the order of their names.
    """
    return solve_given(family, dict(zip(family.stated, numbers, strict=True)), rng)


def solve_given(family: Family, given: Mapping[str, int], rng: random.Random) -> str:
    """Write a solution along a random open path in a random style, as one expression only where that is short."""
    path = rng.choice(open_paths(family, given))
    return write(path, given, rng.choice(STYLES if len(path) <= LONGEST_CHAIN else STYLES[:-1]), rng)


def write(path: Path, given: Mapping[str, int], style: str, rng: random.Random) -> str:
    """Write the solution along `path` in one of `STYLES`."""
    last = path[-1]
    boxed = f"\\boxed{{{follow(path, given)[last.symbol]} {last.unit}}}"
    if style == "chain":
        return f"{last.symbol} = {chain_of(rearrange(fold(path, given), rng), rng)}. Answer: {boxed}"
    steps = worked(path, given, rng, bare=style == "so")
    if style == "lines":
        return "\n".join([*steps, boxed])
    if style == "sentences":
        return f"First {'. Then '.join(steps)}. The answer is {boxed}"
    return f"We get {', so '.join(steps)}. So it is {boxed}"


def worked(path: Path, given: Mapping[str, int], rng: random.Random, *, bare: bool = False) -> list[str]:
    """Write the steps as text, each after those it needs; `bare` leaves out symbols and units."""
    values = dict(given)
    todo, texts = list(path), []
    while todo:
        step = rng.choice([step for step in todo if set(names_in(step.expression)) <= set(values)])
        todo.remove(step)
        texts.append(_text(step, values, rng, bare))
        values[step.symbol] = evaluate(step.expression, values)
    return texts


def _text(step: FormulaStep, values: Mapping[str, int], rng: random.Random, bare: bool) -> str:
    terms = show(rearrange(tree_of(step.expression, values), rng))
    value = evaluate(step.expression, values)
    unit = "" if step.unit == "1" else f" {step.unit}"
    return f"{terms} = {value}" if bare else f"{step.symbol} = {terms} = {value}{unit}"


def fold(path: Path, given: Mapping[str, int]) -> Tree:
    """Fold the whole path into one expression over the numbers `given`."""
    trees: dict[str, Tree] = dict(given)
    for step in path:
        trees[step.symbol] = tree_of(step.expression, trees)
    return trees[path[-1].symbol]


def wordings(families: Mapping[str, Family]) -> Iterator[str]:
    """Yield every wording with each of `WORDS` in its place."""
    for family in families.values():
        for text in family.wordings:
            for place in range(max(map(len, WORDS.values()))):
                words = {slot: choices[place % len(choices)] for slot, choices in WORDS.items()}
                yield text.format(**words, **dict.fromkeys(family.stated, 1))


def solutions(families: Mapping[str, Family]) -> Iterator[str]:
    """Yield every path in every style, and each step alone, so that its symbol also stands at the start of a line."""
    rng = random.Random(0)
    for family in families.values():
        given = draw_numbers(family, rng)
        while len(open_paths(family, given)) < len(family.paths):
            given = draw_numbers(family, rng)
        for path in family.paths:
            yield from (write(path, given, style, rng) for style in STYLES)
            yield from (f"{step.symbol} = 1 First {step.symbol} = 1. Then {step.symbol} = 1" for step in path)
