"""Procedural mathematics: word problems and equations with exact, positive integer answers."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

from toolkit.domains import word_problems
from toolkit.domains.domain import Domain, Learner
from toolkit.domains.mistakes import Mistake
from toolkit.domains.stream import Question, stream
from toolkit.domains.word_problems import Story, draw_question, story, wordings
from toolkit.domains.worked import STYLES, write

# In an order in which neighbours are alike, which is what the embedded teacher varies a question to.
FAMILIES: dict[str, Story] = {
    "sum3": Story(
        "a + b + c",
        {"a": (2, 40), "b": (2, 40), "c": (2, 40)},
        ("{name} has {a} {things}, {other} has {b} and {third} has {c}. How many {things} do they have together?",),
    ),
    "sum4": Story(
        "a + b + c + d",
        {"a": (2, 20), "b": (2, 20), "c": (2, 20), "d": (2, 20)},
        ("{name} found {a}, {b}, {c} and {d} {things} on four days. How many {things} did {name} find?",),
    ),
    "plus_minus": Story(
        "a + b - c",
        {"a": (2, 40), "b": (2, 40), "c": (2, 40)},
        ("{name} had {a} {things}, bought {b} more and gave {c} to {other}. How many {things} does {name} have now?",),
    ),
    "distribute": Story(
        "a * (b + c)",
        {"a": (2, 9), "b": (2, 30), "c": (2, 30)},
        ("Each of {a} boxes holds {b} red and {c} blue {things}. How many {things} are there together?",),
    ),
    "two_products": Story(
        "a * b + c * d",
        {"a": (2, 9), "b": (2, 20), "c": (2, 9), "d": (2, 20)},
        ("{name} buys {a} bags of {b} {things} and {c} boxes of {d}. How many {things} does {name} buy?",),
    ),
    "product_plus": Story(
        "a * b + c",
        {"a": (2, 9), "b": (2, 30), "c": (2, 40)},
        ("{name} had {a} bags of {b} {things} and got {c} {things} from {other}. How many {things} are there now?",),
    ),
    "sum_and_product": Story(
        "a + b + c * d",
        {"a": (2, 30), "b": (2, 30), "c": (2, 9), "d": (2, 20)},
        ("{name} has {a} {things}, {other} has {b} and {third} has {c} boxes of {d}. How many {things} do they have?",),
    ),
    "equation": Story(
        "(c - b) / a",
        {"a": (2, 9), "x": (2, 20), "b": (2, 50)},
        ("Solve {a} * x + {b} = {c}.",),
        {"c": "a * x + b"},
    ),
}


# Share of the base model's documents, in hundredths; `answers` are questions with nothing but their answer.
SHARES: Mapping[str, int] = {"chains": 25, "stories": 28, "long stories": 27, "facts": 15, "answers": 5}

# fmt: off
STORIES = (
    Story("a + b", {"a": (2, 60), "b": (2, 60)}, (
        "{name} picks {a} {things}. Then {name} picks {b}. {work}. {name} picks {answer} {things}.",
        "On Monday it took {a} days, on Friday {b}. {work}. It took {answer} days.",
        "{a} {things} and {b} {things} make {answer} {things}. {work}.",
    )),
    Story("a - b", {"a": (4, 99), "b": (2, 60)}, (
        "{name} had {a} {things} and lost {b}. {work}. Now {name} has {answer} {things}.",
        "Of {a} children {b} went home. {work}. Now {answer} children are left.",
    )),
    Story("a * b", {"a": (2, 9), "b": (2, 30)}, (
        "One bag holds {b} {things}. {name} has {a} bags. {work}. {name} has {answer} {things}.",
        "A day costs {b} dollars. For {a} days {name} pays {work}. It is {answer} dollars.",
    )),
    Story("a / b", {"b": (2, 9), "each": (2, 20)}, (
        "{name} puts {a} {things} in {b} equal rows. {work}. Each row has {answer} {things}.",
    ), {"a": "b * each"}),
)
LONG_STORIES = (
    Story("a + b - c", {"a": (2, 40), "b": (2, 40), "c": (2, 40)}, (
        "{name} picks {a} {things} and finds {b}, then {c} break. {work}. Now {answer} {things} are whole.",
    )),
    Story("a * b + c", {"a": (2, 9), "b": (2, 30), "c": (2, 40)}, (
        "{name} has {c} {things} at home and {a} full boxes of {b}. {work}. It is {answer} {things}.",
    )),
    Story("a * b - c", {"a": (2, 9), "b": (5, 30), "c": (2, 40)}, (
        "{a} rows of {b} {things}, and {name} lost {c} of them. {work}. Now {answer} are left.",
    )),
    Story("a * (b + c)", {"a": (2, 9), "b": (2, 30), "c": (2, 30)}, (
        "{b} {things} and {c} {things} are in one bag. {name} has {a} bags. {work}. It is {answer} {things}.",
    )),
    Story("(a + b) / c", {"c": (2, 9), "each": (3, 20), "a": (2, 90)}, (
        "{name} and {other} put {a} and {b} {things} in {c} equal rows. {work}. Each row has {answer}.",
    ), {"b": "c * each - a"}),
)
FACTS = (
    Story("a + b", {"a": (2, 99), "b": (2, 60)}, ("{work}",)),
    Story("a - b", {"a": (4, 99), "b": (2, 60)}, ("{work}",)),
    Story("a * b", {"a": (2, 9), "b": (2, 40)}, ("{work}",)),
    Story("a / b", {"b": (2, 9), "each": (2, 20)}, ("{work}",), {"a": "b * each"}),
)
# fmt: on


def generate(split: str, seed: int, families: tuple[str, ...] = (), largest: int | None = None) -> Iterator[Question]:
    """Yield the questions of one split without end; see `toolkit.domains.stream.stream`.

    `largest` caps the drawn numbers. Raises ValueError on an unknown split or family.
    """

    def draw(name: str, rng: random.Random) -> Question:
        return draw_question(name, FAMILIES[name], rng, largest)

    return stream("mathematics", FAMILIES, draw, split, seed, families)


def solve(question: Question, rng: random.Random) -> str:
    """Write a random, fully right worked solution of a question, which ends in its boxed answer."""
    unknown = "x" if question.family == "equation" else ""
    return word_problems.solve(FAMILIES[question.family], question.numbers, rng, unknown)


def fail(question: Question, rng: random.Random) -> Mistake:
    """Write a random worked solution of a question with a mistake, beside the right one."""
    unknown = "x" if question.family == "equation" else ""
    return word_problems.fail(FAMILIES[question.family], question.numbers, rng, unknown)


def vary(question: Question, family: str, rng: random.Random, largest: int | None = None) -> Question:
    """Draw a question of the `train` split of a family, about the people and things of another question."""
    return word_problems.vary(FAMILIES, question.text, family, rng, largest)


def parse(text: str) -> Question | None:
    """Read a question back from its text, with its exact answer; None for a text that is no question of ours."""
    return word_problems.parse(FAMILIES, text)


def page(kind: str, families: tuple[str, ...], rng: random.Random, largest: int | None = None) -> str:
    """Write a text of one kind: `chains` (the questions' expressions worked out, no words), `facts` or `stories`."""
    return story(rng.choice(_sources(families)[kind]), rng, largest)


@cache
def _sources(families: tuple[str, ...]) -> Mapping[str, tuple[Story, ...]]:
    chains = tuple(replace(FAMILIES[name], wordings=("{work}",)) for name in families or FAMILIES)
    return {"chains": chains, "stories": STORIES, "long stories": LONG_STORIES, "facts": FACTS}


def texts() -> Iterator[str]:
    """Yield every wording and every style of solution, with each word and sign in every place that it can take."""
    pages = (*FACTS, *STORIES, *LONG_STORIES)
    yield from wordings(FAMILIES | {str(place): family for place, family in enumerate(pages)})
    rng = random.Random(0)
    yield from (write(("+", 2, ("-", 7, 3)), style, rng, unknown) for style in STYLES for unknown in ("", "x"))
    yield "0123456789"
    yield from (f"{sign} {sign} 1 {sign}({sign} 1" for sign in "+-*/=()")


DOMAIN = Domain(FAMILIES, generate, solve, page, SHARES, texts, learner=Learner(fail, vary, parse))
