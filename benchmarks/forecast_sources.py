"""Name the sources that forecasts are scored on, which of them the procedure was chosen on, and every choice made.

`SIMULATED` draws a truth per ladder from each family; `real_ladders` and `real_surfaces` read measured ones. A changed
constant in `toolkit/laws/forecast` is chosen on the sources marked "tuning", recorded in `CHOICES`, and then scored on
sources marked "test" that were not looked at before: families and seeds can be had new for nothing.
"""

import csv
import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import betaln

from toolkit.laws.coverage.ladders import LADDERS, SIGMA, TRUTHS, Truth

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("FSS_SHARED_DATA", ROOT.parent / "shared" / "data"))
TIMES = (2.0, 4.0, 8.0)  # targets, beyond the last rung fitted


class Ladder(NamedTuple):
    """Rows to fit, and targets `ahead` (H,) with what is `expected` there: the truth itself (`rows` 0) or the mean of
    so many rows (H,). `quantity` is "error" or "loss"."""

    budgets: np.ndarray
    errors: np.ndarray
    ahead: np.ndarray
    expected: np.ndarray
    rows: np.ndarray
    quantity: str = "error"


class Cells(NamedTuple):
    """The same over two axes: rows to fit (questions, budgets, errors), targets (questions, budgets), means, rows."""

    fitted: np.ndarray
    ahead: np.ndarray
    expected: np.ndarray
    rows: np.ndarray


# source: its part, and why it has it.
SPLIT = {
    "prior": "test, third look: truths drawn from the prior of today's law",
    "saturated": "test, third look",
    "Beta": "test, third look",
    "Zipf": "test, third look",
    "log-normal": "test, third look",
    "stretched": "test, third look",
    "threshold": "tuning: the taus .01 and .03 and the free third were chosen for it and for two populations",
    "two populations": "tuning: as threshold; the family that no tau of sensible width helps",
    "log-logistic": "test, second look; first looked at after the procedure was frozen",
    "sigmoid": "test, second look; as log-logistic",
    "Pareto": "test, second look; as log-logistic",
    "Dirichlet": "test, second look; as log-logistic",
    "power + floor": "test, second look; as log-logistic",
    "FLAN losses": "test, first look",
    "nano, one axis": "test, third look",
    "math, pairs": "test, third look",
    "nano, two axes": "test for all but one choice, see CHOICES",
    "se-physics, stem": "test for all but one choice, see CHOICES",
}

# what was chosen: where.
CHOICES = {
    "thirds (rectified, Lomax, free), tau in {.01, .03}": "on tuning sources, before the second scores",
    "4,096 points and the walk along log2 M plus log2 r on two axes": "with the above",
    "m up to 2 in the rectified third on two axes": "a second look at measured cells: flatters those",
    "amplitude of a loss at most 30 times the largest loss fitted": "on no source: it makes the prior proper",
    "residuals of fewer than 5 rungs are not carried forward": "on no source: a rule that widens only",
}


def _flat(rng: np.random.Generator) -> tuple[float, float]:
    return rng.uniform(0, 0.4), rng.uniform(0.6, 1)


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _between(rng: np.random.Generator, unseen: Truth) -> Truth:
    floor, top = _flat(rng)
    return lambda r: floor + (top - floor) * unseen(np.asarray(r, float))


def _stretched(rng: np.random.Generator, x: np.ndarray) -> Truth:
    h, m = _log(rng, x[0] / 2, 3 * x[-1]), rng.uniform(0.3, 0.9)
    return _between(rng, lambda r: np.exp(-((r / h) ** m)))


def _threshold(rng: np.random.Generator, x: np.ndarray) -> Truth:
    """A quantum needs two sightings, with reveal probabilities p ~ Beta(a, c): E[(1-p)^r + r p (1-p)^(r-1)]."""
    a, c = rng.uniform(0.3, 2), _log(rng, 0.5, 30)
    once = partial(betaln, a + 1)
    return _between(rng, lambda r: np.exp(betaln(a, c + r) - betaln(a, c)) + r * np.exp(once(c + r - 1) - betaln(a, c)))


