"""Model how a source spreads over solution paths: Pitman-Yor within questions, Beta acceptance across them.

The accepted responses of a question fall on paths as customers on tables: after n accepted on k paths the next is a new
path with probability (theta + sigma k) / (theta + n) (Pitman & Yor 1997, with one theta, sigma for the pool; sigma < 0
means that a question has only theta / -sigma paths). The share of responses that is accepted is Beta(a, c) across
questions. Both are fitted by maximum likelihood from counts. They extrapolate to any budget, with an error that depends
on how wrong the model is: beyond a doubling take them as a guess.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize
from scipy.special import betaln, expit, gammaln

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


class PathModel(NamedTuple):
    """Parameters of the spread over paths, theta > 0 and sigma < 1, and of acceptance across questions, a, c > 0."""

    theta: float
    sigma: float
    a: float
    c: float

    def new_paths(self, distinct: Integers, accepted: Integers, draws: int, more: int) -> Array:
        """Return the expected number of new distinct accepted paths in `more` further responses, per question (Q,).

        `distinct` counts the paths among the `accepted` of the first `draws` responses, integers (Q,). A sampler may
        stop at each question where the result is too small.
        """
        offset, slope = self._growth(draws, more)
        # A question may have one path more than a finite model allows: then no other is left.
        return np.maximum(offset[accepted] + slope[accepted] * distinct, 0.0)

    def _growth(self, draws: int, more: int) -> tuple[Array, Array]:
        """Return offset and slope, averaged over accepts, of the linear growth of new paths: offset[n] + slope[n] k."""
        n = np.arange(draws + 1.0)
        offset, slope = np.zeros(draws + 1), np.zeros(draws + 1)
        mean_offset, mean_slope = np.zeros(draws + 1), np.zeros(draws + 1)
        for accepted in range(more):
            share = self.sigma / (self.theta + n + accepted)
            offset = offset * (1 + share) + self.theta / (self.theta + n + accepted)
            slope = slope * (1 + share) + share
            weight = self._accepts(n, draws, more, accepted + 1)
            mean_offset, mean_slope = mean_offset + weight * offset, mean_slope + weight * slope
        return mean_offset, mean_slope

    def _accepts(self, accepted: Array, draws: int, more: int, count: int) -> Array:
        """Return P(`count` of `more` further responses are accepted | `accepted` of `draws` were): beta-binomial."""
        a, c = self.a + accepted, self.c + draws - accepted
        choose = -np.log(more + 1) - betaln(count + 1, more - count + 1)
        return np.exp(choose + betaln(a + count, c + more - count) - betaln(a, c))

    def uncovered(self, draws: int, more: int) -> float:
        """Return P(`more` further responses leave a question without an accepted one | the first `draws` did)."""
        return float(np.exp(betaln(self.a, self.c + draws + more) - betaln(self.a, self.c + draws)))


def fit_paths(accepted: Integers, distinct: Integers, frequencies: Integers, draws: int, weights: Array) -> PathModel:
    """Fit the model by maximum likelihood to each question's accepted responses and distinct paths (Q,), and to the
    numbers of paths that occur 1..draws times (Q, draws); `weights` (Q,) are 1, or a bootstrap's multiplicities."""
    by_accepted = np.bincount(accepted, weights, draws + 1).astype(float)
    by_distinct = np.bincount(distinct, weights, draws + 1).astype(float)
    theta, sigma = _fit_spread(by_accepted, by_distinct, weights @ frequencies)
    return PathModel(theta, sigma, *_fit_acceptance(by_accepted))


def _fit_spread(by_accepted: Array, by_distinct: Array, frequencies: Array) -> tuple[float, float]:
    """Fit theta and sigma to how many questions have n accepted, k distinct, and how many paths occur j times."""
    n, j = np.arange(1.0, by_accepted.size), np.arange(1.0, frequencies.size + 1)
    # A question with more than i paths opened its (i+1)-th after the first i, i = 1, 2, ...
    opened = np.trim_zeros(np.cumsum(by_distinct[::-1])[::-1][2:], "b")
    i = np.arange(1.0, opened.size + 1)

    def loss(theta: float, sigma: float) -> float:
        tables = opened @ np.log(theta + sigma * i)
        draws = by_accepted[1:] @ (gammaln(theta + n) - gammaln(theta + 1))
        return -float(tables - draws + frequencies @ (gammaln(j - sigma) - gammaln(1 - sigma)))

    def endless(point: Array) -> tuple[float, float]:
        return float(np.exp(point[0])), float(expit(point[1]))

    def finite(point: Array) -> tuple[float, float]:
        spread, paths = np.exp(point[0]), opened.size + np.exp(point[1])
        return float(spread * paths), -float(spread)

    def fit(shape: Callable[[Array], tuple[float, float]], box: list[tuple[float, float]]) -> OptimizeResult:
        def at(point: Array) -> float:
            return loss(*shape(point))

        return minimize(at, np.zeros(2), method="L-BFGS-B", bounds=box)

    unbounded, bounded = fit(endless, [(-9, 9), (-9, 7)]), fit(finite, [(-4, 5), (-2, 7)])
    return endless(unbounded.x) if unbounded.fun <= bounded.fun else finite(bounded.x)


def _fit_acceptance(by_accepted: Array) -> tuple[float, float]:
    draws = by_accepted.size - 1
    n = np.arange(draws + 1.0)

    def loss(point: Array) -> float:
        a, c = np.exp(point)
        return -float(by_accepted @ (betaln(a + n, c + draws - n) - betaln(a, c)))

    best = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-7, 7), (-7, 7)])
    return float(np.exp(best.x[0])), float(np.exp(best.x[1]))
