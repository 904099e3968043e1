"""A procedural domain of your own: this file and two lines in `toolkit/domains/__init__.py`, its import and its entry.

    python examples/your_own_domain.py

The embedded teacher and base then learn to read it, and `pool: chemistry` in a recipe samples from it. The tokenizer's
vocabulary follows from `texts`.
"""

import random
from collections.abc import Iterator
from itertools import islice

from toolkit.domains import DOMAINS
from toolkit.domains.domain import Domain
from toolkit.domains.stream import Question, stream
from toolkit.domains.word_problems import Story, draw_question, solve, story, wordings

FAMILIES = {
    "dilution": Story("a * b", {"a": (2, 30), "b": (2, 40)}, ("How many grams of salt are in {a} beakers of {b} g?",)),
    "mixing": Story("a + b", {"a": (2, 90), "b": (2, 90)}, ("{a} ml of acid meet {b} ml of water. How many ml?",)),
}
NOTES = Story("a + b", {"a": (2, 90), "b": (2, 90)}, ("{work} millilitres fill the flask.",))


def generate(split: str, seed: int, families: tuple[str, ...] = (), largest: int | None = None) -> Iterator[Question]:
    def draw(name: str, rng: random.Random) -> Question:
        return draw_question(name, FAMILIES[name], rng, largest)

    return stream("chemistry", FAMILIES, draw, split, seed, families)


def solution(question: Question, rng: random.Random) -> str:
    return solve(FAMILIES[question.family], question.numbers, rng)


def page(kind: str, families: tuple[str, ...], rng: random.Random, largest: int | None) -> str:
    return story(NOTES, rng, largest)


def texts() -> Iterator[str]:
    yield from wordings(FAMILIES | {"notes": NOTES})
    yield from DOMAINS["mathematics"].texts()


CHEMISTRY = Domain(FAMILIES, generate, solution, page, {"notes": 90, "answers": 10}, texts)


def main() -> None:
    DOMAINS["chemistry"] = CHEMISTRY
    rng = random.Random(0)
    for question in islice(CHEMISTRY.generate("pool", 0), 3):
        print(f"{question.text}\n{CHEMISTRY.solve(question, rng)}\n")


if __name__ == "__main__":
    main()
