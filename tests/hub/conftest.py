"""A small real corpus and the release made from it."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.corpus import build_corpus
from tests.hub.publishing import tiny_ladder
from tests.hub.publishing.tiny_ladder import RECIPE, count, counts, write_corpus, write_pool
from toolkit.corpora.budgets import cell_files, cell_name, increments, shells
from toolkit.hub.cards.release import Card
from toolkit.hub.manifest import Manifest

SIZES, BUDGETS = (4, 8), (1, 2, 4)
CARD = dataclasses.replace(tiny_ladder.CARD, repo="local/tiny")
RUNGS = [(4, 1), (4, 2), (4, 4), (8, 2)]


def cells_of(counting: str = "sampled") -> dict[str, list[str]]:
    """Config -> files of the ladder and of another subset; of adaptive draws, of the one cap."""
    rungs, budgets = ([(4, 4)], (4,)) if counting == "adaptive" else (RUNGS, BUDGETS)
    return {
        cell_name(size, budget, SIZES, 4, counting): cell_files(size, budget, SIZES, budgets) for size, budget in rungs
    }


def corpus(out: Path, salt: str = "a", accepted=lambda number: number % 3, text=None, counting="sampled") -> Path:
    """8 questions x 4 responses; `text` makes a response out of the salt, the question's position and the index.

    Where distinct ones are counted there are 12 draws of each, of which indices 2, 3, 6, 7, ... repeat the two
    before them; adaptive draws stop after 2 for odd positions.
    """
    if counting == "accepted":
        text = text or repeating
    text = text or "{salt} {position} {index}".format
    questions = [{"question_id": f"id{i}", "question": f"What is {i} + 1?", "answer": str(i + 1)} for i in range(8)]
    rows = [
        {"question_id": f"id{i}", "index": index, "text": text(salt=salt, position=i, index=index),
         "finish_reason": "stop", "completion_tokens": 3 + index, "seed": index}
        for index in range(12 if counting == "accepted" else 4) for i in range(8)
        if counting != "adaptive" or index < 2 or not i % 2
    ]  # fmt: skip
    verdicts = [
        {"question_id": row["question_id"], "index": row["index"], "extracted": "1", "wrong_step": None,
         "verdict": "accepted" if accepted(number) else "rejected"}
        for number, row in enumerate(rows)
    ]  # fmt: skip
    rungs = increments((4,) if counting == "adaptive" else BUDGETS)
    build_corpus(out, questions, rows, verdicts, shells(SIZES), rungs, "nano", "abc", counting)
    write_pool(out, 8)
    return out


def repeating(salt: str, position: int, index: int) -> str:
    return f"{salt} {position} {index - index % 4 // 2 * 2}"


def release(out: Path, source: Path, card: Card = CARD, **changes) -> Manifest:
    cells = cells_of(card.counting)
    given = {
        "default": "r4",
        "statistics": counts(source, cells),
        "version": "v1.0.0",
        "provenance": {"keys": {"pool": "0a"}},
        "recipe": RECIPE,
    }
    return write_corpus(out, source, cells, card=card, **(given | changes))


@pytest.fixture(scope="session")
def tiny() -> SimpleNamespace:
    """The makers of tiny corpora and releases."""
    return SimpleNamespace(corpus=corpus, release=release, count=count, card=CARD)
