"""Pool beta partially across pairs of teacher and student.

One ladder hardly determines its exponent, several ladders of one kind do so better: beta of each pair comes from a
normal distribution (truncated to the bounds of beta) whose mean and spread are estimated from all pairs. Each pair's
own draws, taken under a uniform prior, are reweighted by the evidence of the other pairs; nothing is fitted twice.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.special import logsumexp
from scipy.stats import truncnorm

from toolkit.laws.curve.forms import MIN_BETA, Array
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.posterior import Posterior, systematic

SPREAD = 0.3  # half-normal prior scale of the spread of beta between pairs
SPREADS = np.geomspace(0.02, 1.0, 16)
MIN_EFFECTIVE = 100


def pool_beta(fits: Mapping[str, LawFit], seed: int = 0) -> dict[str, LawFit]:
    """Return the fits with posteriors that share beta hierarchically; least-squares curves stay as they are.

    ValueError for fewer than two fits, for forms other than the rectified one, for differing `max_beta` and for fits
    without noise: beta cannot be pooled where its precision is unknown.
    """
    _check(fits)
    top = next(iter(fits.values())).settings.max_beta
    means = np.linspace(MIN_BETA, top, 24)
    mean, spread = (axis.ravel() for axis in np.meshgrid(means, SPREADS, indexing="ij"))
    log_prior = -0.5 * (spread / SPREAD) ** 2 + np.log(spread)  # the grid of spreads is logarithmic
    densities = {name: _log_density(_beta(fit), mean, spread, top) for name, fit in fits.items()}
    evidence = {name: logsumexp(density, axis=0) - np.log(len(density)) for name, density in densities.items()}
    rng = np.random.default_rng(seed)
    pooled = {}
    for name, fit in fits.items():
        others = log_prior + sum(evidence[other] for other in fits if other != name)
        weight = np.exp(logsumexp(densities[name] + (others - logsumexp(others)), axis=1))
        pooled[name] = _resampled(fit, weight / weight.sum(), rng)
    return pooled


def _check(fits: Mapping[str, LawFit]) -> None:
    if len(fits) < 2:
        raise ValueError(f"pooling needs at least 2 ladders, got {len(fits)}")
    for name, fit in fits.items():
        if fit.settings.form != "rectified":
            raise ValueError(f"{name}: only the rectified form has a beta to pool, this is {fit.settings.form!r}")
        if fit.solution.posterior is None:
            raise ValueError(f"{name}: no noise is known, so the precision of its beta is unknown; give sd, seeds or n")
    bounds = {fit.settings.max_beta for fit in fits.values()}
    if len(bounds) > 1:
        raise ValueError(f"max_beta differs between ladders ({', '.join(f'{top:g}' for top in sorted(bounds))})")


def _beta(fit: LawFit) -> Array:
    return fit.draws[:, 3]


def _log_density(beta: Array, mean: Array, spread: Array, top: float) -> Array:
    """Return (draws, hypers) the log density of the truncated normal, relative to the uniform prior of the draws."""
    low, high = (MIN_BETA - mean) / spread, (top - mean) / spread
    density = truncnorm.logpdf(beta[:, None], low, high, loc=mean, scale=spread)
    return np.asarray(density + np.log(top - MIN_BETA), float)


def _resampled(fit: LawFit, weight: Array, rng: np.random.Generator) -> LawFit:
    old, effective = fit.solution.posterior, float(1 / np.sum(weight**2))
    if old is None:
        return fit
    chosen = systematic(weight, len(weight), rng)
    new = Posterior(old.phi[chosen], old.floor[chosen], old.amplitude[chosen], "pooled", effective)
    notes = ["beta is pooled with the other ladders"]
    if effective < MIN_EFFECTIVE:
        notes.append(f"the other ladders disagree with this one's beta: only {effective:.0f} effective draws are left")
    return replace(fit, solution=fit.solution._replace(posterior=new), warnings=(*fit.warnings, *notes))
