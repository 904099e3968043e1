"""Hold what is believed of cells that could be run, and what one more student at each of them would tell.

The quantity asked for is a number g that the curve determines: the error at a target, or the difference of two errors.
Of draws of the curve only means and covariances are kept. Then the best linear guess of g from one new student at cell
c, whose noise has variance s^2, leaves of the variance V of g

    V - Cov(g, f_c)^2 / (Var(f_c) + s^2),

whatever the outcome, so that students can be chosen one after another without simulating any. No posterior leaves
more: the expected posterior variance is at most that of the best linear guess, and equal to it where all is Gaussian.
"""

from typing import NamedTuple

import numpy as np

from toolkit.laws.curve.forms import Array

TINY = 1e-300
PLACES = np.arange(1, 400, 2)  # of 200 evenly likely draws, in halves of their steps


class Belief(NamedTuple):
    """Covariances `cells` (C, C) of the errors at the candidate cells, `shared` (C,) of those with g, the `variance` of
    g, and the `noise` (C,), variance of one student's error."""

    cells: Array
    shared: Array
    variance: float
    noise: Array

    @property
    def gain(self) -> Array:
        """Return how much of the variance of g one more student at each cell would remove, (C,)."""
        return np.asarray(self.shared**2 / np.maximum(np.diag(self.cells) + self.noise, TINY), float)

    @property
    def information(self) -> Array:
        """Return what one more student at each cell tells of the whole surface, in nats, (C,)."""
        return np.asarray(np.log1p(np.maximum(np.diag(self.cells), 0.0) / np.maximum(self.noise, TINY)) / 2, float)

    def after(self, index: int) -> "Belief":
        """Return the belief after one more student at the cell."""
        column = self.cells[:, index]
        scale = max(float(column[index] + self.noise[index]), TINY)
        return Belief(
            self.cells - np.outer(column, column) / scale,
            self.shared - column * self.shared[index] / scale,
            max(self.variance - float(self.shared[index]) ** 2 / scale, 0.0),
            self.noise,
        )


def believe(curve: Array, wanted: Array, noise: Array) -> Belief:
    """Return the belief of draws: `curve` (n, C) at the candidate cells, `wanted` (n,) of g; `noise` as in `Belief`."""
    count = curve.shape[1]
    covariance = np.cov(np.column_stack([curve, wanted]), rowvar=False)
    return Belief(covariance[:count, :count], covariance[:count, count], float(covariance[count, count]), noise)


def chance_right(draws: Array, after: float, margin: float) -> float:
    """Return how probably the better of two is chosen, or one that is worse by at most `margin`, once more is known.

    `draws` (n,) are of their difference now, sorted, with a mean of at least 0; `after` is its variance when it will be
    chosen by the sign of its mean then. What will be learned and what will be left are taken to be distributed as the
    draws are now, so that the chance begins at what they say.
    """
    mean, before = float(draws.mean()), float(draws.var(ddof=1))
    left = float(np.sqrt(np.clip(after / max(before, TINY), 0.0, 1.0)))
    around = draws - mean
    means = mean + np.sqrt(1 - left**2) * around[PLACES * len(draws) // (2 * len(PLACES))]
    sign = np.where(means >= 0, 1.0, -1.0)
    bound = -(np.abs(means) + margin) * sign / max(left, TINY)  # on what is left, in units of the draws
    below = np.searchsorted(around, bound) / len(draws)
    return float(np.where(sign > 0, 1 - below, below).mean())
