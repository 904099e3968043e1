"""Define the family of curves that forecasts average over, and its prior as a library of points.

    S(x) = (1 + (2^q - 1) (x / h)^m)^(-1/q),    S(0) = 1, S(h) = 1/2, S falls to 0 as x^(-m/q)

h is the budget that wins half of the amplitude, whatever m and q are. The named laws are members of it:

- q = 1: 1 / (1 + (x/h)^m), the rectified law with beta = m and r_half = h.
- m = 1: (1 + x/c)^-a with a = 1/q and c = h / (2^q - 1), Lomax's curve.
- q -> 0: exp(-ln 2 (x/h)^m), as (2^q - 1)/q -> ln 2; for m = 1 the exponential saturation.

For m <= 1 every member is a law of coverage. Let G ~ Gamma(1/q) and let T be positive stable of index m, so that
E exp(-s T) = exp(-s^m). The hazard l = c^(1/m) G^(1/m) T then has E exp(-l x) = E exp(-c G x^m) = (1 + c x^m)^(-1/q),
which is S with c = (2^q - 1) / h^m. For m > 1 the curve starts flat, which no hazards do: a threshold.

The prior is a third each for the rectified law (m uniform), Lomax's (q = 3 u^3) and the free members (m uniform on
[.3, 1.5], q = 3 u^3), u uniform: the cube puts half of the mass on tails steeper than x^(-2.6 m). log h is uniform
between bounds that the data set. Two axes add kappa, log-uniform on [.01, 1].
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from toolkit.laws.curve.forms import MIN_BETA, Array

THIRDS = ("rectified", "Lomax", "free")
KINDS = {
    "rectified": "the rectified law",
    "sooner": "a law that flattens sooner than the rectified one",
    "longer": "a law with another shoulder than the rectified one and a tail as long",
    "threshold": "a threshold, a flat start that no law of coverage has",
}
FREE_M = (0.3, 1.5)
MAX_Q = 3.0
MIN_Q = 1e-6  # closer to 0 the curve is the exponential one to more digits than a float has
MIN_KAPPA = 0.01
FLAT_START = 1.2  # the m beyond which a member is called a threshold in words


class Library(NamedTuple):
    """Equally likely points (K,) of the prior: the `place` of log h between its bounds in [0, 1), m, q, log kappa and
    the `third` (0, 1 or 2, an index of `THIRDS`) that each comes from."""

    place: Array
    m: Array
    q: Array
    log_kappa: Array
    third: NDArray[np.intp]

    def log_half(self, low: float, high: float) -> Array:
        """Return log h (K,) for its bounds."""
        return low + (high - low) * self.place

    def shapes(self, log_x: Array, low: float, high: float) -> Array:
        """Return S (K, J) at log x, (J,) or (K, J), with log h in [low, high]."""
        return shape(log_x - self.log_half(low, high)[:, None], self.m[:, None], self.q[:, None])

    def kinds(self) -> NDArray[np.str_]:
        """Return for each point its key in `KINDS`.

        A clear threshold has m > 1.2 in any third, as rungs hardly tell a smaller m from 1; else a tail m/q above 1,
        steeper than that of every rectified law of coverage, flattens sooner.
        """
        others = np.where(self.m / self.q > 1, "sooner", "longer")
        return np.where(self.m > FLAT_START, "threshold", np.where(self.third == 0, "rectified", others))


def shape(z: Array, m: Array | float, q: Array | float) -> Array:
    """Return S at z = log(x / h) for 0 < m and 0 < q (broadcast): 1 far below h, 1/2 at h, 0 far beyond."""
    return np.exp(-np.logaddexp(0.0, np.log(np.expm1(q * np.log(2))) + m * z) / q)


@cache
def library(count: int, max_m: float) -> Library:
    """Return 3 x `count` Sobol points (a power of 2) of the prior, with the rectified third's m up to `max_m`.

    The points are the same in every process: they are a quadrature of the prior, not a sample that a seed changes.
    """
    parts = [_third(index, count, max_m) for index in range(len(THIRDS))]
    place, m, q, log_kappa = np.concatenate(parts, axis=1)
    return Library(place, m, q, log_kappa, np.repeat(np.arange(len(THIRDS)), count))


def _third(index: int, count: int, max_m: float) -> Array:
    place, u, v, w = qmc.Sobol(4, rng=index).random(count).T
    tail = np.maximum(MAX_Q * u**3, MIN_Q)
    m, q = (
        (MIN_BETA + (max_m - MIN_BETA) * u, np.ones(count)),
        (np.ones(count), tail),
        (FREE_M[0] + (FREE_M[1] - FREE_M[0]) * v, tail),
    )[index]
    return np.stack([place, m, q, np.log(MIN_KAPPA) * w])
