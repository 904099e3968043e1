"""Hand-made results of arms, as a results dataset: a baseline, four arms at matched samples, one at matched tokens."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from toolkit.reports.corpora import CorpusKey, CorpusValue, counted, write_corpora
from toolkit.reports.step_costs import StepCost, write_step_costs

# By arm: what it is matched at, its protocol, its error, and how far its corpus is from that of `rs`.
ARMS = {
    "rs": (None, "rejection_sampling", 0.60, 0.0),
    "refine": ("samples", "self_refine", 0.58, 3.0),
    "guided": ("samples", "critique_guided", 0.50, 1.0),
    "redi": ("samples", "rejection_sampling", 0.61, -2.0),
    "orca": ("samples", "orca", 0.60, 4.0),
    "refine_tokens": ("tokens", "self_refine", 0.59, 3.2),
}
DRAWS, ITEMS = 3, 40
STEPS = {"self_refine": ("draft", "review"), "critique_guided": ("probe", "critique", "refine")}


def write_arms(folder: Path, renamed: dict[str, str] | None = None, pair: str = "nano>nano", experiment: str = "audit"):
    """Writes the results dataset into `folder`; arms may have other names."""
    names = {arm: (renamed or {}).get(arm, arm) for arm in ARMS}
    data, rng = folder / "data", np.random.default_rng(0)
    data.mkdir(parents=True)
    hard = rng.random(ITEMS)  # which questions are hard is the same for all
    shared = {"experiment": experiment, "pair": pair, "counting": "sampled", "control": "steps", "eval_key": "k"}
    curves, items, values, costs = [], [], [], []
    for arm, (match, protocol, error, shift) in ARMS.items():
        for draw in range(DRAWS):
            wrong = (np.argsort(np.argsort(hard + rng.normal(0, 0.05, ITEMS))) >= ITEMS * (1 - error)).astype(float)
            row = shared | {"arm": names[arm], "protocol": protocol, "questions": 64, "budget": 8, "match": match}
            row |= {"train_seed": draw, "corpus_draw": draw, "benchmark": "pool"}
            curves.append(row | {"error": wrong.mean(), "n": ITEMS})
            items.append(pd.DataFrame({**row, "item_id": [f"t{i}" for i in range(ITEMS)], "correct": 1 - wrong}))
            corpus = CorpusKey(experiment, names[arm], protocol, match, 8, draw)
            for metric, place in (("distinct_2", 0.5 + 0.01 * shift), ("length_mean", 40.0 - shift)):
                value = place + 0.002 * draw
                values.append(CorpusValue(corpus, metric, value, value - 0.1, value + 0.1, "unit", 64))
            values += counted(corpus, {"samples": 512, "prompt_tokens": 9000, "completion_tokens": 60000})
            for at, step in enumerate(STEPS.get(protocol, ("answer",))):
                key = experiment, names[arm], protocol, match, 64, 8, draw, step
                costs.append(StepCost(*key, 100.0 + at, 50.0, 1000.0, 2000.0 + draw, 0.25))
    lines = [
        shared | {"arm": role, "benchmark": "pool", "error": error, "n": ITEMS}
        for role, error in (("teacher", 0.2), ("base", 0.98))
    ]
    pd.DataFrame([*lines, *curves]).to_parquet(data / "curves-000000000000.parquet")
    pd.concat(items).to_parquet(data / "items-000000000000.parquet")
    for name, write, rows in (("corpora", write_corpora, values), ("ledger", write_step_costs, costs)):
        write(data, rows)
        (data / f"{name}.parquet").rename(data / f"{name}-000000000000.parquet")
    (folder / "decisions").mkdir()
    rules = {"margin": 0.03, "alpha": 0.05, "control": "steps", "question_prices": [0.0, 20.0]}
    decision = {"rule": "audit", "experiment": experiment, "rules": rules, "numbers": {"baseline": names["rs"]}}
    (folder / "decisions" / "audit.json").write_text(json.dumps(decision))
    (folder / "manifest.json").write_text(json.dumps({"embedded": [pair], "teacher": "nano"}))
    return folder
