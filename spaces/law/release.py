"""The release behind results, on the Hub: its questions, and the responses of a few of them at a time.

Nothing is downloaded as a whole: of each parquet file the column of question ids is read, then the row groups that hold
the questions asked for.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

import hub

MOST_QUESTIONS = 5_000  # that can be searched
COLUMNS = ["question_id", "question", "answer", "response_index", "response", "verdict", "extracted"]


def named(results: Path) -> tuple[str, str]:
    """Dataset repo and commit of the release that these results were measured on; ValueError where they name none."""
    try:
        source = json.loads((results / "manifest.json").read_text(encoding="utf-8"))["provenance"]["data"]
        repo, revision = str(source["repo"]), str(source["revision"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"these results do not say which release they were measured on ({error!r})") from error
    if not hub.REPO.fullmatch(repo):
        raise ValueError(f"these results were measured on {repo!r}, which is no dataset of the Hub")
    return repo, revision


@lru_cache(maxsize=8)
def manifest(repo: str, revision: str) -> Mapping[str, Any]:
    """The release's manifest: its configs with their files, and its statistics. ValueError when it cannot be read."""
    try:
        with hub.opened(repo, revision, "manifest.json") as file:
            known: Mapping[str, Any] = json.loads(file.read())
        if not {"configs", "statistics"} <= known.keys():
            raise ValueError("its manifest is not one of a release")
    except ValueError as error:
        raise ValueError(_elsewhere(repo, revision, error)) from error
    return known


@lru_cache(maxsize=8)
def questions(repo: str, revision: str) -> dict[str, str]:
    """Questions by id in the order of the pool, the first `MOST_QUESTIONS`; ValueError when they cannot be read."""
    found: dict[str, str] = {}
    for name in _files(repo, revision, "questions"):
        for rows in _batches(repo, revision, name):
            found |= zip(rows["question_id"], rows["question"], strict=True)
            if len(found) >= MOST_QUESTIONS:
                return dict(list(found.items())[:MOST_QUESTIONS])
    return found


@lru_cache(maxsize=32)
def responses(repo: str, revision: str, question: str) -> pd.DataFrame:
    """All sampled responses to a question, in order of their draw; ValueError when they cannot be read."""
    found = [_of_question(repo, revision, name, question) for name in _files(repo, revision, "all")]
    return pd.concat(found, ignore_index=True).sort_values("response_index", ignore_index=True)


def _files(repo: str, revision: str, config: str) -> list[str]:
    return list(manifest(repo, revision)["configs"].get(config, {}).get("files", []))


def _batches(repo: str, revision: str, name: str) -> Iterator[pd.DataFrame]:
    try:
        with hub.opened(repo, revision, name) as file, pq.ParquetFile(file) as table:
            for batch in table.iter_batches(batch_size=1000, columns=["question_id", "question"]):
                yield batch.to_pandas()
    except ValueError as error:
        raise ValueError(_elsewhere(repo, revision, error)) from error


def _of_question(repo: str, revision: str, name: str, question: str) -> pd.DataFrame:
    try:
        with hub.opened(repo, revision, name) as file, pq.ParquetFile(file) as table:
            every = range(table.num_row_groups)
            ids = (table.read_row_group(group, columns=["question_id"])["question_id"] for group in every)
            groups = [group for group, column in enumerate(ids) if pc.any(pc.equal(column, question)).as_py()]
            rows = table.read_row_groups(groups, columns=COLUMNS).to_pandas()
    except ValueError as error:
        raise ValueError(_elsewhere(repo, revision, error)) from error
    return rows[rows["question_id"] == question]


def _elsewhere(repo: str, revision: str, error: Exception) -> str:
    return (
        f"the responses of {repo}@{revision[:12]} cannot be read here: {error}. "
        f"Elsewhere: datasets.load_dataset({repo!r}, 'all', revision={revision!r})"
    )