def _two_populations(rng: np.random.Generator, x: np.ndarray) -> Truth:
    share, early, late = rng.uniform(0.3, 0.7), _log(rng, x[0], 4 * x[0]), _log(rng, x[-1], 12 * x[-1])
    return _between(rng, lambda r: share * np.exp(-r / early) + (1 - share) * np.exp(-r / late))


def _log_logistic(rng: np.random.Generator, x: np.ndarray) -> Truth:
    h, b = _log(rng, x[0], 2 * x[-1]), rng.uniform(1, 2.5)
    return _between(rng, lambda r: 1 / (1 + (r / h) ** b))


def _sigmoid(rng: np.random.Generator, x: np.ndarray) -> Truth:
    h = rng.uniform(0.2, 1) * x[-1]
    s = h * rng.uniform(0.2, 0.5)
    return _between(rng, lambda r: (1 + np.exp(-h / s)) / (1 + np.exp((r - h) / s)))


def _pareto(rng: np.random.Generator, x: np.ndarray) -> Truth:
    """Hazards l >= l0 with density a l0^a / l^(a+1): the integral of exp(-l0 r u^(-1/a)) over u in (0, 1)."""
    a, l0 = rng.uniform(0.3, 1.5), _log(rng, 0.005, 0.2)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    hazards = l0 * ((nodes + 1) / 2) ** (-1 / a)
    return _between(rng, lambda r: np.exp(-np.outer(r, hazards)) @ weights / 2)


def _dirichlet(rng: np.random.Generator, x: np.ndarray) -> Truth:
    """Quanta as likely, and as often needed, as a Dirichlet draw says: sum of p (1 - p)^r."""
    p = rng.dirichlet(np.full(round(_log(rng, 8, 300)), rng.uniform(0.05, 1)))
    p = p[p > 1e-12]
    return _between(rng, lambda r: np.exp(np.outer(r, np.log1p(-np.minimum(p, 1 - 1e-12)))) @ p)


def _power(rng: np.random.Generator, x: np.ndarray) -> Truth:
    a = rng.uniform(0.2, 1.2)
    return _between(rng, lambda r: (r / x[0]) ** -a)


SIMULATED: dict[str, Callable[[np.random.Generator, np.ndarray], Truth]] = TRUTHS | {
    "stretched": _stretched,
    "threshold": _threshold,
    "two populations": _two_populations,
    "log-logistic": _log_logistic,
    "sigmoid": _sigmoid,
    "Pareto": _pareto,
    "Dirichlet": _dirichlet,
    "power + floor": _power,
}


def simulated(family: str, count: int, seed: int) -> Iterator[Ladder]:
    """Yield ladders of 5, 8 and 14 rungs up to 16 with 3 and 4 seeds in turn; the sd of a run is .01 to 1.4 points."""
    rng = np.random.default_rng([seed, *family.encode()])
    designs = list(product(LADDERS.values(), (3, 4)))
    for index in range(count):
        rungs, seeds = designs[index % len(designs)]
        x = np.array(rungs, float)
        truth, sd = SIMULATED[family](rng, x), _log(rng, *SIGMA)
        ahead, budgets = x[-1] * np.array(TIMES), np.repeat(x, seeds)
        errors = np.clip(np.repeat(np.ravel(truth(x)), seeds) + rng.normal(0, sd, budgets.size), 0, 1)
        yield Ladder(budgets, errors, ahead, np.ravel(truth(ahead)), np.zeros(len(TIMES)))


def _prefixes(budgets: np.ndarray, errors: np.ndarray, quantity: str, fewest: int) -> Iterator[Ladder]:
    """Yield a ladder for every last rung from the `fewest`-th on beyond which a target was measured."""
    for last in np.unique(budgets)[fewest - 1 :]:
        at = [errors[np.isclose(budgets, times * last)] for times in TIMES]
        if any(part.size for part in at):
            mean = np.array([part.mean() if part.size else np.nan for part in at])
            rows, fitted = np.array([float(part.size) for part in at]), budgets <= last
            yield Ladder(budgets[fitted], errors[fitted], last * np.array(TIMES), mean, rows, quantity)


