"""Allow for what no curve of the family says: an integrated random walk in octaves, level and slope 0 at its origin.

The family's best member is not the truth, and without an allowance intervals close on it as noise falls. The truth is
taken to be a member plus D(t), t = log2(x / x_first), where the slope of D is a Wiener process W of sd `tau` per octave
to the power 1.5: D(t) = integral of W over [0, t]. For 0 <= s <= t

    Cov(D(s), D(t)) = integral_0^s (s - u)(t - u) du = s^2 (3 t - s) / 6,    Var D(t) = t^3 / 3,

what a cubic smoothing spline assumes (Wahba 1978). So residuals of neighbouring rungs carry over to what is ahead, and
the variance grows with the cube of the distance. Below the origin D goes on as an independent walk of its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from toolkit.laws.curve.forms import Array

FEWEST_CARRIED = 5


class Walk(NamedTuple):
    """Covariances of D in units of tau^2: `fitted` (J, J), `cross` (H, J) and `ahead` (H, H) of rungs and targets."""

    fitted: Array
    cross: Array
    ahead: Array

    def given(self, tau: float, noise: Array) -> tuple[Array, Array]:
        """Return (gain (H, J), root (H, H)) of D at the targets: gain @ residuals + root @ standard normals.

        `noise` (J,) is the variance of the rungs' means. With fewer than 5 rungs, which the family's shapes can follow
        wherever they go, residuals tell nothing of D: then none is carried over, and D keeps its whole variance.
        """
        variance = tau**2
        if len(noise) < FEWEST_CARRIED:
            return np.zeros_like(self.cross), _root(variance * self.ahead)
        total = variance * self.fitted + np.diag(noise)
        gain = np.asarray(np.linalg.solve(total, variance * self.cross.T).T, float)
        return gain, _root(variance * (self.ahead - gain @ self.cross.T))


def covariance(s: Array, t: Array) -> Array:
    """Return Cov(D(s), D(t)), (S, T), of an integrated Wiener process at s (S,) and t (T,) octaves from its origin."""
    s, t = np.meshgrid(s, t, indexing="ij")
    low, high = np.minimum(np.abs(s), np.abs(t)), np.maximum(np.abs(s), np.abs(t))
    return np.where(s * t > 0, low**2 * (3 * high - low) / 6, 0.0)


def walk(fitted: Sequence[Array], ahead: Sequence[Array]) -> Walk:
    """Return the sum of independent walks, one per axis; each axis' positions are in octaves from its first rung."""
    pairs = list(zip(fitted, ahead, strict=True))
    return Walk(
        sum((covariance(t, t) for t in fitted), np.zeros(())),
        sum((covariance(far, t) for t, far in pairs), np.zeros(())),
        sum((covariance(far, far) for far in ahead), np.zeros(())),
    )


def _root(matrix: Array) -> Array:
    """Return R with R R^T = `matrix`, which rounding may have left a little short of positive."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), float)
