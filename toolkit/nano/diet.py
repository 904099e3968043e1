"""What the embedded models read: the teacher's worked solutions, and the base model's weak diet.

The base learns arithmetic and language but not the tasks: bare workings, stories worded unlike the questions, facts,
and a few questions with nothing but their answer. Every number comes from the `train` split, so no pool, dev or test
question can be among these texts.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import NamedTuple

from toolkit.nano import mathematics_diet, physics_diet, traces, workings
from toolkit.nano.tokenizer import END, document
from toolkit.questions import mathematics, physics
from toolkit.questions.stream import Question

# Share of the base model's documents, in hundredths.
SHARES: Mapping[str, int] = {"chains": 25, "stories": 28, "long stories": 27, "facts": 15, "answers": 5}

# Both streams begin with one-digit numbers: copying is learnt on them in a fraction of the steps.
EASY_FIRST, EASY_LARGEST = 4000, 9


class Subject(NamedTuple):
    """A domain of questions: their stream, a worked solution of one, and a page of the base model's other reading."""

    generate: Callable[..., Iterator[Question]]
    solve: Callable[[Question, random.Random], str]
    page: Callable[[str, tuple[str, ...], random.Random, int | None], str]


SUBJECTS: Mapping[str, Subject] = {
    "mathematics": Subject(mathematics.generate, traces.solve, mathematics_diet.page),
    "physics": Subject(physics.generate, workings.solve, physics_diet.page),
}


def teacher_texts(
    seed: int, families: tuple[str, ...] = (), largest: int | None = None, domain: str = "mathematics"
) -> Iterator[str]:
    """The teacher's endless training stream: questions of the `train` split with a random worked solution each."""
    random_ = random.Random(f"teacher:{seed}")
    generate, solve, _ = SUBJECTS[domain]
    easy = islice(generate("train", seed, families, min(EASY_LARGEST, largest or EASY_LARGEST)), EASY_FIRST)
    for question in chain(easy, generate("train", seed + 1, families, largest)):
        yield document(question.text, solve(question, random_))


def base_texts(
    seed: int, families: tuple[str, ...] = (), largest: int | None = None, domain: str = "mathematics"
) -> Iterator[str]:
    """The base model's endless training stream, in the proportions of `SHARES`; small numbers first, too."""
    yield from islice(_weak_diet(seed, families, min(EASY_LARGEST, largest or EASY_LARGEST), domain), EASY_FIRST)
    yield from _weak_diet(seed + 1, families, largest, domain)


def _weak_diet(seed: int, families: tuple[str, ...], largest: int | None, domain: str) -> Iterator[str]:
    random_ = random.Random(f"base:{seed}")
    subject = SUBJECTS[domain]
    questions = subject.generate("train", seed + 1, families, largest)
    while True:
        kind = random_.choices(tuple(SHARES), tuple(SHARES.values()))[0]
        if kind == "answers":
            question = next(questions)
            yield document(question.text, f"\\boxed{{{question.answer}}}")
        else:
            yield subject.page(kind, families, random_, largest) + END
