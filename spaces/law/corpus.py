"""The responses behind results: the bundled sample of a release, by question and budget; corpus statistics."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from data import EXAMPLE, FOLDER, Experiment

ACCEPTED = "accepted"


def responses(experiment: Experiment) -> pd.DataFrame:
    """All sampled responses of the bundled questions, in order of question and draw.

    ValueError says where those of other results are.
    """
    if experiment.origin != EXAMPLE:
        raise ValueError(_elsewhere(experiment))
    found = sorted((FOLDER / experiment.name / "data").glob("responses-*.parquet"))
    if not found:
        raise ValueError(f"no sample of the responses of {experiment.name} is bundled")
    return _read(found[0])


def statistics(experiment: Experiment) -> dict[str, dict[str, Any]]:
    """What each budget's corpus holds (sampled, accepted, distinct, covered, ...), where bundled; else nothing."""
    path = FOLDER / experiment.name / "data" / "statistics.json"
    if experiment.origin != EXAMPLE or not path.is_file():
        return {}
    told: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["statistics"]
    return told


def matching(rows: pd.DataFrame, text: str) -> dict[str, str]:
    """Questions by id that contain this text, whatever its case; all for none."""
    every = rows.drop_duplicates("question_id")
    found = every[every["question"].str.contains(text.strip(), case=False, regex=False)]
    return dict(zip(found["question_id"], found["question"], strict=True))


def draws(rows: pd.DataFrame, question: str, rungs: list[int]) -> pd.DataFrame:
    """One question's responses up to the last rung, with the `rung` that added each and the draw that it repeats.

    `repeats`: the index of the first draw with the same text, -1 for a new text.
    """
    mine = rows[(rows["question_id"] == question) & (rows["response_index"] < max(rungs))]
    first = mine.groupby("response")["response_index"].transform("min")
    added = [min(rung for rung in rungs if index < rung) for index in mine["response_index"]]
    return mine.assign(rung=added, repeats=first.where(first < mine["response_index"], -1))


def added(drawn: pd.DataFrame) -> pd.DataFrame:
    """What each rung added to one question: draws, new accepted texts, accepted copies, others; a row per rung."""
    right, new = drawn["verdict"] == ACCEPTED, drawn["repeats"] < 0
    kinds = {"draws": right | ~right, "new": right & new, "copies": right & ~new, "other": ~right}
    return pd.DataFrame({name: kind.groupby(drawn["rung"]).sum() for name, kind in kinds.items()})


@lru_cache(maxsize=4)
def _read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path)


def _elsewhere(experiment: Experiment) -> str:
    repo = experiment.origin.partition("@")[0]
    if "/" not in repo:
        return "a table of results holds no responses: this view shows those of a release"
    name = repo.removesuffix("-results")
    return f"the responses are not on this page: read them with datasets.load_dataset({name!r}, 'all')"
