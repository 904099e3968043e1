"""A small real corpus with its release, and the real client at a real server process.

The client goes through a proxy that counts the calls and fails on demand.
"""

import dataclasses
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi, constants

from tests.corpus import build_corpus
from tests.fakes.faulty_proxy import FaultyProxy, faulty_proxy
from tests.fakes.hub import running_hub
from tests.hub import tiny_ladder
from tests.hub.tiny_ladder import RECIPE, count, counts, make_release, write_corpus, write_pool
from toolkit.corpora.budgets import cell_files, cell_name, increments, shells
from toolkit.hub.cards.release import Card
from toolkit.hub.manifest import Manifest

SIZES, BUDGETS = (4, 8), (1, 2, 4)
CARD = dataclasses.replace(tiny_ladder.CARD, repo="local/tiny")
RUNGS = [(4, 1), (4, 2), (4, 4), (8, 2)]


def cells_of(counting: str = "sampled") -> dict[str, list[str]]:
    """Give config -> files of the ladder and of another subset or, for adaptive draws, of the one cap."""
    rungs, budgets = ([(4, 4)], (4,)) if counting == "adaptive" else (RUNGS, BUDGETS)
    return {
        cell_name(size, budget, SIZES, 4, counting): cell_files(size, budget, SIZES, budgets) for size, budget in rungs
    }


def corpus(out: Path, salt: str = "a", accepted=lambda number: number % 3, text=None, counting="sampled") -> Path:
    """Write 8 questions x 4 responses; `text` makes a response from the salt, the question's position and the index.

    Where distinct responses count there are 12 draws of each question, of which indices 2, 3, 6, 7, ... repeat the
    two before them; adaptive draws stop after 2 for odd positions.
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
    parts = {
        "default": "r4",
        "statistics": counts(source, cells),
        "version": "v1.0.0",
        "provenance": {"keys": {"pool": "0a"}},
        "recipe": RECIPE,
    }
    return write_corpus(out, source, cells, card=card, **(parts | changes))


@pytest.fixture(scope="session")
def tiny() -> SimpleNamespace:
    """Give the makers of tiny corpora and releases."""
    return SimpleNamespace(corpus=corpus, release=release, count=count, card=CARD)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    """Shorten the pauses between tries, and keep Xet off, whatever imported the library first."""
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)


@pytest.fixture(scope="session")
def hub(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """Run a server that the tests of this folder share; see `running_hub`."""
    with running_hub(tmp_path_factory.mktemp("hub")) as server:
        yield server


@pytest.fixture(scope="session")
def line(hub) -> Iterator[FaultyProxy]:
    with faulty_proxy(hub.endpoint) as proxy:
        yield proxy


@pytest.fixture
def proxy(line) -> FaultyProxy:
    """Give the proxy, counting from here on and without faults."""
    line.reset()
    return line


@pytest.fixture
def api(hub, proxy) -> HfApi:
    """Give a client that writes through the proxy."""
    return HfApi(endpoint=proxy.url, token=hub.token)


@pytest.fixture
def direct(hub) -> HfApi:
    """Give a client that bypasses the proxy."""
    return HfApi(endpoint=hub.endpoint, token=hub.token)


@pytest.fixture
def repo() -> str:
    """Give a name that no repo has yet."""
    return f"local/d-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def ladder(tmp_path_factory) -> Callable[..., Path]:
    """Give a maker of releases of 4 questions, by budgets, version and salt of the responses, each made once."""
    folders: dict[tuple, Path] = {}

    def make(budgets=(1, 2), version="v1.0.0", salt="a", temperature=0.8) -> Path:
        key = (budgets, version, salt, temperature)
        if key not in folders:
            folders[key] = tmp_path_factory.mktemp("ladder") / "release"
            make_release(folders[key], *key)
        return folders[key]

    return make
