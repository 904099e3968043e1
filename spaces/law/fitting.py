"""Compute the numbers behind every view, once per data, range and held-out rung.

It calls the functions of `fss fit` and `fss plan` with the same arguments, so that page and command agree to the last
digit. Fits are cached by their input.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.commands import plan as plan_command
from toolkit.laws.curve.baselines import predict_baselines
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.forecast.ahead import Ahead, forecast_of
from toolkit.laws.planning.allocation import Split, frontier, limits
from toolkit.laws.planning.plan import Plan, plan
from toolkit.laws.planning.prices import Prices
from toolkit.laws.surface.fit import SurfaceFit, fit_surface
from toolkit.reports import fit_report
from toolkit.reports.curves import MeasuredLadder, as_ladders
from toolkit.reports.reading.measurements import Measurements

Array = NDArray[np.float64]
MOST_RUNGS = 200  # different budgets, or cells, by which the cost of a fit grows
POINTS, MAP_STEPS = 80, 36  # points of a curve, steps of each axis of a map


class Rung(NamedTuple):
    """Students of one budget: `mean` error, `sd` of one student, `students`, test questions `n`; None where unknown."""

    budget: float
    mean: float
    sd: float | None
    students: int
    n: int | None


def ladder_of(rows: pd.DataFrame, name: str) -> MeasuredLadder:
    """Read the rows of one ladder as `fss fit --x budget --y error --seed train_seed` does."""
    present = {column: column for column in ("sd", "n") if column in rows and rows[column].notna().all()}
    repeated = rows["budget"].duplicated().any()
    sd = present.get("sd") if not repeated else None
    draws = rows["corpus_draw"] if "corpus_draw" in rows else pd.Series(0, index=rows.index)
    table = pd.DataFrame({"budget": rows["budget"], "value": rows["error"]})
    table["seed"] = rows["train_seed"].astype(str) + "/" + draws.astype(str)
    for role, column in (("sd", sd), ("n", present.get("n"))):
        if column:
            table[role] = rows[column]
    return as_ladders(Measurements(table, "error", ()), name)[0]


def fit(ladder: MeasuredLadder, fit_min: float | None = None, fit_max: float | None = None) -> LawFit:
    """Fit the law of a ladder's rungs from `fit_min` to `fit_max`; ValueError says what cannot be fitted."""
    in_range = np.ones(len(ladder.budgets), bool) if fit_min is None else ladder.budgets >= fit_min
    _check_rungs(len(np.unique(ladder.budgets[in_range])), "budgets")
    columns = (ladder.budgets, ladder.values, ladder.sd, ladder.n)
    return _fit(ladder.name, ladder.quantity, fit_max, *(None if c is None else tuple(c[in_range]) for c in columns))


def _check_rungs(count: int, what: str) -> None:
    if count > MOST_RUNGS:
        raise ValueError(f"{count:,} different {what}: at most {MOST_RUNGS} are taken; leave some out, or average them")


@lru_cache(maxsize=64)
def _fit(name: str, quantity: str, fit_max: float | None, *columns: tuple[float, ...] | None) -> LawFit:
    budgets, values, sd, n = (None if column is None else np.array(column) for column in columns)
    assert budgets is not None and values is not None  # `fit` never leaves these out
    return fit_report.fit_ladder(MeasuredLadder(name, budgets, values, sd, n, quantity, ()), fit_max)


