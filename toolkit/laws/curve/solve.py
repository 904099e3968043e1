"""Solve one form on one ladder: the least-squares curve, how well it fits, and the posterior."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from toolkit.laws.curve.checks import Misfit, measure_misfit
from toolkit.laws.curve.forms import FORMS, Array, phi_box
from toolkit.laws.curve.noise import Noise, Rungs, row_sd
from toolkit.laws.curve.posterior import Posterior, sample, student_t
from toolkit.laws.curve.predict import intervals
from toolkit.laws.curve.variable_projection import Curve, Problem, best_curve, local_optimum

CELLS = {1: (400,), 2: (40, 40)}


class FitSettings(NamedTuple):
    """The options of a fit, as `fit_law` describes them."""

    form: str = "rectified"
    quantity: str = "error"
    residuals: str = "linear"
    max_beta: float = 1.0
    draws: int = 2000
    seed: int = 0

    @property
    def top(self) -> float:
        """Return the largest value that a curve may take: 1 for errors."""
        return 1.0 if self.quantity == "error" else np.inf


class Solution(NamedTuple):
    """A fitted form, with budgets in units of `unit`, the first rung; `posterior` is None where no noise is known."""

    settings: FitSettings
    unit: float
    curve: Curve
    posterior: Posterior | None
    misfit: Misfit

    def at(self, r: ArrayLike) -> Array:
        """Return the least-squares curve at budgets r > 0 of any shape."""
        x = np.asarray(r, float)
        S = FORMS[self.settings.form].shape(x.ravel() / self.unit, self.curve.phi[None])[0]
        return (self.curve.floor + self.curve.amplitude * S).reshape(x.shape)

    def curves(self, r: Array) -> Array:
        """Return posterior curves (draws, X) at budgets r (X,); (0, X) without noise."""
        if self.posterior is None:
            return np.empty((0, r.size))
        S = FORMS[self.settings.form].shape(r / self.unit, self.posterior.phi)
        return self.posterior.floor[:, None] + self.posterior.amplitude[:, None] * S

    def bounds(self, r: Array, level: float, noise: Noise) -> Array:
        """Return (low, high, low_new, high_new) at budgets r (X,), as (4, X)."""
        rng = np.random.default_rng(self.settings.seed)
        curves = self.curves(r)
        sd = row_sd(noise, r, rng.standard_normal((len(curves), 2)))
        return np.clip(intervals(curves, sd, level, rng), 0.0, self.settings.top)


def solve(rungs: Rungs, noise: Noise, settings: FitSettings) -> Solution:
    """Fit `settings.form` to the rungs: variable projection for the point, grid or whitened draws for the rest."""
    has_noise, logs = noise.source != "none", settings.residuals == "log"
    shape = partial(FORMS[settings.form].shape, rungs.x / rungs.x[0])
    box, loose = (phi_box(settings.form, rungs.x / rungs.x[0], settings.max_beta, loose) for loose in (False, True))
    # Where the noise is unknown it is taken to be the same for all rungs, absolute or relative.
    scale = noise.scale if has_noise else rungs.y if logs else np.ones_like(rungs.y)
    problem = Problem(rungs.y, scale**-2.0, shape, loose, settings.top)
    curve = best_curve(problem, CELLS[len(box)], logs, starts=1 if has_noise else 3)
    fitted = curve.floor + curve.amplitude * shape(curve.phi[None])[0]
    misfit = measure_misfit(rungs.y - fitted, noise, parameters=len(box) + 2)
    if not has_noise:
        return Solution(settings, float(rungs.x[0]), curve, None, misfit)
    scale = noise.scale * misfit.inflation
    # The Gaussian has the variance of the Student-t (df > 2 always: PRIOR_DF is 4).
    wide = problem._replace(weights=(noise.df - 2) / noise.df / scale**2, box=box)
    likelihood = student_t(rungs.y, scale / rungs.y if logs else scale, noise.df, logs)
    floor_max = min(float(np.min(rungs.y + 2.5 * scale)), settings.top)
    optimum, rng = local_optimum(wide, curve.phi), np.random.default_rng(settings.seed)
    posterior = sample(wide, likelihood, floor_max, optimum, CELLS[len(box)], settings.draws, rng)
    return Solution(settings, float(rungs.x[0]), curve, posterior, misfit)
