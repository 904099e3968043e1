"""What the embedded models read: the teacher's worked solutions, and the base model's weak diet.

The base learns arithmetic and language but not the tasks: bare workings, stories and drills worded unlike the
questions, facts, and a few questions with nothing but their answer. Every number comes from the `train` split, so no
pool, dev or test question can be among these texts.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import NamedTuple

from toolkit.nano import mathematics_diet, physics_diet, traces, workings
from toolkit.nano.tokenizer import END, document
from toolkit.questions import mathematics, physics, stem
from toolkit.questions.stream import Question

STEM = "stem"

# Both streams begin with one-digit numbers: copying is learnt on them in a fraction of the steps.
EASY_FIRST, EASY_LARGEST = 4000, 9


class Subject(NamedTuple):
    """A domain of questions: their stream, a worked solution of one, and a page of the base model's other reading."""

    generate: Callable[..., Iterator[Question]]
    solve: Callable[[Question, random.Random], str]
    page: Callable[[str, tuple[str, ...], random.Random, int | None], str]
    shares: Mapping[str, int]  # of the base model's documents, in hundredths
    facts: float = 0.0  # how often the teacher reads a page of plain arithmetic before a solution


SUBJECTS: Mapping[str, Subject] = {
    "mathematics": Subject(mathematics.generate, traces.solve, mathematics_diet.page, mathematics_diet.SHARES),
    "physics": Subject(physics.generate, workings.solve, physics_diet.page, physics_diet.SHARES, 0.2),
}


def teacher_texts(
    seed: int, families: tuple[str, ...] = (), largest: int | None = None, domain: str = "mathematics"
) -> Iterator[str]:
    """The teacher's endless training stream: questions of the `train` split with a random worked solution each.

    `domain` is a key of `SUBJECTS`, or `stem` for both by turns.
    """
    return _by_domain(_solved, domain, families, seed, largest)


def base_texts(
    seed: int, families: tuple[str, ...] = (), largest: int | None = None, domain: str = "mathematics"
) -> Iterator[str]:
    """The base model's endless training stream, in the proportions of its domain's `SHARES`; see `teacher_texts`."""
    return _by_domain(_weak_diet, domain, families, seed, largest)


def _by_domain(
    texts: Callable[..., Iterator[str]], domain: str, families: tuple[str, ...], seed: int, largest: int | None
) -> Iterator[str]:
    if domain == STEM:
        return stem.by_turns(lambda part, own: texts(part, own, seed, largest), families)
    return texts(domain, families, seed, largest)


def _solved(domain: str, families: tuple[str, ...], seed: int, largest: int | None) -> Iterator[str]:
    random_ = random.Random(f"teacher:{seed}")
    subject = SUBJECTS[domain]
    easy = islice(subject.generate("train", seed, families, min(EASY_LARGEST, largest or EASY_LARGEST)), EASY_FIRST)
    for question in chain(easy, subject.generate("train", seed + 1, families, largest)):
        if subject.facts and random_.random() < subject.facts:
            yield subject.page("facts", families, random_, largest) + END
        yield document(question.text, subject.solve(question, random_))


def _weak_diet(domain: str, families: tuple[str, ...], seed: int, largest: int | None) -> Iterator[str]:
    """Small numbers first, too."""
    yield from islice(_pages(domain, families, seed, min(EASY_LARGEST, largest or EASY_LARGEST)), EASY_FIRST)
    yield from _pages(domain, families, seed + 1, largest)


def _pages(domain: str, families: tuple[str, ...], seed: int, largest: int | None) -> Iterator[str]:
    random_ = random.Random(f"base:{seed}")
    subject = SUBJECTS[domain]
    questions = subject.generate("train", seed + 1, families, largest)
    while True:
        kind = random_.choices(tuple(subject.shares), tuple(subject.shares.values()))[0]
        if kind == "answers":
            question = next(questions)
            yield document(question.text, f"\\boxed{{{question.answer}}}")
        else:
            yield subject.page(kind, families, random_, largest) + END
