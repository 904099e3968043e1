"""What the embedded models read: the teacher's worked solutions, and the base model's weak diet.

The base learns arithmetic and language but not the tasks: bare worked chains, stories worded unlike the questions,
facts, and a few questions with nothing but their answer. Every number comes from the `train` split, so no pool, dev or
test question can be among these texts.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice

from toolkit.nano.tokenizer import END, document
from toolkit.nano.traces import chain_of, rearrange, solve, steps_of, tree_of
from toolkit.questions.mathematics import FAMILIES, Family, draw_numbers, evaluate, generate, split_of, word

# Share of the base model's documents, in hundredths.
SHARES: Mapping[str, int] = {"chains": 25, "stories": 28, "long stories": 27, "facts": 15, "answers": 5}

# Both streams begin with one-digit numbers: copying is learnt on them in a fraction of the steps.
EASY_FIRST, EASY_LARGEST = 4000, 9

FACTS = (
    Family("a + b", {"a": (2, 99), "b": (2, 60)}, ("{work}",)),
    Family("a - b", {"a": (4, 99), "b": (2, 60)}, ("{work}",)),
    Family("a * b", {"a": (2, 9), "b": (2, 40)}, ("{work}",)),
    Family("a / b", {"b": (2, 9), "each": (2, 20)}, ("{work}",), {"a": "b * each"}),
)
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


def teacher_texts(seed: int, families: tuple[str, ...] = (), largest: int | None = None) -> Iterator[str]:
    """The teacher's endless training stream: questions of the `train` split with a random worked solution each."""
    random_ = random.Random(f"teacher:{seed}")
    easy = islice(generate("train", seed, families, min(EASY_LARGEST, largest or EASY_LARGEST)), EASY_FIRST)
    for question in chain(easy, generate("train", seed + 1, families, largest)):
        yield document(question.text, solve(question, random_))


def base_texts(seed: int, families: tuple[str, ...] = (), largest: int | None = None) -> Iterator[str]:
    """The base model's endless training stream, in the proportions of `SHARES`; small numbers first, too."""
    yield from islice(_weak_diet(seed, families, min(EASY_LARGEST, largest or EASY_LARGEST)), EASY_FIRST)
    yield from _weak_diet(seed + 1, families, largest)


def _weak_diet(seed: int, families: tuple[str, ...], largest: int | None) -> Iterator[str]:
    random_ = random.Random(f"base:{seed}")
    questions = generate("train", seed + 1, families, largest)
    chains = tuple(replace(FAMILIES[name], wordings=("{work}",)) for name in families or FAMILIES)
    plain = {"chains": chains, "stories": STORIES, "long stories": LONG_STORIES, "facts": FACTS}
    while True:
        kind = random_.choices(tuple(SHARES), tuple(SHARES.values()))[0]
        if kind == "answers":
            question = next(questions)
            yield document(question.text, f"\\boxed{{{question.answer}}}")
        else:
            yield story(random_.choice(plain[kind]), random_, largest) + END


def story(family: Family, random_: random.Random, largest: int | None = None) -> str:
    """A wording of `family` with its work and its answer written out, on numbers of the `train` split."""
    values = draw_numbers(family, random_, largest)
    while split_of(tuple(values.values())) != "train":
        values = draw_numbers(family, random_, largest)
    tree = rearrange(tree_of(family.expression, values), random_)
    work = chain_of(tree, random_) if random_.random() < 0.5 else ". ".join(steps_of(tree, random_))
    return word(family, {**values, "work": work, "answer": evaluate(family.expression, values)}, random_)
