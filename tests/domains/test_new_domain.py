"""A domain that the toolkit does not have: a file like this one and a line in `DOMAINS` are all that it takes."""

import random
from collections.abc import Iterator
from itertools import islice

from toolkit.domains import DOMAINS
from toolkit.domains.domain import Domain
from toolkit.domains.stream import Question, stream
from toolkit.domains.word_problems import Family, draw_question, solve, story, wordings
from toolkit.nano.tokenizer import build_tokenizer, unreadable
from toolkit.nano.training_texts import base_texts, teacher_texts
from toolkit.nano.vocabulary import vocabulary
from toolkit.questions.pools import load_pool

FAMILIES = {
    "dilution": Family("a * b", {"a": (2, 30), "b": (2, 40)}, ("How many grams of salt are in {a} beakers of {b} g?",)),
    "mixing": Family("a + b", {"a": (2, 90), "b": (2, 90)}, ("{a} ml of acid meet {b} ml of water. How many ml?",)),
}
NOTES = Family("a + b", {"a": (2, 90), "b": (2, 90)}, ("{work} millilitres fill the flask.",))


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


def test_a_new_domain_is_a_pool_whose_texts_embedded_models_can_read(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(DOMAINS, "chemistry", CHEMISTRY)
    pool = load_pool("chemistry", 64, 40, 20, seed=3)
    tokenizer = build_tokenizer("chemistry")
    texts = [
        *(question.text for question in (*pool.questions, *pool.test, *pool.dev)),
        *islice(teacher_texts(0, domain="chemistry"), 500),
        *islice(base_texts(0, domain="chemistry"), 500),
    ]
    assert unreadable(tokenizer, texts) == []


def test_its_vocabulary_begins_with_the_frozen_one(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(DOMAINS, "chemistry", CHEMISTRY)
    pieces, frozen = vocabulary("chemistry"), vocabulary("stem")
    assert pieces[: len(frozen)] == frozen
    assert " beakers" in pieces[len(frozen) :]
