"""Integrate out floor and amplitude, the part of the posterior that is (almost) closed form.

For fixed shape parameters the curve E + A S(x) is linear, so under Gaussian weights A given E is a truncated normal
(its integral a difference of normal distribution functions) and E is left to a short quadrature of its own width for
each shape.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from toolkit.laws.curve.forms import Array
from toolkit.laws.curve.variable_projection import Problem

NODES = 16
TINY = float(np.finfo(float).tiny)


class Marginal(NamedTuple):
    """The distribution of (E, A) for each of the shapes (cells,).

    A | E ~ Normal(`base` - `slope` E, `sd`^2) on 0 <= A <= top - E. `nodes` and `log_mass` (cells, NODES) are midpoints
    of E and the log of the integral over their cell, `width` (cells,) is the width of that cell.
    """

    base: Array
    slope: Array
    sd: Array
    nodes: Array
    width: Array
    log_mass: Array


def integrate(S: Array, problem: Problem, floor_max: float) -> Marginal:
    """Integrate the Gaussian likelihood of `problem` over (E, A), for each shape S (cells, J); E in [0, floor_max]."""
    y, weights = problem.y, problem.weights
    total = weights.sum()
    S_mean, y_mean = S @ weights / total, y @ weights / total
    square = np.maximum(S**2 @ weights, TINY)
    spread = np.maximum((S - S_mean[:, None]) ** 2 @ weights, TINY)
    amplitude = (S - S_mean[:, None]) @ (weights * (y - y_mean)) / spread
    floor = y_mean - amplitude * S_mean
    cost = (y - floor[:, None] - amplitude[:, None] * S) ** 2 @ weights
    floor_var = square / (total * spread)
    low, high = window(floor, np.sqrt(floor_var), floor_max)
    width = np.maximum((high - low) / NODES, TINY)
    nodes = low[:, None] + (np.arange(NODES) + 0.5) * width[:, None]
    base, slope, sd = S @ (weights * y) / square, S @ weights / square, square**-0.5
    node_cost = cost[:, None] + (nodes - floor[:, None]) ** 2 / floor_var[:, None]
    inside = log_inside(base[:, None] - slope[:, None] * nodes, sd[:, None], np.maximum(problem.top - nodes, 0.0))
    return Marginal(base, slope, sd, nodes, width, inside - 0.5 * node_cost + np.log(width * sd)[:, None])


def window(floor: Array, sd: Array, floor_max: float) -> tuple[Array, Array]:
    """Return the range of E that has its mass, given its mean and sd without bounds.

    It is five sds wide to either side or, where a bound cuts it off, ten lengths of the remaining tail.
    """
    mode = np.clip(floor, 0.0, floor_max)
    reach = np.minimum(5 * sd, 10 * sd**2 / np.maximum(np.abs(floor - mode), sd))
    return np.maximum(mode - reach, 0.0), np.minimum(mode + reach, floor_max)


def log_inside(mean: Array, sd: Array, high: Array) -> Array:
    """Return log P(0 <= X <= high) of X ~ Normal(mean, sd^2), accurate in both tails; -inf where high is 0."""
    low_z, high_z = -mean / sd, (high - mean) / sd
    flip = low_z > 0
    upper, lower = log_ndtr(np.where(flip, -low_z, high_z)), log_ndtr(np.where(flip, -high_z, low_z))
    with np.errstate(divide="ignore", invalid="ignore"):
        return upper + np.log(-np.expm1(np.minimum(lower - upper, 0.0)))


def truncated_normal(mean: Array, sd: Array, high: Array, uniform: Array) -> Array:
    """Draw from Normal(mean, sd^2) on [0, high] by inverting `uniform`, from the nearer tail for precision."""
    low_z, high_z = -mean / sd, (high - mean) / sd
    flip = low_z > 0
    lower, upper = np.where(flip, -high_z, low_z), np.where(flip, -low_z, high_z)
    z = ndtri(ndtr(lower) + uniform * (ndtr(upper) - ndtr(lower)))
    return np.clip(mean + sd * np.where(flip, -z, z), 0.0, high)
