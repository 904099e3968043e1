"""The training texts of the embedded models: worked solutions for the teacher, arithmetic and language for the base.

The base does not see the tasks: it reads bare workings, stories and drills worded unlike the questions, facts, and a
few questions with nothing but their answer. Every number comes from the `train` split, so no pool, dev or test question
can be among these texts.
"""

import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice

from toolkit.domains import DOMAINS
from toolkit.domains.domain import Domain, Mixture, Page
from toolkit.nano.formats import SOLVE, page
from toolkit.nano.tokenizer import document
from toolkit.nano.vocabulary import END

# Both streams begin with one-digit numbers: copying is learnt on them in a fraction of the steps.
EASY_FIRST, EASY_LARGEST = 4000, 9


def teacher_texts(
    seed: int,
    families: tuple[str, ...] = (),
    largest: int | None = None,
    domain: str = "mathematics",
    formats: tuple[str, ...] = (SOLVE,),
) -> Iterator[str]:
    """Yield the teacher's training texts without end: questions of the `train` split, each with a worked solution.

    `domain` is a key of `DOMAINS`; the parts of a mixture alternate. With more `formats`, pages of those take turns
    with the solutions; see `toolkit.nano.formats`.
    """
    return _by_domain(partial(_solved, formats=formats), domain, families, seed, largest)


def base_texts(
    seed: int, families: tuple[str, ...] = (), largest: int | None = None, domain: str = "mathematics"
) -> Iterator[str]:
    """Yield the base model's training texts without end, in its domain's `shares`; see `teacher_texts`."""
    return _by_domain(_weak, domain, families, seed, largest)


def _by_domain(
    texts: Callable[[Domain, tuple[str, ...], int, int | None], Iterator[str]],
    name: str,
    families: tuple[str, ...],
    seed: int,
    largest: int | None,
) -> Iterator[str]:
    domain = DOMAINS[name]
    if isinstance(domain, Mixture):
        return domain.interleave(lambda part, own: texts(domain.parts[part], own, seed, largest), families)
    return texts(domain, families, seed, largest)


def _solved(
    domain: Domain, families: tuple[str, ...], seed: int, largest: int | None, formats: tuple[str, ...]
) -> Iterator[str]:
    rng = random.Random(f"teacher:{seed}")
    easy_largest = min(EASY_LARGEST, largest or EASY_LARGEST)
    easy = islice(domain.generate("train", seed, families, easy_largest), EASY_FIRST)
    for place, question in enumerate(chain(easy, domain.generate("train", seed + 1, families, largest))):
        if domain.facts and rng.random() < domain.facts:
            yield _shown(domain.page("facts", families, rng, largest))
        yield document(*page(domain, question, formats, rng, families, easy_largest if place < EASY_FIRST else largest))


def _weak(domain: Domain, families: tuple[str, ...], seed: int, largest: int | None) -> Iterator[str]:
    """Yield the base model's texts of one domain, those with small numbers first."""
    yield from islice(_pages(domain, families, seed, min(EASY_LARGEST, largest or EASY_LARGEST)), EASY_FIRST)
    yield from _pages(domain, families, seed + 1, largest)


def _pages(domain: Domain, families: tuple[str, ...], seed: int, largest: int | None) -> Iterator[str]:
    rng = random.Random(f"base:{seed}")
    questions = domain.generate("train", seed + 1, families, largest)
    while True:
        kind = rng.choices(tuple(domain.shares), tuple(domain.shares.values()))[0]
        if kind == "answers":
            question = next(questions)
            yield document(question.text, f"\\boxed{{{question.answer}}}")
        else:
            yield _shown(domain.page(kind, families, rng, largest))


def _shown(page: Page) -> str:
    return page + END if isinstance(page, str) else document(*page)
