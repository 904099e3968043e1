"""Fit the law of one ladder: check the input, estimate the noise, solve the form, attach warnings."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from toolkit.laws.curve.checks import beta_warnings, check_shape, misfit_warnings, sampling_warnings
from toolkit.laws.curve.data import check_rows, split_rows
from toolkit.laws.curve.forms import Array, form_of
from toolkit.laws.curve.lawfit import NO_NOISE, LawFit
from toolkit.laws.curve.noise import Noise, Rungs, estimate_noise
from toolkit.laws.curve.solve import FitSettings, solve


def fit_law(
    budgets: ArrayLike,
    errors: ArrayLike,
    sd: ArrayLike | None = None,
    *,
    n: ArrayLike | None = None,
    sd_df: float | None = None,
    form: str = "rectified",
    fit_max: float | None = None,
    quantity: str = "error",
    residuals: str = "linear",
    max_beta: float = 1.0,
    draws: int = 2000,
    seed: int = 0,
) -> LawFit:
    """Fit `E + B / (D0 + r^beta)` (or another of `FORMS`) to one row per run, with r > 0 and errors in [0, 1].

    With `quantity="loss"` the values are losses above 0 instead. Repeated budgets are seeds: their spread is the noise.
    Otherwise `sd` is the standard deviation of each value (for a mean over k seeds: sd of the runs / sqrt(k)),
    estimated on `sd_df` degrees of freedom (None: estimated from its scatter, `inf`: known); or `n` is the number of
    test items, for binomial noise. With none of these there is no interval. Rows beyond `fit_max` are held out.
    `residuals="log"` fits log y. A beta above 1, which `max_beta` may allow, has no meaning as coverage.

    Priors: beta uniform on [.1, max_beta], log r_half uniform on [x_first / 30, 30 x_last], (E, L0) uniform with
    0 <= E <= L0 (<= 1 for errors) and E at most the smallest mean + 2.5 sd. ValueError for unusable input, by name.
    """
    settings = FitSettings(form, quantity, residuals, float(max_beta), int(draws), int(seed))
    _check_settings(settings)
    x, y = check_rows(budgets, errors, quantity)
    if residuals == "log" and (y == 0).any():
        raise ValueError("an error of 0 has no logarithm: use residuals='linear'")
    rungs, source, held_out = split_rows(x, y, sd, n, sd_df, fit_max)
    fit = _law(rungs, estimate_noise(rungs, source), settings, held_out)
    if sd is not None and source == "none" and np.abs(fit.residuals).max() > 1e-6 * rungs.y.max():
        raise ValueError("sd is 0 but the errors do not lie on a curve: give the measured sd")
    return fit


def without_top_rung(fit: LawFit) -> LawFit:
    """Return the fit to the same ladder and noise without the last rung."""
    noise = fit.noise._replace(scale=fit.noise.scale[:-1], df=fit.noise.df[:-1])
    return _law(Rungs(*(column[:-1] for column in fit.rungs)), noise, fit.settings, (np.empty(0), np.empty(0)))


def _check_settings(settings: FitSettings) -> None:
    form_of(settings.form)
    if settings.residuals not in ("linear", "log"):
        raise ValueError(f"residuals is {settings.residuals!r}: use 'linear' or 'log'")
    if not 0.1 < settings.max_beta <= 5:
        raise ValueError(f"max_beta must lie in (0.1, 5], got {settings.max_beta:g}: 1 is the law of coverage")
    if settings.draws < 100:
        raise ValueError(f"draws must be at least 100, got {settings.draws}")


def _law(rungs: Rungs, noise: Noise, settings: FitSettings, held_out: tuple[Array, Array]) -> LawFit:
    fit = LawFit(rungs, noise, held_out, solve(rungs, noise, settings), check_shape(rungs, noise), ())
    return replace(fit, warnings=_warnings(fit))


def _warnings(fit: LawFit) -> tuple[str, ...]:
    if fit.solution.posterior is None:
        return (NO_NOISE,)
    if fit.settings.form != "rectified":
        return fit.shape.notes
    low, high = np.quantile(fit.solution.posterior.floor, [0.05, 0.95])
    vague = f"no floor is supported by these data: E lies anywhere from {low:.3g} to {high:.3g} (90 %)"
    return (
        *fit.shape.notes,
        *beta_warnings(fit.beta, fit.settings.max_beta),
        *([] if fit.floor else [vague]),
        *misfit_warnings(fit.solution.misfit),
        *sampling_warnings(fit.solution.posterior.effective),
    )
