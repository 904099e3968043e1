"""Compare students in pairs: budgets, question counts and arms, on the same seeds and the same test items."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from data import AXES, COLUMNS, MISSING, NUMBERS, Experiment
from selection import Choice
from toolkit.reports.fit_report import LEVEL
from toolkit.reports.results import Series, series_of
from toolkit.reports.rules.gaps import gaps_of, matched
from toolkit.statistics.families import bonferroni
from toolkit.statistics.intervals import Array, Contrast, Interval, contrasts

WORDS = [name for name in COLUMNS if name not in NUMBERS]


class Pairing(NamedTuple):
    """Two cells of students: their names, total responses of the first, their errors, and the first's minus the
    second's, above 0 where the second is better."""

    first: str
    second: str
    total: float
    errors: tuple[float, float]
    contrast: Contrast

    @property
    def interval(self) -> Interval:
        """Return what the second wins, a fraction, with its interval at `LEVEL`."""
        return self.contrast.interval(LEVEL)


def together(pairings: Sequence[Pairing]) -> list[Interval]:
    """Return wider intervals that hold all at once with `LEVEL` (Bonferroni)."""
    level = bonferroni(LEVEL, len(pairings))
    return [pairing.contrast.interval(level) for pairing in pairings]


def doublings(choice: Choice) -> list[Pairing]:
    """Pair budget r with 2 r on the ladder's own questions; ValueError where no budget is twice another."""
    series, size = _series_of(choice, _arms(choice)), _questions(choice)
    budgets = [budget for questions, budget in series.cells if questions == size]
    steps = [(budget, 2 * budget) for budget in budgets if 2 * budget in budgets]
    if not steps:
        raise ValueError("no budget of this ladder is twice another one")
    wrong = dict(zip(budgets, series.matrix([(size, budget) for budget in budgets]), strict=True))
    pairs = [(wrong[r], wrong[double]) for r, double in steps]
    names = [(f"r = {r}", f"r = {double}", float(r * max(size, 1))) for r, double in steps]
    return _paired(names, pairs)


def more_questions(choice: Choice) -> list[Pairing]:
    """Pair the fewest questions with more at equal total responses; ValueError where no totals are equal."""
    series = _series_of(choice, _arms(choice))
    gaps = gaps_of(series, matched(series.cells))
    name = "{:,} × {}".format
    return [
        Pairing(name(*gap.few), name(*gap.many), gap.total, _errors(*series.matrix([gap.few, gap.many])), gap.contrast)
        for gap in gaps
    ]


def other_arms(choice: Choice) -> list[Pairing]:
    """Pair the ladder's arm with every other one in the same cells; ValueError where there is no other."""
    mine, rows = _arm(choice), _like(choice, choice.experiment.students)
    others = [str(arm) for arm in rows["arm"].unique() if arm != mine]
    if not others:
        raise ValueError(f"{mine} is the only arm of these students: there is no other to compare it with")
    names, pairs = [], []
    first = _series_of(choice, (mine,))
    for arm in others:
        second = _series_of(choice, (arm,))
        for cell in [cell for cell in first.cells if cell in second.cells]:
            shared = sorted({*first.replicates([cell])} & {*second.replicates([cell])})
            if shared:
                names.append((f"{mine}, r = {cell[1]}", f"{arm}, r = {cell[1]}", float(cell[0] * cell[1])))
                pairs.append((_wrong(first, cell, shared), _wrong(second, cell, shared)))
    if not pairs:
        raise ValueError(f"no other arm shares questions, budget and seeds with {mine}")
    return _paired(names, pairs)


def _paired(names: Sequence[tuple[str, str, float]], pairs: Sequence[tuple[Array, Array]]) -> list[Pairing]:
    """Return each pair with its contrast; pairs that share replicates are bootstrapped with the same draws."""
    shapes = {first.shape for first, _ in pairs}
    groups = [contrasts([a - b for a, b in pairs])] if len(shapes) == 1 else [contrasts([a - b]) for a, b in pairs]
    all_contrasts = [contrast for group in groups for contrast in group]
    return [
        Pairing(*name, _errors(*pair), contrast)
        for name, pair, contrast in zip(names, pairs, all_contrasts, strict=True)
    ]


def _errors(first: Array, second: Array) -> tuple[float, float]:
    return float(first.mean()), float(second.mean())


def _wrong(series: Series, cell: tuple[int, int], replicates: Sequence[tuple[int, int]]) -> Array:
    return np.array([series.wrong[cell, replicate] for replicate in replicates])


def _arm(choice: Choice) -> str:
    return str(choice.experiment.ladders(choice.pair)[choice.name]["arm"].iloc[0])


def _arms(choice: Choice) -> tuple[str, ...]:
    """Return the arms that draw as this ladder's does."""
    arm = _arm(choice)
    return AXES if arm in AXES else (arm,)


def _questions(choice: Choice) -> int:
    """Return the ladder's number of questions; 0 where the table does not say."""
    return int(choice.questions) if np.isfinite(choice.questions) else 0


def _like(choice: Choice, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of students of the ladder's pair, control and counting."""
    first = choice.experiment.ladders(choice.pair)[choice.name].iloc[0]
    same = (rows["pair"] == choice.pair) & (rows["control"] == first["control"])
    return rows[same & (rows["counting"] == first["counting"])]


def _series_of(choice: Choice, arms: tuple[str, ...]) -> Series:
    first = choice.experiment.ladders(choice.pair)[choice.name].iloc[0]
    return _series(choice.experiment, choice.pair, str(first["control"]), str(first["counting"]), arms)


@lru_cache(maxsize=16)
def _series(experiment: Experiment, pair: str, control: str, counting: str, arms: tuple[str, ...]) -> Series:
    def rows_of(rows: pd.DataFrame) -> pd.DataFrame:
        like = (rows["control"] == control) & (rows["counting"] == counting) & rows["arm"].isin(arms)
        return rows[(rows["experiment"] == experiment.name) & (rows["pair"] == pair) & like]

    curves = experiment.curves.assign(corpus_draw=experiment.curves.get("corpus_draw", 0.0))
    students = rows_of(curves).fillna({"questions": 0.0, "n": 0.0})  # a user's table may lack them
    return series_of(students, None if experiment.items is None else rows_of(_items(experiment.items)))[1][0]


def _items(path: Path) -> pd.DataFrame:
    """Read answers to test items in the types of the curves."""
    table = pd.read_parquet(path)
    return table.assign(**{name: table[name].fillna(MISSING).astype(str) for name in WORDS})
