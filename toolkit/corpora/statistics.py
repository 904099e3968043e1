"""What a cell of a corpus holds, counted from its files: verdicts, solution paths, coverage, tokens, wrong steps."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = ["question_id", "response", "verdict", "tokens", "wrong_step"]


@dataclass(frozen=True)
class CellStatistics:
    """Counts of one cell; `sampled` is the sum of the five verdicts.

    Attributes:
        questions: seed questions in the cell.
        accepted_share: accepted / sampled, in [0, 1]; 0 when nothing is sampled.
        distinct: accepted responses that differ within their question by more than white space (solution paths).
        covered: questions with at least one accepted response.
        tokens: completion tokens of all responses, the cost of sampling.
        accepted_tokens: completion tokens of the accepted responses, what a student can learn from in one epoch.
        false_positive_rate: share, in [0, 1], of the accepted responses whose steps were checked that reach the right
            answer by a wrong step; None when no steps were checked.
    """

    questions: int
    sampled: int
    failed: int
    truncated: int
    unparsable: int
    rejected: int
    accepted: int
    accepted_share: float
    distinct: int
    covered: int
    tokens: int
    accepted_tokens: int
    false_positive_rate: float | None


def corpus_statistics(corpus: Path, cells: Mapping[str, Sequence[str]]) -> dict[str, CellStatistics]:
    """The statistics of every cell of a corpus folder; `cells` maps a cell's name to its `budgets.cell_files`."""
    sides = corpus / "data" / "accepted", corpus / "data" / "rejected"
    return {
        name: cell_statistics(*([side / file for file in files] for side in sides)) for name, files in cells.items()
    }


def cell_statistics(accepted: Iterable[Path], rejected: Iterable[Path]) -> CellStatistics:
    """The statistics of one cell from its parquet files, in about 100 bytes of memory per distinct response."""
    verdicts: Counter[str] = Counter()
    steps: Counter[bool | None] = Counter()
    questions: set[str] = set()
    covered: set[str] = set()
    paths: set[bytes] = set()
    tokens = accepted_tokens = 0
    for batch in _batches(rejected):
        verdicts.update(batch["verdict"])
        questions.update(batch["question_id"])
        tokens += sum(batch["tokens"])
    for batch in _batches(accepted):
        verdicts.update(batch["verdict"])
        covered.update(batch["question_id"])
        paths.update(map(_path_of, batch["question_id"], batch["response"]))
        steps.update(batch["wrong_step"])
        accepted_tokens += sum(batch["tokens"])
    checked = steps[True] + steps[False]
    return CellStatistics(
        questions=len(questions | covered),
        sampled=verdicts.total(),
        failed=verdicts["failed"],
        truncated=verdicts["truncated"],
        unparsable=verdicts["unparsable"],
        rejected=verdicts["rejected"],
        accepted=verdicts["accepted"],
        accepted_share=verdicts["accepted"] / max(verdicts.total(), 1),
        distinct=len(paths),
        covered=len(covered),
        tokens=tokens + accepted_tokens,
        accepted_tokens=accepted_tokens,
        false_positive_rate=steps[True] / checked if checked else None,
    )


def _batches(files: Iterable[Path]) -> Iterator[dict[str, list[Any]]]:
    for file in files:
        with pq.ParquetFile(file) as rows:
            batch: pa.RecordBatch
            for batch in rows.iter_batches(columns=COLUMNS):
                yield batch.to_pydict()


def _path_of(question_id: str, response: str) -> bytes:
    text = f"{question_id}\0{' '.join(response.split())}"
    return blake2b(text.encode(), digest_size=16).digest()