@lru_cache(maxsize=64)
def report(law: LawFit, budgets: tuple[float, ...], notes: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """Return what `fss fit --predict BUDGETS --json` prints for one ladder."""
    return fit_report.describe(law, budgets, notes)


@lru_cache(maxsize=64)
def ahead(law: LawFit, budget: float) -> Ahead:
    """Forecast one budget, as `fss fit --predict` does."""
    return forecast_of(law, budget)


@lru_cache(maxsize=64)
def curve(law: LawFit, first: float, last: float) -> Ahead:
    """Forecast `POINTS` budgets from first to last, evenly spaced in their logarithm."""
    return forecast_of(law, np.geomspace(first, last, POINTS))


@lru_cache(maxsize=64)
def baselines(law: LawFit, first: float, last: float) -> tuple[Array, Mapping[str, Array]]:
    """Return budgets as in `curve`, and the prediction of every baseline there."""
    budgets = np.geomspace(first, last, POINTS)
    return budgets, predict_baselines(law, budgets)


def rungs(ladder: MeasuredLadder) -> list[Rung]:
    """Return the ladder's budgets with the observed errors at each."""
    return [_rung(ladder, float(budget)) for budget in np.unique(ladder.budgets)]


def _rung(ladder: MeasuredLadder, budget: float) -> Rung:
    here = ladder.budgets == budget
    values = ladder.values[here]
    declared = None if ladder.sd is None else float(ladder.sd[here].mean())
    sd = float(values.std(ddof=1)) if len(values) > 1 else declared
    return Rung(budget, float(values.mean()), sd, len(values), None if ladder.n is None else int(ladder.n[here][0]))


def gains(law: LawFit, budgets: Array) -> Array:
    """Return what doubling each budget (X,) is forecast to win, as fractions (draws, X), paired over its curves."""
    once, twice = np.split(forecast_of(law, np.concatenate([budgets, 2 * budgets])).curve, 2, axis=1)
    return np.asarray(once - twice)


def turning_point(law: LawFit, least: float, limit: float) -> float | None:
    """Return the first budget up to `limit` whose doubling is expected to win less than `least`, else None."""
    budgets = np.geomspace(float(law.rungs.x[0]), limit, 100)
    small = gains(law, budgets).mean(axis=0) < least
    return float(budgets[int(np.argmax(small))]) if small.any() else None


Cells = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]  # questions, budgets, errors: a row per student


def cells_of(rows: pd.DataFrame) -> Cells:
    """Return rows with questions, budget and error, in their order, as the key by which plans are cached."""
    questions, budgets, errors = (tuple(rows[name].astype(float)) for name in ("questions", "budget", "error"))
    return questions, budgets, errors


@lru_cache(maxsize=16)
def surface(cells: Cells) -> SurfaceFit:
    """Fit the two-axis law as `fss plan` does; ValueError says which cells are missing."""
    _check_rungs(len({*zip(*cells[:2], strict=True)}), "cells")
    return fit_surface(*cells)


class Planned(NamedTuple):
    """A plan, the best split at each spending limit, and what `fss plan --json` prints."""

    advice: Plan
    frontier: list[Split]
    report: dict[str, Any]


@lru_cache(maxsize=64)
def planned(cells: Cells, prices: Prices, spend: float | None, target: float | None, beyond: bool = False) -> Planned:
    """Plan for these cells and prices, or `beyond` twice the tested range; ValueError names what is wrong."""
    fitted = surface(cells)
    advice = plan(fitted, prices, spend=spend, target=target, beyond=beyond)
    best = frontier(fitted, prices)
    return Planned(advice, best, plan_command.describe(fitted, prices, advice, best, ()))


@lru_cache(maxsize=16)
def error_map(cells: Cells) -> tuple[Array, Array, Array]:
    """Return questions (Q,), budgets (R,) and the expected error (R, Q) up to twice the tested range."""
    fitted = surface(cells)
    most_questions, most_budget = limits(fitted, False)
    questions = np.geomspace(fitted.questions.min() / 2, most_questions, MAP_STEPS)
    budgets = np.geomspace(1, most_budget, MAP_STEPS)
    errors = np.array([fitted.error(questions, budget).mean(axis=0) for budget in budgets])
    return questions, budgets, errors


def read_prices(prices: Mapping[str, float | None]) -> Prices:
    """Build a price list by the names of `fss plan --price`; None is 0. ValueError for an impossible price."""
    nonzero = {name: value for name, value in prices.items() if value}
    typed: dict[str, Any] = {name: int(value) if name.startswith("owned") else value for name, value in nonzero.items()}
    return Prices(**typed)
