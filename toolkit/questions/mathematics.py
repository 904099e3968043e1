"""Procedural mathematics: word problems and equations with exact, positive integer answers.

A family is an expression over named numbers, the ranges these are drawn from, and its wordings.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from toolkit.questions.expressions import draw_values, evaluate, names_in
from toolkit.questions.stream import Question, stream

NAMES = ("Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Hugo")
THINGS = ("apples", "books", "cards", "coins", "pens", "shells", "stamps", "stones")


@dataclass(frozen=True)
class Family:
    """`expression` over the numbers a question states; `draws` are inclusive ranges, `derived` follow from them."""

    expression: str
    draws: Mapping[str, tuple[int, int]]
    wordings: tuple[str, ...]
    derived: Mapping[str, str] = field(default_factory=dict)


FAMILIES: dict[str, Family] = {
    "sum3": Family(
        "a + b + c",
        {"a": (2, 40), "b": (2, 40), "c": (2, 40)},
        ("{name} has {a} {things}, {other} has {b} and {third} has {c}. How many {things} do they have together?",),
    ),
    "sum4": Family(
        "a + b + c + d",
        {"a": (2, 20), "b": (2, 20), "c": (2, 20), "d": (2, 20)},
        ("{name} found {a}, {b}, {c} and {d} {things} on four days. How many {things} did {name} find?",),
    ),
    "plus_minus": Family(
        "a + b - c",
        {"a": (2, 40), "b": (2, 40), "c": (2, 40)},
        ("{name} had {a} {things}, bought {b} more and gave {c} to {other}. How many {things} does {name} have now?",),
    ),
    "distribute": Family(
        "a * (b + c)",
        {"a": (2, 9), "b": (2, 30), "c": (2, 30)},
        ("Each of {a} boxes holds {b} red and {c} blue {things}. How many {things} are there together?",),
    ),
    "two_products": Family(
        "a * b + c * d",
        {"a": (2, 9), "b": (2, 20), "c": (2, 9), "d": (2, 20)},
        ("{name} buys {a} bags of {b} {things} and {c} boxes of {d}. How many {things} does {name} buy?",),
    ),
    "product_plus": Family(
        "a * b + c",
        {"a": (2, 9), "b": (2, 30), "c": (2, 40)},
        ("{name} had {a} bags of {b} {things} and got {c} {things} from {other}. How many {things} are there now?",),
    ),
    "sum_and_product": Family(
        "a + b + c * d",
        {"a": (2, 30), "b": (2, 30), "c": (2, 9), "d": (2, 20)},
        ("{name} has {a} {things}, {other} has {b} and {third} has {c} boxes of {d}. How many {things} do they have?",),
    ),
    "equation": Family(
        "(c - b) / a",
        {"a": (2, 9), "x": (2, 20), "b": (2, 50)},
        ("Solve {a} * x + {b} = {c}.",),
        {"c": "a * x + b"},
    ),
}


def draw_numbers(family: Family, random_: random.Random, largest: int | None = None) -> dict[str, int]:
    """Numbers for one question of `family`; `largest` caps every drawn range (for quick, easy pools)."""
    while True:
        try:
            values = draw_values(family.draws, family.derived, random_, largest)
            evaluate(family.expression, values)
        except ArithmeticError:  # a negative or broken intermediate value: draw again
            continue
        return {name: values[name] for name in names_in(family.expression)}


def word(family: Family, values: Mapping[str, object], random_: random.Random) -> str:
    """A random wording of `family` with these numbers, three distinct names and one kind of thing."""
    name, other, third = random_.sample(NAMES, 3)
    slots = {"name": name, "other": other, "third": third, "things": random_.choice(THINGS)}
    return random_.choice(family.wordings).format(**slots, **values)


def generate(split: str, seed: int, families: tuple[str, ...] = (), largest: int | None = None) -> Iterator[Question]:
    """An endless stream of questions of one split; see `toolkit.questions.stream.stream`.

    `largest` caps the drawn numbers. Raises ValueError on an unknown split or family.
    """

    def draw(name: str, random_: random.Random) -> Question:
        values = draw_numbers(FAMILIES[name], random_, largest)
        text = word(FAMILIES[name], values, random_)
        return Question(text, str(evaluate(FAMILIES[name].expression, values)), name, tuple(values.values()))

    return stream("mathematics", FAMILIES, draw, split, seed, families)
