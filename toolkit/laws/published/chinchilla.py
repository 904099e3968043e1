"""Fit the five parameters of `L = E + A/N^alpha + B/D^beta` (Hoffmann et al. 2022, approach 3) to the optimum.

The objective is the *sum* over runs of the Huber loss of log residuals, delta 1e-3. The average instead of the sum is
so small that an optimiser with default tolerances stops at once, which is how the parameters first published came out
wrong (Besiroglu et al. 2024, arXiv 2404.10102). Starts come from the data: with the exponents fixed the law is linear.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import OptimizeResult, least_squares, nnls
from scipy.special import softmax

from toolkit.laws.published.laws import chinchilla

Array = NDArray[np.float64]

EXPONENTS = (0.1, 0.2, 0.3, 0.45, 0.65, 1.0)
STARTS = 6


class ChinchillaFit(NamedTuple):
    """The parameters of `E + A/N^alpha + B/D^beta`, in the units of N and D, and the summed Huber loss."""

    E: float
    A: float
    B: float
    alpha: float
    beta: float
    objective: float

    def predict(self, params: ArrayLike, tokens: ArrayLike) -> Array:
        """Return the loss at N parameters and D tokens (arrays broadcast), in the unit of the fitted losses."""
        return chinchilla(params, tokens, *self[:5])

    @property
    def params_exponent(self) -> float:
        """Return a of the compute-optimal size N ~ C^a when training costs 6 N D: beta / (alpha + beta)."""
        return self.beta / (self.alpha + self.beta)


def fit_chinchilla(params: ArrayLike, tokens: ArrayLike, loss: ArrayLike, *, delta: float = 1e-3) -> ChinchillaFit:
    """Fit the five parameters to runs of N parameters, D tokens and final loss (three arrays of one shape, all > 0).

    `delta` is the log residual (about a relative error) beyond which a run counts linearly: 1e-3 in both papers.
    Raises ValueError on fewer than 6 runs, values that are not positive and finite, and sizes that never vary.
    """
    n, d, y = _checked(params, tokens, loss)
    # Sizes relative to their geometric means: otherwise A and alpha are all but collinear.
    centre = np.exp([np.log(n).mean(), np.log(d).mean()])
    sizes = np.log(np.stack([n, d])) - np.log(centre)[:, None]
    fits = [_polish(start, sizes, np.log(y), delta) for start in _starts(sizes, y)]
    log_a, log_b, log_e, alpha, beta = min(fits, key=lambda fit: fit.cost).x
    a, b = np.exp(log_a) * centre[0] ** alpha, np.exp(log_b) * centre[1] ** beta
    best = min(fit.cost for fit in fits)
    return ChinchillaFit(float(np.exp(log_e)), float(a), float(b), float(alpha), float(beta), float(best))


def _checked(params: ArrayLike, tokens: ArrayLike, loss: ArrayLike) -> tuple[Array, Array, Array]:
    arrays = {"params": params, "tokens": tokens, "loss": loss}
    n, d, y = (np.asarray(value, float).ravel() for value in arrays.values())
    if not n.size == d.size == y.size:
        raise ValueError(f"params, tokens and loss must have one value per run, got {n.size}, {d.size} and {y.size}")
    if n.size < 6:
        raise ValueError(f"five parameters need at least 6 runs, got {n.size}")
    for name, value in zip(arrays, (n, d, y), strict=True):
        if not np.all(np.isfinite(value) & (value > 0)):
            raise ValueError(f"{name} must be positive and finite, got {value[~(np.isfinite(value) & (value > 0))][0]}")
        if np.ptp(value) == 0:
            raise ValueError(f"{name} is {value[0]:g} in every run: vary it, or fit a law without it")
    return n, d, y


def _starts(sizes: Array, loss: Array) -> list[Array]:
    """Return the best grid points of (alpha, beta), with A, B, E by non-negative relative least squares."""
    candidates = []
    for alpha in EXPONENTS:
        for beta in EXPONENTS:
            columns = np.stack([np.exp(-alpha * sizes[0]), np.exp(-beta * sizes[1]), np.ones_like(loss)], axis=1)
            weights, misfit = nnls(columns / loss[:, None], np.ones_like(loss))
            # A weight of exactly 0 has no logarithm to start from.
            logs = np.log(np.maximum(weights, 1e-3 * loss.min()))
            candidates.append((misfit, np.array([*logs, alpha, beta])))
    return [start for _, start in sorted(candidates, key=lambda pair: pair[0])[:STARTS]]


def _polish(start: Array, sizes: Array, log_loss: Array, delta: float) -> OptimizeResult:
    """Minimise the summed Huber loss from one start; the result's `cost` is the objective."""

    def residuals(theta: Array) -> Array:
        return np.logaddexp.reduce(_terms(theta, sizes), axis=0) - log_loss

    def jacobian(theta: Array) -> Array:
        shares = softmax(_terms(theta, sizes), axis=0)
        return np.stack([*shares, -shares[0] * sizes[0], -shares[1] * sizes[1]], axis=1)

    return least_squares(
        residuals,
        start,
        jac=jacobian,
        loss="huber",
        f_scale=delta,
        x_scale="jac",
        ftol=1e-14,
        xtol=1e-14,
        gtol=1e-14,
        max_nfev=2000,
    )


def _terms(theta: Array, sizes: Array) -> Array:
    log_a, log_b, log_e, alpha, beta = theta
    return np.stack([log_a - alpha * sizes[0], log_b - beta * sizes[1], np.full(sizes.shape[1], log_e)])
