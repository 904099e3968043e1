"""Fit curves by variable projection: for fixed shape parameters, floor and amplitude follow by linear least squares.

Golub & Pereyra (1973). The remaining search has one to three dimensions, so a grid finds the right valley and bounded
least squares its bottom.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from toolkit.laws.curve.forms import Array

STEP = 1e-7  # step of forward differences, in units of the box
TINY = float(np.finfo(float).tiny)

Shape = Callable[[Array], Array]  # phi (cells, d) -> S (cells, J)


class Linear(NamedTuple):
    """Best floor E, amplitude A and weighted sum of squares for each of the shapes tried, all (cells,)."""

    floor: Array
    amplitude: Array
    cost: Array


class Problem(NamedTuple):
    """Observed y (J,), weights (J,) = 1/variance, `shape` with its box (d, 2), and the largest E + A."""

    y: Array
    weights: Array
    shape: Shape
    box: Array
    top: float


def solve_linear(S: Array, y: Array, weights: Array, top: float) -> Linear:
    """Fit y by E + A S by least squares for each row of S (cells, J), within E >= 0, A >= 0, E + A <= top.

    The feasible set is a triangle: where the free optimum leaves it, the best point of its three edges is the answer.
    """
    w = weights / weights.sum()
    y_mean, S_mean = y @ w, S @ w
    S_centred, y_centred = S - S_mean[:, None], y - y_mean
    spread = np.maximum(S_centred**2 @ w, TINY)
    amplitude = S_centred @ (w * y_centred) / spread
    floor = y_mean - amplitude * S_mean
    outside = (floor < 0) | (amplitude < 0) | (floor + amplitude > top)
    if outside.any():
        floor[outside], amplitude[outside] = _best_edge(S[outside], y, w, top)
    residual = y - floor[:, None] - amplitude[:, None] * S
    return Linear(floor, amplitude, residual**2 @ weights)


def _best_edge(S: Array, y: Array, w: Array, top: float) -> tuple[Array, Array]:
    zeros = np.zeros(len(S))
    on_no_floor = np.clip(S @ (w * y) / np.maximum(S**2 @ w, TINY), 0, top)
    edges = [(zeros, on_no_floor), (zeros + np.clip(y @ w, 0, top), zeros)]
    if np.isfinite(top):
        drop = 1 - S
        amplitude = np.clip(drop @ (w * (top - y)) / np.maximum(drop**2 @ w, TINY), 0, top)
        edges.append((top - amplitude, amplitude))
    costs = [(y - floor[:, None] - amplitude[:, None] * S) ** 2 @ w for floor, amplitude in edges]
    best = np.argmin(costs, axis=0)
    floors, amplitudes = (np.array(side) for side in zip(*edges, strict=True))
    rows = np.arange(len(S))
    return floors[best, rows], amplitudes[best, rows]


def grid(box: Array, sizes: tuple[int, ...]) -> Array:
    """Return the cell centres (prod(sizes), d) of a regular grid on the box (d, 2)."""
    axes = [low + (np.arange(size) + 0.5) * (high - low) / size for (low, high), size in zip(box, sizes, strict=True)]
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


class Curve(NamedTuple):
    """The best curve: shape parameters `phi` (d,), floor E, amplitude A."""

    phi: Array
    floor: float
    amplitude: float


def best_curve(problem: Problem, cells: tuple[int, ...], logs: bool = False, starts: int = 1) -> Curve:
    """Fit everything by least squares: polish the best cells of a grid and return the best result.

    With `logs`, `problem.weights` are those of relative errors, 1 / (y sd(log y))^2, and the last fit is to residuals
    of log y.
    """
    phis = grid(problem.box, cells)
    cost = solve_linear(problem.shape(phis), problem.y, problem.weights, problem.top).cost
    width = problem.box[:, 1] - problem.box[:, 0]
    optima: list[tuple[float, Array]] = []
    for _ in range(starts):
        start = phis[np.argmin(cost)]
        optima.append(polish(problem, start))
        # The next start lies at least a quarter of the box away: another valley, if there is one.
        cost = np.where(np.all(np.abs(phis - start) < 0.25 * width, axis=1), np.inf, cost)
    phi = min(optima, key=lambda pair: pair[0])[1]
    linear = solve_linear(problem.shape(phi[None]), problem.y, problem.weights, problem.top)
    floor, amplitude = float(linear.floor[0]), float(linear.amplitude[0])
    if logs:
        phi, floor, amplitude = _polish_logs(problem, phi, floor, amplitude)
    return Curve(phi, floor, amplitude)


def local_optimum(problem: Problem, phi: Array) -> tuple[Array, Array]:
    """Return (phi, covariance (d, d)) of the optimum in the box near `phi`: curvature plus that of the box."""
    low, high = problem.box.T
    if ((phi < low) | (phi > high)).any():
        phi = polish(problem, np.clip(phi, low, high))[1]
    slopes = _jacobian(problem, phi)
    return phi, np.asarray(np.linalg.inv(slopes.T @ slopes + np.diag(12 / (high - low) ** 2)), float)


def polish(problem: Problem, start: Array) -> tuple[float, Array]:
    """Return (weighted sum of squares, phi) after bounded least squares from `start` (d,), E and A projected out."""
    low, high = problem.box.T
    inset = STEP * (high - low)

    def residual(phi: Array) -> Array:
        return _residuals(problem, phi[None])[0]

    def jacobian(phi: Array) -> Array:
        return _jacobian(problem, phi)

    result = least_squares(
        residual,
        np.clip(start, low + inset, high - inset),
        jac=jacobian,
        bounds=(low, high),
        method="dogbox",
        x_scale=high - low,
        ftol=1e-10,
        xtol=1e-12,
        gtol=None,
        max_nfev=200,
    )
    return 2 * float(result.cost), result.x


def _residuals(problem: Problem, phis: Array) -> Array:
    S = problem.shape(phis)
    linear = solve_linear(S, problem.y, problem.weights, problem.top)
    return (problem.y - linear.floor[:, None] - linear.amplitude[:, None] * S) * np.sqrt(problem.weights)


def _jacobian(problem: Problem, phi: Array) -> Array:
    """Return (J, d) forward differences, all in one call; at the upper bound the step goes inward."""
    low, high = problem.box.T
    step = STEP * (high - low)
    step = np.where(phi + step > high, -step, step)
    rows = _residuals(problem, phi + np.vstack([np.zeros(len(phi)), np.diag(step)]))
    return ((rows[1:] - rows[0]) / step[:, None]).T


def _polish_logs(problem: Problem, phi: Array, floor: float, amplitude: float) -> tuple[Array, float, float]:
    """Fit log y by least squares from a relative-error optimum, in (phi, E, E + A) so that all bounds stay a box."""
    d, root = len(phi), np.sqrt(problem.weights) * problem.y

    def residual(theta: Array) -> Array:
        S = problem.shape(theta[None, :d])[0]
        return root * np.log(problem.y / np.maximum(theta[d] + (theta[d + 1] - theta[d]) * S, TINY))

    low, high = np.append(problem.box[:, 0], [0, 0]), np.append(problem.box[:, 1], [problem.top, problem.top])
    scale = np.append(problem.box[:, 1] - problem.box[:, 0], np.full(2, problem.y.max()))
    start = np.clip(np.append(phi, [floor, floor + amplitude]), low, high)
    result = least_squares(
        residual, start, bounds=(low, high), method="dogbox", jac="3-point", x_scale=scale, ftol=1e-15, xtol=1e-12
    )
    floor, start_value = result.x[d:]
    return result.x[:d], float(floor), float(start_value - floor)
