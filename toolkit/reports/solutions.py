"""Read the solution paths of a release, by question and draw, from which saturation is decided without training."""

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
        questions: size of that set; shells are read in order until it is reached.

    Raises:
        ValueError: for no such files, shells that do not add up to so many questions, or a missing draw.
    """
    paths: dict[str, dict[int, str | None]] = defaultdict(dict)
    shells = sorted({path.name for path in release.glob("data/*/q*")}, key=lambda name: int(name[1:]))
    for shell in shells:
        for file in sorted(release.glob(f"data/*/{shell}/*.parquet")):
            for question, index, response, verdict in zip(*_columns(file), strict=True):
                paths[question][index] = " ".join(response.split()) if verdict == "accepted" else None
        if len(paths) >= questions:
            break
    if len(paths) != questions:
        raise ValueError(f"{release}: its first shells hold {len(paths):,} questions, the ladder has {questions:,}")
    draws = max(map(len, paths.values()))
    for question, by_index in paths.items():
        if sorted(by_index) != list(range(draws)):
            raise ValueError(
                f"{release}: question {question!r} has {len(by_index)} of {draws} draws; count sampled draws"
            )
    return [[by_index[index] for index in range(draws)] for by_index in paths.values()]


def _columns(file: Path) -> list[list[Any]]:
    return [column.to_pylist() for column in pq.read_table(file, columns=COLUMNS).columns]
