"""What the mathematics base reads beside answers: worked chains, facts, and stories worded unlike the questions."""

import random
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from toolkit.nano.stories import FACTS, story
from toolkit.questions.mathematics import FAMILIES, Family

# Share of the base model's documents, in hundredths; `answers` are questions with nothing but their answer.
SHARES: Mapping[str, int] = {"chains": 25, "stories": 28, "long stories": 27, "facts": 15, "answers": 5}

STORIES = (
    Family("a + b", {"a": (2, 60), "b": (2, 60)}, (
        "{name} picks {a} {things}. Then {name} picks {b}. {work}. {name} picks {answer} {things}.",
        "On Monday it took {a} days, on Friday {b}. {work}. It took {answer} days.",
        "{a} {things} and {b} {things} make {answer} {things}. {work}.",
    )),
    Family("a - b", {"a": (4, 99), "b": (2, 60)}, (
        "{name} had {a} {things} and lost {b}. {work}. Now {name} has {answer} {things}.",
        "Of {a} children {b} went home. {work}. Now {answer} children are left.",
    )),
    Family("a * b", {"a": (2, 9), "b": (2, 30)}, (
        "One bag holds {b} {things}. {name} has {a} bags. {work}. {name} has {answer} {things}.",
        "A day costs {b} dollars. For {a} days {name} pays {work}. It is {answer} dollars.",
    )),
    Family("a / b", {"b": (2, 9), "each": (2, 20)}, (
        "{name} puts {a} {things} in {b} equal rows. {work}. Each row has {answer} {things}.",
    ), {"a": "b * each"}),
)
LONG_STORIES = (
    Family("a + b - c", {"a": (2, 40), "b": (2, 40), "c": (2, 40)}, (
        "{name} picks {a} {things} and finds {b}, then {c} break. {work}. Now {answer} {things} are whole.",
    )),
    Family("a * b + c", {"a": (2, 9), "b": (2, 30), "c": (2, 40)}, (
        "{name} has {c} {things} at home and {a} full boxes of {b}. {work}. It is {answer} {things}.",
    )),
    Family("a * b - c", {"a": (2, 9), "b": (5, 30), "c": (2, 40)}, (
        "{a} rows of {b} {things}, and {name} lost {c} of them. {work}. Now {answer} are left.",
    )),
    Family("a * (b + c)", {"a": (2, 9), "b": (2, 30), "c": (2, 30)}, (
        "{b} {things} and {c} {things} are in one bag. {name} has {a} bags. {work}. It is {answer} {things}.",
    )),
    Family("(a + b) / c", {"c": (2, 9), "each": (3, 20), "a": (2, 90)}, (
        "{name} and {other} put {a} and {b} {things} in {c} equal rows. {work}. Each row has {answer}.",
    ), {"b": "c * each - a"}),
)


def page(kind: str, families: tuple[str, ...], random_: random.Random, largest: int | None = None) -> str:
    """A text of one kind: `chains` (the questions' expressions worked out, no words), `facts` or either `stories`."""
    return story(random_.choice(_sources(families)[kind]), random_, largest)


@cache
def _sources(families: tuple[str, ...]) -> Mapping[str, tuple[Family, ...]]:
    chains = tuple(replace(FAMILIES[name], wordings=("{work}",)) for name in families or FAMILIES)
    return {"chains": chains, "stories": STORIES, "long stories": LONG_STORIES, "facts": FACTS}
