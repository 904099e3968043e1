"""Paired comparisons of students: budgets, question counts and arms, on the same seeds and the same test items."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from data import AXES, COLUMNS, MISSING, NUMBERS, Experiment
from selection import Chosen
from toolkit.reports.fit_report import LEVEL
from toolkit.reports.results import Series, series_of
from toolkit.reports.rules.gaps import gaps_of, matched
from toolkit.statistics.families import bonferroni
from toolkit.statistics.intervals import Array, Contrast, Interval, contrasts

WORDS = [name for name in COLUMNS if name not in NUMBERS]


class Pairing(NamedTuple):
    """Two cells of students: their names, responses in all of the first, their errors, and the first's minus the
    second's, above 0 where the second is better."""

    first: str
    second: str
    total: float
    errors: tuple[float, float]
    contrast: Contrast

    @property
    def interval(self) -> Interval:
        """What the second wins, a fraction, with its interval at `LEVEL`."""
        return self.contrast.interval(LEVEL)


def together(pairings: Sequence[Pairing]) -> list[Interval]:
    """Wider intervals that hold all at once with `LEVEL` (Bonferroni)."""
    level = bonferroni(LEVEL, len(pairings))
    return [each.contrast.interval(level) for each in pairings]


def doublings(chosen: Chosen) -> list[Pairing]:
    """Budget r against 2 r on the ladder's own questions; ValueError where no budget is twice another."""
    series, asked = _series_of(chosen, _arms(chosen)), _questions(chosen)
    budgets = [budget for questions, budget in series.cells if questions == asked]
    steps = [(budget, 2 * budget) for budget in budgets if 2 * budget in budgets]
    if not steps:
        raise ValueError("no budget of this ladder is twice another one")
    wrong = dict(zip(budgets, series.matrix([(asked, budget) for budget in budgets]), strict=True))
    pairs = [(wrong[r], wrong[double]) for r, double in steps]
    names = [(f"r = {r}", f"r = {double}", float(r * max(asked, 1))) for r, double in steps]
    return _paired(names, pairs)


def more_questions(chosen: Chosen) -> list[Pairing]:
    """At equal responses in all: the fewest questions against more; ValueError where no totals are equal."""
    series = _series_of(chosen, _arms(chosen))
    found = gaps_of(series, matched(series.cells))
    name = "{:,} × {}".format
    return [
        Pairing(name(*gap.few), name(*gap.many), gap.total, _errors(*series.matrix([gap.few, gap.many])), gap.contrast)
        for gap in found
    ]


def other_arms(chosen: Chosen) -> list[Pairing]:
    """The ladder's arm against every other one in the same cells; ValueError where there is no other."""
    mine, rows = _arm(chosen), _like(chosen, chosen.experiment.students)
    others = [str(arm) for arm in rows["arm"].unique() if arm != mine]
    if not others:
        raise ValueError(f"{mine} is the only arm of these students: there is no other to compare it with")
    names, pairs = [], []
    first = _series_of(chosen, (mine,))
    for arm in others:
        second = _series_of(chosen, (arm,))
        for cell in [cell for cell in first.cells if cell in second.cells]:
            shared = sorted({*first.replicates([cell])} & {*second.replicates([cell])})
            if shared:
                names.append((f"{mine}, r = {cell[1]}", f"{arm}, r = {cell[1]}", float(cell[0] * cell[1])))
                pairs.append((_wrong(first, cell, shared), _wrong(second, cell, shared)))
    if not pairs:
        raise ValueError(f"no other arm shares questions, budget and seeds with {mine}")
    return _paired(names, pairs)


def _paired(names: Sequence[tuple[str, str, float]], pairs: Sequence[tuple[Array, Array]]) -> list[Pairing]:
    """Each pair with its contrast; pairs that share replicates are bootstrapped with the same draws."""
    shapes = {first.shape for first, _ in pairs}
    groups = [contrasts([a - b for a, b in pairs])] if len(shapes) == 1 else [contrasts([a - b]) for a, b in pairs]
    contrasted = [each for group in groups for each in group]
    return [Pairing(*name, _errors(*pair), each) for name, pair, each in zip(names, pairs, contrasted, strict=True)]


def _errors(first: Array, second: Array) -> tuple[float, float]:
    return float(first.mean()), float(second.mean())


def _wrong(series: Series, cell: tuple[int, int], replicates: Sequence[tuple[int, int]]) -> Array:
    return np.array([series.wrong[cell, replicate] for replicate in replicates])


def _arm(chosen: Chosen) -> str:
    return str(chosen.experiment.ladders(chosen.pair)[chosen.name]["arm"].iloc[0])


def _arms(chosen: Chosen) -> tuple[str, ...]:
    """Arms that draw as this ladder's does."""
    arm = _arm(chosen)
    return AXES if arm in AXES else (arm,)


def _questions(chosen: Chosen) -> int:
    """Of the ladder; 0 where the table does not tell."""
    return int(chosen.questions) if np.isfinite(chosen.questions) else 0


def _like(chosen: Chosen, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of students of the ladder's pair, control and counting."""
    first = chosen.experiment.ladders(chosen.pair)[chosen.name].iloc[0]
    same = (rows["pair"] == chosen.pair) & (rows["control"] == first["control"])
    return rows[same & (rows["counting"] == first["counting"])]


def _series_of(chosen: Chosen, arms: tuple[str, ...]) -> Series:
    first = chosen.experiment.ladders(chosen.pair)[chosen.name].iloc[0]
    return _series(chosen.experiment, chosen.pair, str(first["control"]), str(first["counting"]), arms)


@lru_cache(maxsize=16)
def _series(experiment: Experiment, pair: str, control: str, counting: str, arms: tuple[str, ...]) -> Series:
    def kept(rows: pd.DataFrame) -> pd.DataFrame:
        like = (rows["control"] == control) & (rows["counting"] == counting) & rows["arm"].isin(arms)
        return rows[(rows["experiment"] == experiment.name) & (rows["pair"] == pair) & like]

    curves = experiment.curves.assign(corpus_draw=experiment.curves.get("corpus_draw", 0.0))
    students = kept(curves).fillna({"questions": 0.0, "n": 0.0})  # a table of somebody's may lack them
    return series_of(students, None if experiment.items is None else kept(_items(experiment.items)))[1][0]


def _items(path: Path) -> pd.DataFrame:
    """Answers to test items in the types of the curves."""
    table = pd.read_parquet(path)
    return table.assign(**{name: table[name].fillna(MISSING).astype(str) for name in WORDS})
