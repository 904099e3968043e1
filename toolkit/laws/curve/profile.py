"""Compute an interval of the curve by profile likelihood, which needs no prior, unlike the posterior's.

A value v of the curve at budget r is kept when the best law through (r, v) fits nearly as well as the best law at all.
Priors have no effect within the bounds of the parameters; where E is hardly identified the interval is wider.
"""

import numpy as np
from scipy.stats import t as student

from toolkit.laws.curve.forms import FORMS, Array, phi_box
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.noise import KNOWN, PRIOR_DF
from toolkit.laws.curve.predict import check_level, reach
from toolkit.laws.curve.solve import CELLS
from toolkit.laws.curve.variable_projection import TINY, grid

VALUES = 400


def profile_interval(fit: LawFit, r: float, level: float = 0.9) -> tuple[float, float]:
    """Return (low, high) of the curve at budget r by profile likelihood.

    ValueError without noise or beyond 16 x the last rung.
    """
    check_level(level)
    reach(np.array([float(r)]), float(fit.rungs.x[-1]))
    if fit.solution.posterior is None:
        raise ValueError("no noise is known: a profile needs sd, seeds or n")
    curves, centre = fit.curves(r), float(fit.at(r))
    span = 2 * max(float(curves.max()) - centre, centre - float(curves.min()), TINY)
    values = np.linspace(max(centre - span, 0.0), min(centre + span, fit.settings.top), VALUES)
    cost = best_cost(fit, float(r), values)
    inside = np.flatnonzero(cost - cost.min() <= _threshold(fit, level))
    return float(values[inside[0]]), float(values[inside[-1]])


def best_cost(fit: LawFit, r: float, values: Array) -> Array:
    """Return the least chi-square (V,) of laws that pass through each of `values` (V,) at budget r.

    With the shape fixed and A = (v - E) / S(r) only E is left, a parabola on the interval that keeps A >= 0, E >= 0 and
    E + A <= top.
    """
    x, y = fit.rungs.x, fit.rungs.y
    weights = (fit.noise.scale * fit.solution.misfit.inflation) ** -2.0
    S_all = _shapes(fit, np.append(x, r))
    S, at_r = S_all[:, :-1], np.maximum(S_all[:, -1:], TINY)
    ratio = S / at_r
    square = (1 - ratio) ** 2 @ weights
    linear, cross = (1 - ratio) @ (weights * y), ((1 - ratio) * ratio) @ weights
    floor = (linear[:, None] - values * cross[:, None]) / np.maximum(square, TINY)[:, None]
    lowest = np.maximum((values - fit.settings.top * at_r) / np.maximum(1 - at_r, TINY), 0.0)
    floor = np.clip(floor, np.minimum(lowest, values), values)
    return np.array([_cost(y, weights, ratio, value, column) for value, column in zip(values, floor.T, strict=True)])


def _cost(y: Array, weights: Array, ratio: Array, value: float, floor: Array) -> float:
    residual = y - floor[:, None] * (1 - ratio) - value * ratio
    return float(np.min(residual**2 @ weights))


def _shapes(fit: LawFit, x: Array) -> Array:
    """Return S (cells, X) of the shapes to try: those of the posterior, and a coarse grid in case the prior forbids
    better ones.
    """
    unit = fit.rungs.x[0]
    box = phi_box(fit.settings.form, fit.rungs.x / unit, fit.settings.max_beta)
    draws = fit.solution.posterior.phi if fit.solution.posterior else np.empty((0, len(box)))
    phi = np.vstack([draws, np.clip(fit.solution.curve.phi, *box.T)[None], grid(box, CELLS[len(box)])])
    return FORMS[fit.settings.form].shape(x / unit, phi)


def _threshold(fit: LawFit, level: float) -> float:
    """Return the square of Student's t on the degrees of freedom of the noise."""
    freedom = min(float(np.sum(np.maximum(fit.noise.df - PRIOR_DF, 1))), KNOWN)
    return float(student.ppf((1 + level) / 2, freedom)) ** 2
