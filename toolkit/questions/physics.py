"""Procedural physics: 13 families with units, exact answers of at most three digits, and several solution paths.

Tolerance policy: a gold answer is exact and its whole number is below 1,000, so a relative tolerance of .0005
(`answer_kind: numeric`) forgives rounding after a conversion of units and still tells every two answers apart.
"""

import random
from collections.abc import Iterator, Mapping

from toolkit.questions.expressions import draw_values, evaluate
from toolkit.questions.physics_families import FAMILIES, LARGEST_VALUE, WORDS, Family, Path
from toolkit.questions.stream import Question, stream


def follow(path: Path, given: Mapping[str, int]) -> dict[str, int]:
    """The values of a path's symbols in a question with the numbers `given`.

    Raises ArithmeticError where a value is no positive integer, or one beyond `LARGEST_VALUE`.
    """
    values: dict[str, int] = {}
    for step in path:
        values[step.symbol] = evaluate(step.expression, {**given, **values})
        if values[step.symbol] > LARGEST_VALUE:
            raise ArithmeticError(f"{step.symbol} = {values[step.symbol]} is beyond {LARGEST_VALUE}")
    return values


def open_paths(family: Family, given: Mapping[str, int]) -> list[Path]:
    """The paths that can be followed with the numbers `given`."""
    return [path for path in family.paths if _is_open(path, given)]


def _is_open(path: Path, given: Mapping[str, int]) -> bool:
    try:
        return bool(follow(path, given))
    except ArithmeticError:
        return False


def draw_numbers(family: Family, random_: random.Random, largest: int | None = None) -> dict[str, int]:
    """Numbers for one question of `family`; `largest` caps every drawn range (for quick, easy pools)."""
    while True:
        try:
            values = draw_values(family.draws, family.derived, random_, largest)
        except ArithmeticError:  # a derived value that is no integer: draw again
            continue
        given = {name: values[name] for name in family.stated}
        if max(given.values()) <= LARGEST_VALUE and _is_open(family.paths[0], given):
            return given


def generate(split: str, seed: int, families: tuple[str, ...] = (), largest: int | None = None) -> Iterator[Question]:
    """An endless stream of questions of one split; see `toolkit.questions.stream.stream`.

    `largest` caps the drawn numbers. Raises ValueError on an unknown split or family.
    """

    def draw(name: str, random_: random.Random) -> Question:
        family = FAMILIES[name]
        given = draw_numbers(family, random_, largest)
        words = {slot: random_.choice(choices) for slot, choices in WORDS.items()}
        text = random_.choice(family.wordings).format(**words, **given)
        path = family.paths[0]
        answer = f"{follow(path, given)[path[-1].symbol]} {family.unit}"
        return Question(text, answer, name, tuple(given.values()))

    return stream("physics", FAMILIES, draw, split, seed, families)
