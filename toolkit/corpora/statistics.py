"""What a cell of a corpus holds, counted from its files: verdicts, solution paths, coverage, tokens, wrong steps."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from toolkit.corpora.ranks import path_of
from toolkit.verification.verdicts import VERDICTS


@dataclass(frozen=True)
class CellStatistics:
    """Counts of one cell; `sampled` is the sum of the six verdicts.

    Attributes:
        questions: seed questions in the cell.
        accepted_share: accepted / sampled, in [0, 1]; 0 when nothing is sampled.
        accepted: responses with that verdict, including those that do not train because they repeat another.
        distinct: accepted responses that differ within their question by more than white space (solution paths).
        covered: questions with at least one accepted response.
        tokens: completion tokens of all responses, the cost of sampling.
        accepted_tokens: completion tokens of the responses that train, what a student can learn from in one epoch.
        false_positive_rate: share, in [0, 1], of the accepted responses whose steps were checked that reach the right
            answer by a wrong step; None when no steps were checked.
    """

    questions: int
    sampled: int
    failed: int
    truncated: int
    unparsable: int
    rejected: int
    leaked: int
    accepted: int
    accepted_share: float
    distinct: int
    covered: int
    tokens: int
    accepted_tokens: int
    false_positive_rate: float | None


def cell_statistics(accepted: Sequence[Path], rejected: Sequence[Path]) -> CellStatistics:
    """Give the statistics of one cell from its files of rows that train and of all others.

    Takes about 100 bytes of memory per distinct response.
    """
    training, others = _count(accepted), _count(rejected)
    verdicts, steps = training.verdicts + others.verdicts, training.steps + others.steps
    checked = steps[True] + steps[False]
    return CellStatistics(
        questions=len(training.questions | others.questions),
        sampled=verdicts.total(),
        **{verdict: verdicts[verdict] for verdict in VERDICTS},
        accepted_share=verdicts["accepted"] / max(verdicts.total(), 1),
        distinct=len(_paths(accepted)),
        covered=len(training.questions),
        tokens=training.tokens + others.tokens,
        accepted_tokens=training.tokens,
        false_positive_rate=steps[True] / checked if checked else None,
    )


@dataclass
class _Side:
    verdicts: Counter[str] = field(default_factory=Counter)
    steps: Counter[bool | None] = field(default_factory=Counter)
    questions: set[str] = field(default_factory=set)
    tokens: int = 0


def _count(files: Sequence[Path]) -> _Side:
    side = _Side()
    for batch in _batches(files, ["question_id", "verdict", "tokens", "wrong_step"]):
        side.verdicts.update(batch["verdict"])
        side.steps.update(batch["wrong_step"])
        side.questions.update(batch["question_id"])
        side.tokens += sum(batch["tokens"])
    return side


def _paths(files: Sequence[Path]) -> set[int]:
    paths: set[int] = set()
    for batch in _batches(files, ["question_id", "response"]):
        paths.update(map(path_of, batch["question_id"], batch["response"]))
    return paths


def _batches(files: Sequence[Path], columns: list[str]) -> Iterator[dict[str, list[Any]]]:
    for file in files:
        with pq.ParquetFile(file) as rows:
            for batch in rows.iter_batches(columns=columns):
                yield batch.to_pydict()