def real_ladders() -> Iterator[tuple[str, Ladder]]:
    """Yield measured ladders by source: those of the checkout, and those of the data folder where it is there.

    All prefixes of a ladder of ours from 5 rungs on are forecast; so rows of one source are not independent.
    """
    for name in ("math", "pairs-math"):
        for _, rows in _curves(name).groupby("pair"):
            yield from (("math, pairs", part) for part in _prefixes(*_columns(rows, "budget", "error"), "error", 5))
    for _, rows in groupby(_nano(), key=lambda row: (row["control"], row["questions"])):
        table = np.array([[float(row["budget"]), float(row["error"])] for row in rows]).T
        yield from (("nano, one axis", part) for part in _prefixes(*table, "error", 5))
    for row in _rows(DATA / "rectified_law_flan" / "flan.csv"):
        sizes = [key for key in row if key.isdigit() and int(key) > 0]
        x, y = np.array(sizes, float), np.array([float(row[key]) for key in sizes])
        fitted, ahead = x <= 204_800, 204_800 * np.array(TIMES)
        loss = np.array([y[x == target][0] for target in ahead])
        yield "FLAN losses", Ladder(x[fitted], y[fitted], ahead, loss, np.ones(len(TIMES)), "loss")


def real_surfaces() -> Iterator[tuple[str, Cells]]:
    """Yield measured cells by source, with the largest questions, the largest total or budget held out."""
    for _, rows in groupby(_nano(), key=lambda row: row["control"]):
        table = np.array([[float(row[key]) for key in ("questions", "budget", "error")] for row in rows])
        yield from (("nano, two axes", part) for part in _corners(table.T))
    for name in ("se-physics", "stem"):
        for _, rows in _curves(name).groupby("control"):
            table = np.array(_columns(rows, "questions", "budget", "error"))
            yield from (("se-physics, stem", part) for part in _corners(table))


def _corners(table: np.ndarray) -> Iterator[Cells]:
    """Hold out the cells of the largest questions, and those of the largest total, where 6 cells are left to fit."""
    M, r, y = table
    for held in (M.max() == M, M * r == (M * r).max(), r == r.max()):
        keys, index = np.unique(table[:2, held].T, axis=0, return_inverse=True)
        rows, kept = np.bincount(index.ravel()), table[:, ~held]
        enough = len(np.unique(kept[:2].T, axis=0)) >= 6 and min(len(np.unique(kept[0])), len(np.unique(kept[1]))) > 1
        if enough:
            yield Cells(kept, keys.T, np.bincount(index.ravel(), y[held]) / rows, rows.astype(float))


def _columns(rows: pd.DataFrame, *names: str) -> list[np.ndarray]:
    return [rows[name].to_numpy(float) for name in names]


def _curves(name: str) -> pd.DataFrame:
    (path,) = (ROOT / "spaces" / "law" / "example" / name / "data").glob("curves-*.parquet")
    table = pd.read_parquet(path)
    return table[(table["arm"] == "FSS") & table["control"].isin(["steps", "epochs"])]


def _nano() -> list[dict[str, str]]:
    rows = _rows(DATA / "nano_two_axis.csv")
    return sorted(rows, key=lambda row: (row["control"], int(row["questions"]), int(row["budget"])))


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


def measured_students() -> Iterator[tuple[str, np.ndarray]]:
    """Yield (name, rows of questions, budgets and errors (3, rows)) of measured students over two axes."""
    for control, rows in groupby(_nano(), key=lambda row: row["control"]):
        yield (
            f"nano, {control}",
            np.array([[float(row[key]) for key in ("questions", "budget", "error")] for row in rows]).T,
        )
    for name in ("se-physics", "stem"):
        for control, table in _curves(name).groupby("control"):
            yield f"{name}, {control}", np.array(_columns(table, "questions", "budget", "error"))
