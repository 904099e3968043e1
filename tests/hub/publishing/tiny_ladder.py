"""Small releases of one source at any ladder: equal responses, so that a larger one continues a smaller."""

import dataclasses
import itertools
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.corpora.budgets import cell_files, increments, shells
from toolkit.corpora.build import build_cell
from toolkit.corpora.statistics import cell_statistics
from toolkit.hub.card import Card
from toolkit.hub.release import write_release

CARD = Card(
    repo="local/tiny",
    pretty_name="Tiny: additions",
    summary="Additions of one.",
    domain="math",
    license="apache-2.0",
    pool="4 additions",
    teacher="nano",
    teacher_revision="abc",
    sampling={"temperature": 0.8},
    prompt="User: What is 0 + 1?",
    policy="The boxed answer equals the known one.",
    seeds_licence="Apache 2.0.",
)


def make_release(
    out: Path,
    budgets: Sequence[int],
    version: str = "v1.0.0",
    salt: str = "a",
    temperature: float = 0.8,
    questions: int = 4,
    card: Card = CARD,
) -> dict[str, Any]:
    """Write a release to `out`, its corpus beside it. The salt gives other responses, temperature another source."""
    corpus, sizes = out.parent / "corpus", (questions,)
    for index in increments(budgets):
        build_cell(corpus, _rows(range(*index), questions, salt), shells(sizes)[0], index, "nano", "abc")
    held_out = {"question_id": ["t0"], "position": [0], "question": ["9 + 1?"], "answer": ["10"], "family": ["sum"]}
    pq.write_table(pa.table(held_out), corpus / "test.parquet")
    cells = {f"r{budget}": cell_files(questions, budget, sizes, budgets) for budget in budgets}
    sides = corpus / "data" / "accepted", corpus / "data" / "rejected"
    counts = {name: count(*([side / file for file in files] for side in sides)) for name, files in cells.items()}
    provenance = {"pool": "0a", "sampling": {"temperature": temperature}, "toolkit": "0"}
    test, default = corpus / "test.parquet", f"r{budgets[-1]}"
    return write_release(out, corpus, test, cells, default, counts, card, version, provenance)


def count(accepted: Sequence[Path], rejected: Sequence[Path]) -> dict[str, Any]:
    """The statistics of a cell."""
    return dataclasses.asdict(cell_statistics(accepted, rejected))


def _rows(indices: range, questions: int, salt: str) -> Iterator[dict[str, Any]]:
    """Two thirds are accepted; the same responses whatever the ladder."""
    for index, position in itertools.product(indices, range(questions)):
        chance = random.Random(f"{salt} {position} {index}")
        text = " ".join(
            f"{chance.randrange(100)} + {chance.randrange(100)} = {chance.randrange(200)};" for _ in range(15)
        )
        yield {
            "position": position, "question_id": f"id{position}", "question": f"What is {position} + 1?",
            "answer": str(position + 1), "index": index, "text": text, "finish_reason": "stop",
            "completion_tokens": 3 + index, "seed": index, "extracted": "1", "wrong_step": None, "repeat": False,
            "verdict": "rejected" if (index * questions + position) % 3 == 2 else "accepted",
        }  # fmt: skip
