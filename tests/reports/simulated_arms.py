"""Simulated results of arms: items of random difficulty, students that vary, and corpora whose metrics shift."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from toolkit.reports.arms import ComparedArm, arms_of
from toolkit.reports.corpora import CorpusKey, CorpusValue, counted

BASE = "rs"
EQUAL = {"evol": 0.0, "persona": 0.0, "self_instruct": 0.0, "augment": 0.0}


def simulate_arms(
    gains: Mapping[str, float],
    *,
    matches: Sequence[str | None] = (None,),
    pairs: Sequence[str] = ("nano>nano",),
    budgets: Sequence[int] = (8,),
    replicates: int = 5,
    items: int = 2000,
    sd: float = 0.004,
    error: float = 0.6,
    control: str = "steps",
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Curves and items of the baseline and of arms that are better by `gains` (fractions); `sd` is between replicates.

    An arm of two matches is as good in both."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(0, 2, items)  # the same for all students
    shared = {"experiment": "sim", "questions": 256, "counting": "sampled", "control": control, "eval_key": "k"}
    curves, answers = [], []
    for pair in pairs:
        for name, gain in {BASE: 0.0, **gains}.items():
            for match in matches:
                for budget in budgets:
                    for replicate in range(replicates):
                        wrong = _answers(rng, hard, error - gain + rng.normal(0, sd))
                        row = shared | {"arm": name, "protocol": "rejection_sampling" if name == BASE else name}
                        row |= {"pair": pair, "match": match, "budget": budget}
                        row |= {"train_seed": replicate, "corpus_draw": replicate}
                        curves.append(row | {"error": wrong.mean(), "n": items})
                        answers.append(
                            pd.DataFrame({**row, "item_id": np.arange(items).astype(str), "correct": 1 - wrong})
                        )
    return pd.DataFrame(curves), pd.concat(answers, ignore_index=True)


def _answers(rng: np.random.Generator, hard: np.ndarray, error: float) -> np.ndarray:
    """Wrong answers with this chance on average: easy items are mostly right in all students."""
    chance = expit(hard + 2 * logit(error))
    chance += error - chance.mean()
    return (rng.random(len(hard)) < chance).astype(float)


def arms(gains: Mapping[str, float], **options: object) -> list[ComparedArm]:
    """The arms of `simulate_arms`."""
    return arms_of(*simulate_arms(gains, **options))[1]


def corpora(
    shifts: Mapping[str, Mapping[str, float]],
    *,
    draws: int = 5,
    budget: int = 8,
    match: str | None = None,
    ledger: Mapping[str, int] | None = None,
    seed: int = 0,
) -> list[CorpusValue]:
    """Corpora of the baseline and of arms whose metrics are `shifts` sd away from the baseline's, at an sd of .01."""
    rng = np.random.default_rng(seed)
    metrics = sorted({metric for each in shifts.values() for metric in each})
    values = []
    for name in {BASE: {}, **shifts}:
        for draw in range(draws):
            corpus = CorpusKey("sim", name, "rejection_sampling" if name == BASE else name, match, budget, draw)
            values += counted(corpus, ledger or {"samples": 2048, "prompt_tokens": 9000, "completion_tokens": 60000})
            for metric in metrics:
                value = 0.5 + 0.01 * (shifts.get(name, {}).get(metric, 0.0) + rng.normal())
                values.append(CorpusValue(corpus, metric, value, value - 0.02, value + 0.02, "share", 256))
    return values
