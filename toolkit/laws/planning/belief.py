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
from scipy.special import ndtr, ndtri

from toolkit.laws.curve.forms import Array

TINY = 1e-300
OUTCOMES = ndtri((np.arange(200) + 0.5) / 200)  # evenly likely standard normals


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


def chance_right(mean: float, before: float, after: float, margin: float) -> float:
    """Return how probably the better of two is chosen, or one that is worse by at most `margin`, once more is known.

    Their difference is Normal(`mean`, `before`), and its variance is `after` when it will be chosen by its sign; the
    chance is averaged over the means that may then be seen.
    """
    means = mean + np.sqrt(max(before - after, 0.0)) * OUTCOMES
    return float(ndtr((np.abs(means) + margin) / np.sqrt(max(after, TINY))).mean())
