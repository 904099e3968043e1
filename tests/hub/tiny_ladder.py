"""Small releases of one source at any ladder: equal responses, so that a larger one continues a smaller."""

import dataclasses
import itertools
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.corpora.budgets import Shell, cell_files, cell_name, increments, shells
from toolkit.corpora.build import build_cell
from toolkit.corpora.statistics import cell_statistics
from toolkit.hub.cards.release import Card
from toolkit.hub.manifest import Manifest
from toolkit.hub.release import ReleaseDraft, read_tables, write_release
from toolkit.recipe.sections import Verification
from toolkit.workspace import file_digest

RECIPE = "title: Tiny\npool: mathematics\n"
TEST_QUESTION = "How many corners have three squares and seven triangles in all?"
CARD = Card(
    repo=None,  # so that one folder can be pushed to any
    pretty_name="Tiny: additions",
    summary="Additions of one.",
    domain="math",
    license="apache-2.0",
    pool="a few additions",
    teacher="nano",
    teacher_revision="abc",
    sampling={"temperature": 0.8, "max_tokens": 64},
    prompt="User: What is 0 + 1?",
    policy="The boxed answer equals the known one.",
    seeds_licence="Apache 2.0.",
    limits=["Small and synthetic."],
)


def make_release(
    out: Path,
    budgets: Sequence[int],
    version: str = "v1.0.0",
    salt: str = "a",
    temperature: float = 0.8,
    questions: int = 4,
    card: Card = CARD,
    subsets: Sequence[tuple[int, int]] = (),
) -> Manifest:
    """Write a release to `out`, its corpus beside it. The salt gives other responses, temperature another source.

    `subsets` are cells beside the ladder's, (questions, budget) each.
    """
    corpus, sizes = out.parent / "corpus", sorted({questions, *(size for size, _ in subsets)})
    for shell, index in itertools.product(shells(sizes), increments(budgets)):
        build_cell(corpus, _rows(range(*index), shell, salt), shell, index, "nano", "abc")
    write_pool(corpus, max(sizes))
    pairs = [*((questions, budget) for budget in budgets), *subsets]
    cells = {cell_name(size, budget, sizes, questions): cell_files(size, budget, sizes, budgets)
             for size, budget in sorted(pairs, key=lambda pair: pair[1])}  # fmt: skip
    pool = file_digest(corpus / "questions.parquet")
    judged = {"verification": Verification(), "procedural": True}
    provenance = {"pool": pool, "sampling": {"temperature": temperature}, "toolkit": "0", **judged}
    default = f"r{budgets[-1]}"
    output = default, counts(corpus, cells), card, version, provenance, RECIPE
    return write_corpus(out, corpus, cells, *output)


def write_corpus(
    out: Path,
    corpus: Path,
    cells: dict[str, list[str]],
    default: str,
    statistics: dict[str, dict[str, Any]],
    card: Card,
    version: str,
    provenance: dict[str, Any],
    recipe: str,
) -> Manifest:
    """Write the release of a corpus that has its pool beside it."""
    files = {path.relative_to(corpus).as_posix(): path for path in corpus.glob("data/*/**/*.parquet")}
    tables = read_tables(files, corpus, cells, default, statistics)
    return write_release(out, ReleaseDraft(tables, card, version, provenance, recipe))


def write_pool(corpus: Path, questions: int) -> None:
    """The pool of so many seed questions and a held-out one, beside a corpus."""
    seeds = [(f"id{at}", at, f"What is {at} + 1?", str(at + 1), "sums") for at in range(questions)]
    columns = ("question_id", "position", "question", "answer", "family")
    for name, rows in {"questions": seeds, "test": [("t0", 0, TEST_QUESTION, "33", "corners")]}.items():
        table = pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows])
        pq.write_table(table, corpus / f"{name}.parquet")


def counts(corpus: Path, cells: dict[str, list[str]]) -> dict[str, dict[str, Any]]:
    """The statistics of each cell of a corpus."""
    sides = corpus / "data" / "accepted", corpus / "data" / "rejected"
    return {name: count(*([side / file for file in files] for side in sides)) for name, files in cells.items()}


def count(accepted: Sequence[Path], rejected: Sequence[Path]) -> dict[str, Any]:
    """The statistics of a cell."""
    return dataclasses.asdict(cell_statistics(accepted, rejected))


def _rows(indices: range, shell: Shell, salt: str) -> Iterator[dict[str, Any]]:
    """Two thirds are accepted; the same responses whatever the ladder."""
    for index, position in itertools.product(indices, range(shell.start, shell.stop)):
        chance, right = random.Random(f"{salt} {position} {index}"), (index + position) % 3 < 2
        steps = " ".join(
            f"{chance.randrange(100)} + {chance.randrange(100)} = {chance.randrange(200)};" for _ in range(15)
        )
        found = str(position + 1 if right else position + 2)
        yield {
            "position": position, "question_id": f"id{position}", "question": f"What is {position} + 1?",
            "answer": str(position + 1), "index": index, "text": f"{steps} \\boxed{{{found}}}",
            "finish_reason": "stop", "prompt_tokens": 9, "completion_tokens": 3 + index, "seed": index,
            "extracted": found, "wrong_step": None, "repeat": False,
            "verdict": "accepted" if right else "rejected",
        }  # fmt: skip
