"""Simulated results in the one schema: students on the surface of the law, items of shared difficulty."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from toolkit.laws.curve.forms import n_eff, rectified

LADDER = [(256, r) for r in (1, 2, 4, 8, 16, 32)]
LATE = [(256, r) for r in (4, 8, 16, 32)]  # so that every path forecast is by counts, which is quick
GRID = [(m, r) for m in (256, 512, 1024) for r in (1, 2, 4, 8, 16, 32)]
SPENT = [(256, r) for r in (1, 2, 4, 8, 16)] + [(512, r) for r in (1, 2, 4, 8)] + [(m, 1) for m in (1024, 2048, 4096)]


def simulate(
    cells: Sequence[tuple[int, int]],
    *,
    controls: Sequence[str] = ("steps",),
    pair: str = "nano>nano",
    replicates: int = 4,
    items: int = 200,
    sd: float = 0.0,
    kappa: float = 0.15,
    floor: float = 0.1,
    teacher: float = 0.3,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Curves and items. kappa 0: only the total counts; 1: answers beyond the first are worth nothing. Answers to items
    are exact quantiles of their difficulty, so that noise is what `sd` says."""
    rng = np.random.default_rng(seed)
    curves, answers = [], []
    shared = {"experiment": "sim", "pair": pair, "eval_key": "k"}
    hard = (np.arange(items) + 0.5) / items

    def add(error: float, **keys: object) -> None:
        # A few items change hands between models; how many are wrong does not.
        order = np.argsort(hard + rng.normal(0, 0.02, items))
        wrong = np.zeros(items)
        wrong[order[items - round(error * items) :]] = 1
        curves.append(shared | keys | {"error": wrong.mean(), "n": items})
        row = shared | keys
        answers.append(pd.DataFrame({**row, "item_id": [f"i{at}" for at in range(items)], "correct": 1 - wrong}))

    none = dict.fromkeys(("questions", "budget", "counting", "control", "train_seed", "corpus_draw"))
    add(teacher, arm="teacher", **none)
    add(0.95, arm="base", **none)
    for control in controls:
        for questions, budget in cells:
            effective = n_eff(questions, budget, kappa if control == "steps" else kappa / 2)
            for seed_of in range(replicates):
                error = float(
                    expit(logit(rectified(effective, floor, 1700 * (0.98 - floor), 1700, 1.0)) + rng.normal(0, 4 * sd))
                )
                keys = {"questions": questions, "budget": budget, "counting": "sampled", "control": control}
                add(error, arm="FSS", train_seed=seed_of, corpus_draw=seed_of, **keys)
    return pd.DataFrame(curves), pd.concat(answers, ignore_index=True)
