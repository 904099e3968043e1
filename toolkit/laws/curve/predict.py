"""Build forecasts: a point, a mean and intervals, with a note on how far beyond the data they reach."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from toolkit.laws.curve.forms import Array

WIDEN_BEYOND = 4.0
REFUSE_BEYOND = 16.0


@dataclass(frozen=True)
class Forecast:
    """A prediction at budget(s) `r`; every number is a float for a scalar r, an array of r's shape otherwise.

    `point` is the least-squares curve, `mean` the posterior mean, `low` and `high` the interval of the curve, `low_new`
    and `high_new` that of one new observation (one more row like those fitted). NaN where no noise is known.
    """

    r: float | Array
    point: float | Array
    mean: float | Array
    low: float | Array
    high: float | Array
    low_new: float | Array
    high_new: float | Array
    level: float
    notes: tuple[str, ...] = ()
    questions: float | Array | None = None


def check_level(level: float) -> None:
    """Raise ValueError unless 0 < level < 1."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}: .9 is a 90 % interval")


def reach(x: Array, largest: float, unit: str = "budget") -> float:
    """Return how many times `largest` the largest x is; ValueError for x <= 0 or beyond `REFUSE_BEYOND`."""
    if not (np.isfinite(x).all() and (x > 0).all()):
        raise ValueError(f"a {unit} to predict must be a number above 0, got {x[~(x > 0)][:1]}")
    times = float(x.max() / largest)
    if times > REFUSE_BEYOND * (1 + 1e-12):
        raise ValueError(
            f"{unit} {x.max():g} is {times:.3g} times the largest one fitted ({largest:g}): beyond "
            f"{REFUSE_BEYOND:g} times no form can be trusted, measure a larger rung first"
        )
    return times


def intervals(
    curves: Array, row_sd: Array, level: float, rng: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    """Return (low, high, low_new, high_new), each (X,), of posterior curves (draws, X) and sds of one new row."""
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(curves, tails, axis=0)
    # Evenly spaced normal quantiles in random order: the noise itself then adds no Monte Carlo error.
    normal = ndtri((rng.permutation(len(curves)) + 0.5) / len(curves))
    low_new, high_new = np.quantile(curves + normal[:, None] * row_sd, tails, axis=0)
    return low, high, low_new, high_new


def as_forecast(
    shape: tuple[int, ...], rows: Sequence[Array], level: float, notes: tuple[str, ...], questions: Array | None = None
) -> Forecast:
    """Build a Forecast of (r, point, mean, low, high, low_new, high_new), each (X,), in the requested `shape`."""

    def shaped(row: Array) -> float | Array:
        return float(row[0]) if shape == () else np.reshape(row, shape)

    r, point, mean, low, high, low_new, high_new = (shaped(row) for row in rows)
    shaped_questions = None if questions is None else shaped(questions)
    return Forecast(r, point, mean, low, high, low_new, high_new, level, notes, shaped_questions)
