"""The solution paths of a release, by question and draw: what saturation is read from, without any training."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

COLUMNS = ["question_id", "response_index", "response", "verdict"]


def release_paths(release: Path, questions: int) -> list[Sequence[str | None]]:
    """Read for each of the smallest question set's questions and each draw its path if it was accepted, else None.

    A path is a response up to white space. Files are `data/{accepted,rejected}/q<shell>/*.parquet` of a release.

    Args:
        release: its folder.
        questions: how many the set has; shells are read in order until they are reached.

    Raises:
        ValueError: no such files, shells that do not add up to so many questions, or a draw that is missing.
    """
    found: dict[str, dict[int, str | None]] = defaultdict(dict)
    shells = sorted({path.name for path in release.glob("data/*/q*")}, key=lambda name: int(name[1:]))
    for shell in shells:
        for file in sorted(release.glob(f"data/*/{shell}/*.parquet")):
            for question, index, response, verdict in zip(*_columns(file), strict=True):
                found[question][index] = " ".join(response.split()) if verdict == "accepted" else None
        if len(found) >= questions:
            break
    if len(found) != questions:
        raise ValueError(f"{release}: its first shells hold {len(found):,} questions, the ladder has {questions:,}")
    draws = max(map(len, found.values()))
    for question, drawn in found.items():
        if sorted(drawn) != list(range(draws)):
            raise ValueError(f"{release}: question {question!r} has {len(drawn)} of {draws} draws; count sampled draws")
    return [[drawn[index] for index in range(draws)] for drawn in found.values()]


def _columns(file: Path) -> list[list[Any]]:
    return [column.to_pylist() for column in pq.read_table(file, columns=COLUMNS).columns]
