"""Read the responses behind results, by question and budget, and corpus statistics: bundled, or from a release."""

import json
import re
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import release
from data import Experiment

ACCEPTED = "accepted"
LAST = re.compile(r"\d+$")  # the budget in a configuration's name: r16, a16, q4-r8


def questions(experiment: Experiment, count: float) -> dict[str, str]:
    """Return questions by id: of the bundled sample, or the first `count` (NaN: all) of the release behind the results.

    ValueError says why there are none.
    """
    if (sample := _sample(experiment)) is not None:
        return dict(zip(sample["question_id"], sample["question"], strict=True))
    all_questions = release.questions(*_source(experiment))
    return dict(islice(all_questions.items(), int(count) if np.isfinite(count) else None))


def responses(experiment: Experiment, question: str) -> pd.DataFrame:
    """Return all sampled responses to a question, in order of their draw; ValueError when they cannot be read."""
    if (sample := _sample(experiment)) is not None:
        return sample[sample["question_id"] == question]
    return release.responses(*_source(experiment), question)


def statistics(experiment: Experiment, pair: str) -> dict[tuple[float, float], dict[str, Any]]:
    """Return the counts of each (questions, budget): sampled, accepted, distinct, covered, ...

    It is empty unless the statistics are bundled and of this pair's teacher.
    """
    path = experiment.folder and experiment.folder / "data" / "statistics.json"
    if path is None or not path.is_file() or not experiment.published(pair):
        return {}
    entries = json.loads(path.read_text(encoding="utf-8"))["statistics"]
    return {(entry["questions"], float(LAST.findall(name)[0])): entry for name, entry in entries.items()}


def matching(questions_by_id: dict[str, str], text: str) -> dict[str, str]:
    """Return the questions that contain this text, whatever its case; all for an empty text."""
    part = text.strip().casefold()
    return {key: question for key, question in questions_by_id.items() if part in question.casefold()}


def draws(rows: pd.DataFrame, rungs: list[int]) -> pd.DataFrame:
    """Return a question's responses up to the last rung, with the `rung` that added each and the draw that it repeats.

    `repeats` is the index of the first draw with the same text, -1 for a new text.
    """
    mine = rows[rows["response_index"] < max(rungs)]
    first = mine.groupby("response")["response_index"].transform("min")
    added = [min(rung for rung in rungs if index < rung) for index in mine["response_index"]]
    return mine.assign(rung=added, repeats=first.where(first < mine["response_index"], -1))


def added(rows: pd.DataFrame) -> pd.DataFrame:
    """Count what each rung added to one question: draws, new accepted texts, accepted copies, others."""
    right, new = rows["verdict"] == ACCEPTED, rows["repeats"] < 0
    kinds = {"draws": right | ~right, "new": right & new, "copies": right & ~new, "other": ~right}
    return pd.DataFrame({name: kind.groupby(rows["rung"]).sum() for name, kind in kinds.items()})


def _sample(experiment: Experiment) -> pd.DataFrame | None:
    files = [] if experiment.folder is None else sorted((experiment.folder / "data").glob("responses-*.parquet"))
    return _read(files[0]) if files else None


def _source(experiment: Experiment) -> tuple[str, str]:
    if experiment.folder is None:
        raise ValueError("a table of results holds no responses: this view shows those of a release")
    return release.source_of(experiment.folder)


@lru_cache(maxsize=4)
def _read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path)
