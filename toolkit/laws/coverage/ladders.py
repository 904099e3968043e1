"""Simulate ladders with known truths, to check that an interval of 90 % covers 90 %, here and in your own settings.

A coverage figure means nothing without the distribution of truths behind it, so each of `TRUTHS` has a name for tables.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np

from toolkit.laws.coverage.hazards import expected_error
from toolkit.laws.curve.forms import MIN_BETA, SCALE_MARGIN, Array

LADDERS = {
    5: (1, 2, 4, 8, 16),
    8: (1, 2, 3, 4, 6, 8, 12, 16),
    14: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16),
}
SIGMA = (1e-4, 1.4e-2)

Truth = Callable[[Array], Array]  # budgets (X,) -> expected error (X,)


class SimulatedLadder(NamedTuple):
    """A ladder of `budgets` and `errors` (rows,), one row per seed; and the budget `ahead` to forecast, with its
    `expected` error and that of one `new` run.
    """

    budgets: Array
    errors: Array
    ahead: float
    expected: float
    new: float


def _from_prior(rng: np.random.Generator, x: Array) -> Truth:
    """Draw a rectified law from the prior that `fit_law` states."""
    floor, start = np.sort(rng.uniform(0, 1, 2))
    beta = rng.uniform(MIN_BETA, 1)
    half = np.exp(rng.uniform(np.log(x[0] / SCALE_MARGIN), np.log(x[-1] * SCALE_MARGIN)))
    return lambda r: floor + (start - floor) / (1 + (r / half) ** beta)


def _saturated(rng: np.random.Generator, x: Array) -> Truth:
    """Draw an exponential approach to a floor that the ladder reaches."""
    floor, start = rng.uniform(0.1, 0.5), rng.uniform(0.6, 0.95)
    scale = x[-1] * rng.uniform(0.1, 0.5)
    return lambda r: floor + (start - floor) * np.exp(-r / scale)


def _beta(rng: np.random.Generator, x: Array) -> Truth:
    """Draw a curve of Beta distributed reveal probabilities."""
    a, c = rng.uniform(0.2, 2), np.exp(rng.uniform(np.log(0.5), np.log(30)))
    return partial(expected_error, family="beta", floor=rng.uniform(0, 0.4), top=rng.uniform(0.6, 1), a=a, c=c)


def _zipf(rng: np.random.Generator, x: Array) -> Truth:
    """Draw a curve of Zipf quanta: p_k = scale k^-s, weighted by p."""
    s, scale = rng.uniform(1.2, 2.5), rng.uniform(0.1, 0.9)
    floor, top = rng.uniform(0, 0.4), rng.uniform(0.6, 1)
    return partial(expected_error, family="zipf", floor=floor, top=top, s=s, scale=scale, count=20_000)


def _log_normal(rng: np.random.Generator, x: Array) -> Truth:
    """Draw a curve of log-normal hazards, integrated by Gauss-Hermite quadrature."""
    floor, top = rng.uniform(0, 0.4), rng.uniform(0.6, 1)
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    hazards = np.exp(rng.uniform(np.log(0.02), np.log(1)) + rng.uniform(0.5, 2.5) * nodes)
    weights = weights / weights.sum()
    return lambda r: floor + (top - floor) * np.exp(-np.outer(np.atleast_1d(r), hazards)) @ weights


TRUTHS: dict[str, Callable[[np.random.Generator, Array], Truth]] = {
    "prior": _from_prior,
    "saturated": _saturated,
    "Beta": _beta,
    "Zipf": _zipf,
    "log-normal": _log_normal,
}


def simulate_ladders(truth: str, count: int, seed: int = 0, *, times: float = 2.0) -> Iterator[SimulatedLadder]:
    """Yield `count` ladders of `truth`, with 5, 8 and 14 rungs and 3 and 4 seeds in turn.

    The budget to forecast is `times` the last rung. The sd of a run is one number per ladder, log-uniform on .01 to 1.4
    points; errors are clipped to [0, 1].
    """
    rng = np.random.default_rng(seed)
    designs = list(product(LADDERS.values(), (3, 4)))
    for index in range(count):
        rungs, seeds = designs[index % len(designs)]
        x = np.array(rungs, float)
        curve = TRUTHS[truth](rng, x)
        sd = np.exp(rng.uniform(*np.log(SIGMA)))
        expected = float(np.ravel(curve(np.array([times * x[-1]])))[0])
        errors = np.clip(np.repeat(curve(x), seeds) + rng.normal(0, sd, x.size * seeds), 0, 1)
        yield SimulatedLadder(
            np.repeat(x, seeds), errors, times * x[-1], expected, float(np.clip(rng.normal(expected, sd), 0, 1))
        )
