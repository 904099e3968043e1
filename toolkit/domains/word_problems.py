"""Word problems: an expression over named numbers, the ranges to draw them from, and wordings that state them."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from toolkit.domains.expressions import draw_values, evaluate, names_in
from toolkit.domains.stream import Question, split_of
from toolkit.domains.worked import STYLES, chain_of, rearrange, steps_of, tree_of, write

NAMES = ("Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Hugo")
THINGS = ("apples", "books", "cards", "coins", "pens", "shells", "stamps", "stones")


@dataclass(frozen=True)
class Story:
    """A family of word problems that differ in numbers and words.

    Attributes:
        expression: the answer, over the numbers that a question states.
        draws: number -> the inclusive range that it is drawn from.
        wordings: texts that state the numbers whose names stand in braces.
        derived: number -> the expression that it follows from.
    """

    expression: str
    draws: Mapping[str, tuple[int, int]]
    wordings: tuple[str, ...]
    derived: Mapping[str, str] = field(default_factory=dict)


def draw_numbers(family: Story, rng: random.Random, largest: int | None = None) -> dict[str, int]:
    """Draw the numbers of one question of `family`; `largest` caps every range (for quick, easy pools)."""
    while True:
        try:
            values = draw_values(family.draws, family.derived, rng, largest)
            evaluate(family.expression, values)
        except ArithmeticError:  # a negative or broken intermediate value: draw again
            continue
        return {name: values[name] for name in names_in(family.expression)}


def word(family: Story, values: Mapping[str, object], rng: random.Random) -> str:
    """Fill a random wording of `family` with these numbers, three distinct names and one kind of thing."""
    name, other, third = rng.sample(NAMES, 3)
    slots = {"name": name, "other": other, "third": third, "things": rng.choice(THINGS)}
    return rng.choice(family.wordings).format(**slots, **values)


def draw_question(name: str, family: Story, rng: random.Random, largest: int | None = None) -> Question:
    """Draw a question of `family`, whose name is `name`, with its exact answer."""
    values = draw_numbers(family, rng, largest)
    text = word(family, values, rng)
    return Question(text, str(evaluate(family.expression, values)), name, tuple(values.values()))


def solve(family: Story, numbers: tuple[int, ...], rng: random.Random, unknown: str = "") -> str:
    """Write a random, fully right worked solution that ends in its boxed answer.

    Args:
        numbers: values of the expression's names, in the order of the names.
        unknown: the letter that is solved for, if any.
    """
    values = dict(zip(names_in(family.expression), numbers, strict=True))
    return write(rearrange(tree_of(family.expression, values), rng), rng.choice(STYLES), rng, unknown)


def story(family: Story, rng: random.Random, largest: int | None = None) -> str:
    """Write a wording of `family` with its work and its answer, on numbers of the `train` split."""
    values = draw_numbers(family, rng, largest)
    while split_of(tuple(values.values())) != "train":
        values = draw_numbers(family, rng, largest)
    tree = rearrange(tree_of(family.expression, values), rng)
    work = chain_of(tree, rng) if rng.random() < 0.5 else ". ".join(steps_of(tree, rng))
    return word(family, {**values, "work": work, "answer": evaluate(family.expression, values)}, rng)


def wordings(families: Mapping[str, Story]) -> Iterator[str]:
    """Yield every wording with each name and thing in each of its places (the two lists are equally long)."""
    numbers = dict.fromkeys(("a", "b", "c", "d", "answer", "work"), 1)
    for text in (text for family in families.values() for text in family.wordings):
        for name, things in zip(NAMES, THINGS, strict=True):
            yield text.format(name=name, other=name, third=name, things=things, **numbers)
