"""Word problems: an expression over named numbers, the ranges to draw them from, and wordings that state them."""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from string import Formatter

from toolkit.domains.expressions import draw_values, evaluate, names_in
from toolkit.domains.mistakes import Mistake, mistake
from toolkit.domains.stream import Question, split_of
from toolkit.domains.worked import STYLES, Tree, chain_of, rearrange, steps_of, tree_of, write

NAMES = ("Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Hugo")
THINGS = ("apples", "books", "cards", "coins", "pens", "shells", "stamps", "stones")


PEOPLE = ("name", "other", "third")  # the slots of a wording that are for different names


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


def _training_numbers(family: Story, rng: random.Random, largest: int | None) -> dict[str, int]:
    """Draw the numbers of one question of the `train` split."""
    values = draw_numbers(family, rng, largest)
    while split_of(tuple(values.values())) != "train":
        values = draw_numbers(family, rng, largest)
    return values


def word(family: Story, values: Mapping[str, object], rng: random.Random, kept: Mapping[str, str] | None = None) -> str:
    """Fill a random wording of `family` with these numbers, three distinct names and one kind of thing.

    `kept` are those words that are not drawn, by slot.
    """
    people = rng.sample([name for name in NAMES if name not in (kept or {}).values()], 3)
    slots = dict(zip(PEOPLE, people, strict=True)) | {"things": rng.choice(THINGS)} | dict(kept or {})
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
    tree = _arranged(family, numbers, rng)
    return write(tree, rng.choice(STYLES), rng, unknown)


def fail(family: Story, numbers: tuple[int, ...], rng: random.Random, unknown: str = "") -> Mistake:
    """Write a random worked solution with a mistake; the arguments are those of `solve`."""
    tree = _arranged(family, numbers, rng)
    return mistake(tree, rng.choice(STYLES), rng, unknown)


def _arranged(family: Story, numbers: tuple[int, ...], rng: random.Random) -> Tree:
    values = dict(zip(names_in(family.expression), numbers, strict=True))
    return rearrange(tree_of(family.expression, values), rng)


def vary(
    families: Mapping[str, Story], text: str, name: str, rng: random.Random, largest: int | None = None
) -> Question:
    """Draw a question of the family `name`, on numbers of the `train` split, with the people and things of another."""
    found = (_pattern(wording).fullmatch(text) for family in families.values() for wording in family.wordings)
    slots = next((match.groupdict() for match in found if match), {})
    values = _training_numbers(families[name], rng, largest)
    varied = word(families[name], values, rng, {slot: slots[slot] for slot in (*PEOPLE, "things") if slot in slots})
    return Question(varied, str(evaluate(families[name].expression, values)), name, tuple(values.values()))


def parse(families: Mapping[str, Story], text: str) -> Question | None:
    """Read a question back from its text; None for one that fills no wording, or has no positive whole answer."""
    for name, family in families.items():
        for wording in family.wordings:
            found = _pattern(wording).fullmatch(text)
            if found and (question := _question(name, family, found)):
                return question
    return None


def _question(name: str, family: Story, found: re.Match[str]) -> Question | None:
    slots = found.groupdict()
    people = [slots[slot] for slot in PEOPLE if slot in slots]
    values = {letter: int(slots[letter]) for letter in names_in(family.expression)}
    try:
        answer = evaluate(family.expression, values)
    except ArithmeticError:
        return None
    numbers = tuple(values.values())
    return Question(found[0], str(answer), name, numbers) if len(set(people)) == len(people) else None


@cache
def _pattern(wording: str) -> re.Pattern[str]:
    """Give the pattern of a wording, with a group for each slot; a slot that comes twice has the same words twice."""
    kinds = dict.fromkeys(PEOPLE, "|".join(NAMES)) | {"things": "|".join(THINGS)}
    seen, parts = set[str](), []
    for before, slot, _, _ in Formatter().parse(wording):
        kind = kinds.get(slot or "", "[1-9][0-9]{0,5}")
        parts += [re.escape(before), "" if slot is None else f"(?P={slot})" if slot in seen else f"(?P<{slot}>{kind})"]
        seen.add(slot or "")
    return re.compile("".join(parts), re.ASCII)


def story(family: Story, rng: random.Random, largest: int | None = None) -> str:
    """Write a wording of `family` with its work and its answer, on numbers of the `train` split."""
    values = _training_numbers(family, rng, largest)
    tree = rearrange(tree_of(family.expression, values), rng)
    work = chain_of(tree, rng) if rng.random() < 0.5 else ". ".join(steps_of(tree, rng))
    return word(family, {**values, "work": work, "answer": evaluate(family.expression, values)}, rng)


def wordings(families: Mapping[str, Story]) -> Iterator[str]:
    """Yield every wording with each name and thing in each of its places (the two lists are equally long)."""
    numbers = dict.fromkeys(("a", "b", "c", "d", "answer", "work"), 1)
    for text in (text for family in families.values() for text in family.wordings):
        for name, things in zip(NAMES, THINGS, strict=True):
            yield text.format(name=name, other=name, third=name, things=things, **numbers)
