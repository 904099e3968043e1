"""Read the release behind results from the Hub: its questions, and the responses to a few of them at a time.

Nothing is downloaded as a whole: of each parquet file the column of question ids is read, then the row groups with the
requested questions.
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

MOST_QUESTIONS = 5_000  # largest number of questions to search
COLUMNS = ["question_id", "question", "answer", "response_index", "response", "verdict", "extracted"]


def source_of(results: Path) -> tuple[str, str]:
    """Return repo and commit of the release that these results were measured on; ValueError where they name none."""
    try:
        source = json.loads((results / "manifest.json").read_text(encoding="utf-8"))["provenance"]["data"]
        repo, revision = str(source["repo"]), str(source["revision"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"these results do not say which release they were measured on ({error!r})") from error
    if not hub.REPO.fullmatch(repo):
        raise ValueError(f"these results were measured on {repo!r}, which is not a dataset of the Hub")
    return repo, revision


@lru_cache(maxsize=8)
def manifest(repo: str, revision: str) -> Mapping[str, Any]:
    """Read the release's manifest, with its configs and statistics. ValueError when it cannot be read."""
    try:
        with hub.opened(repo, revision, "manifest.json") as file:
            data: Mapping[str, Any] = json.loads(file.read())
        if not {"configs", "statistics"} <= data.keys():
            raise ValueError("its manifest is not one of a release")
    except ValueError as error:
        raise ValueError(_elsewhere(repo, revision, error)) from error
    return data


@lru_cache(maxsize=8)
def questions(repo: str, revision: str) -> dict[str, str]:
    """Read questions by id in the order of the pool, the first `MOST_QUESTIONS`; ValueError when that fails."""
    questions_by_id: dict[str, str] = {}
    for name in _files(repo, revision, "questions"):
        for rows in _batches(repo, revision, name):
            questions_by_id |= zip(rows["question_id"], rows["question"], strict=True)
            if len(questions_by_id) >= MOST_QUESTIONS:
                return dict(list(questions_by_id.items())[:MOST_QUESTIONS])
    return questions_by_id


@lru_cache(maxsize=32)
def responses(repo: str, revision: str, question: str) -> pd.DataFrame:
    """Read all sampled responses to a question, in order of their draw; ValueError when they cannot be read."""
    parts = [_of_question(repo, revision, name, question) for name in _files(repo, revision, "all")]
    return pd.concat(parts, ignore_index=True).sort_values("response_index", ignore_index=True)


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
            all_groups = range(table.num_row_groups)
            ids = (table.read_row_group(group, columns=["question_id"])["question_id"] for group in all_groups)
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
