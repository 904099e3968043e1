"""A domain that the toolkit does not have: a file like the example and a line in `DOMAINS` are all that it takes."""

from itertools import islice

import pytest

from examples.your_own_domain import CHEMISTRY
from tests.questions.loading import load
from toolkit.domains import DOMAINS
from toolkit.nano.tokenizer import build_tokenizer, unreadable
from toolkit.nano.training_texts import base_texts, teacher_texts
from toolkit.nano.vocabulary import vocabulary


@pytest.fixture(autouse=True)
def chemistry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DOMAINS, "chemistry", CHEMISTRY)


def test_a_new_domain_is_a_pool_whose_texts_embedded_models_can_read() -> None:
    pool = load("chemistry", 64, 40, 20, pool_seed=3)
    texts = [
        *(question.text for question in (*pool.questions, *pool.test, *pool.dev)),
        *islice(teacher_texts(0, domain="chemistry"), 500),
        *islice(base_texts(0, domain="chemistry"), 500),
    ]
    assert unreadable(build_tokenizer("chemistry"), texts) == []


def test_its_vocabulary_begins_with_the_frozen_one() -> None:
    pieces, frozen = vocabulary("chemistry"), vocabulary("stem")
    assert pieces[: len(frozen)] == frozen
    assert " beakers" in pieces[len(frozen) :]
