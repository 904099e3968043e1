"""Weigh every member of the family by the rungs, with floor and amplitude integrated out, and draw curves.

Given a member's shape S, the walk's tau and the rungs' noise, y = E + A S + D + noise is Gaussian with the covariance
Sigma = tau^2 C + diag(variance). With Sigma = L L^T let u, s and z be L^-1 applied to 1, S and y. Then

    -2 log likelihood = |z - E u - A s|^2 + log det Sigma,

so that A given E is Normal((s.z - E s.u) / s.s, 1 / s.s), cut to 0 <= A <= top - E (its integral a difference of normal
distribution functions), and what is left over E, with u' = u - (s.u / s.s) s and z' likewise, is Gaussian with
precision u'.u', integrated over 16 midpoints of the range that has its mass. Every (tau, nugget, member, midpoint)
weighs what its integral says: sums over them are marginal likelihoods, and no chain has to converge.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from toolkit.laws.curve.forms import Array
from toolkit.laws.curve.marginal import NODES, TINY, Marginal, log_inside, truncated_normal, window
from toolkit.laws.curve.posterior import systematic
from toolkit.laws.forecast.discrepancy import Walk

NEGLIGIBLE = 36.0  # chi-square above the best member's beyond which a member is not integrated
WIDEST = 1e5  # sd of an amplitude that the rungs do not tell, in units of its bound: flat to all digits that matter
SURE = 1e-6  # sd added to every rung, as a share of the fall: rungs without noise would make Sigma singular at t = 0


class Rung(NamedTuple):
    """What is known of the rungs: mean errors `y` (J,) and the `variance` (J,) of each; the largest value of E + A."""

    y: Array
    variance: Array
    top: float

    @property
    def fall(self) -> float:
        """Return the range of the errors, the unit of tau and of nuggets."""
        return float(np.ptp(self.y))


class Integral(NamedTuple):
    """Members `kept` (k,), by index, whose fit is not negligible, with the distribution of (E, A) for each."""

    kept: NDArray[np.intp]
    marginal: Marginal


class Hypothesis(NamedTuple):
    """An allowance `tau` for the walk and a `nugget`, an sd added to every rung; shares of the fall, equally likely."""

    tau: float
    nugget: float


class Averaged(NamedTuple):
    """Equally weighted draws: `curve` (n, H) at the targets, `floor` (n,) of E, the `member` (n,) and `nugget` (n,) of
    each; and `weight` (K,), the posterior probability of every member."""

    curve: Array
    floor: Array
    member: NDArray[np.intp]
    nugget: Array
    weight: Array


def integrate(S: Array, y: Array, sigma: Array, top: float, floor_max: float) -> Integral:
    """Integrate (E, A) out for each shape S (K, J), given the covariance `sigma` (J, J) of y (J,); E in [0, floor_max].

    The log mass of `Marginal` is the log of the integral of the normalised likelihood over the cell, but for the
    constant (2 pi)^((1 - J) / 2), which all hypotheses share.
    """
    L = np.linalg.cholesky(sigma)
    u, z, s = (solve_triangular(L, b, lower=True) for b in (np.ones_like(y), y, S.T))
    square = np.maximum(np.sum(s**2, axis=0), (WIDEST * top) ** -2)
    base, slope, sd = z @ s / square, u @ s / square, square**-0.5
    u_left, z_left = u[:, None] - slope * s, z[:, None] - base * s
    precision = np.maximum(np.sum(u_left**2, axis=0), 1e-12 * (u @ u))
    floor = np.sum(u_left * z_left, axis=0) / precision
    cost = np.sum((z_left - floor * u_left) ** 2, axis=0)
    nearest = cost + (floor - np.clip(floor, 0.0, floor_max)) ** 2 * precision
    k = np.flatnonzero(nearest < nearest.min() + NEGLIGIBLE)
    low, high = window(floor[k], precision[k] ** -0.5, floor_max)
    width = np.maximum((high - low) / NODES, TINY)
    nodes = low[:, None] + (np.arange(NODES) + 0.5) * width[:, None]
    inside = log_inside(base[k, None] - slope[k, None] * nodes, sd[k, None], np.maximum(top - nodes, 0.0))
    node_cost = cost[k, None] + (nodes - floor[k, None]) ** 2 * precision[k, None]
    log_mass = inside - 0.5 * node_cost + np.log(width * sd[k])[:, None] - np.log(np.diag(L)).sum()
    return Integral(k, Marginal(base[k], slope[k], sd[k], nodes, width, log_mass))


def average(
    S: Array, rungs: Rung, walk: Walk, hypotheses: Sequence[Hypothesis], draws: int, rng: np.random.Generator
) -> Averaged:
    """Draw `draws` curves, given the shapes S (K, J + H) of equally likely members at the rungs and at the targets.

    E and A are uniform on 0 <= E <= min(y + 2.5 sd), 0 <= A <= top - E: an error may lie below its floor by noise.
    """
    J, floor_max = len(rungs.y), _floor_max(rungs)
    noises = [rungs.variance + (np.hypot(part.nugget, SURE) * rungs.fall) ** 2 for part in hypotheses]
    integrals = [
        integrate(S[:, :J], rungs.y, (part.tau * rungs.fall) ** 2 * walk.fitted + np.diag(noise), rungs.top, floor_max)
        for part, noise in zip(hypotheses, noises, strict=True)
    ]
    masses = [integral.marginal.log_mass for integral in integrals]
    best = max(float(mass.max()) for mass in masses)
    weights = [np.exp(mass - best) for mass in masses]
    picked = systematic(np.concatenate([weight.ravel() for weight in weights]), draws, rng)
    ends = np.cumsum([weight.size for weight in weights])
    parts = []
    for part, noise, integral, end, weight in zip(hypotheses, noises, integrals, ends, weights, strict=True):
        cells = picked[(picked >= end - weight.size) & (picked < end)] - (end - weight.size)
        gain, root = walk.given(part.tau * rungs.fall, noise)
        curve, floor, member = _draw(S, rungs, integral, cells, gain, rng)
        curve = curve + rng.standard_normal(curve.shape) @ root.T
        parts.append((curve, floor, member, np.full(len(cells), part.nugget * rungs.fall)))
    order = rng.permutation(draws)
    curve, floor, member, nugget = (np.concatenate(column)[order] for column in zip(*parts, strict=True))
    return Averaged(curve, floor, member, nugget, _member_weight(len(S), integrals, weights))


def _floor_max(rungs: Rung) -> float:
    """Return the largest E: no more than 2.5 sds above any rung; where no sd is known, a hundredth of the fall."""
    sd = np.sqrt(np.where(rungs.variance > 0, rungs.variance, (0.01 * rungs.fall) ** 2))
    return min(float(np.min(rungs.y + 2.5 * sd)), rungs.top)


def _draw(
    S: Array, rungs: Rung, integral: Integral, cells: NDArray[np.intp], gain: Array, rng: np.random.Generator
) -> tuple[Array, Array, NDArray[np.intp]]:
    """Draw (curve plus the residuals that `gain` carries over, E, member) of the picked `cells`, (member, midpoint)."""
    marginal, J = integral.marginal, len(rungs.y)
    cell, node = cells // NODES, cells % NODES
    floor = marginal.nodes[cell, node] + (rng.random(len(cells)) - 0.5) * marginal.width[cell]
    mean = marginal.base[cell] - marginal.slope[cell] * floor
    high = np.maximum(rungs.top - floor, TINY)
    amplitude = truncated_normal(mean, marginal.sd[cell], high, rng.random(len(cells)))
    member = integral.kept[cell]
    curves = floor[:, None] + amplitude[:, None] * S[member]
    return curves[:, J:] + (rungs.y - curves[:, :J]) @ gain.T, floor, member


def _member_weight(count: int, integrals: Sequence[Integral], weights: Sequence[Array]) -> Array:
    total = np.zeros(count)
    for integral, weight in zip(integrals, weights, strict=True):
        total[integral.kept] += weight.sum(axis=1)
    return total / total.sum()
