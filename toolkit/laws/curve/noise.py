"""Estimate the noise of a ladder: sds of its rungs from a handful of seeds, moderated by a trend.

Three or four seeds estimate an sd badly (a factor of two either way), so rungs are estimated together: log sd is a
line in log x, each rung's variance is drawn towards it with `PRIOR_DF` degrees of freedom, and what remains unknown of
it is integrated out, which makes the likelihood of a rung's mean a Student-t (the moderation of Smyth 2004, limma).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import polygamma

from toolkit.laws.curve.forms import Array

PRIOR_DF = 4.0
SLOPE_SD = 0.5  # prior sd of d log(sd) / d log(x): in real ladders the noise grows or falls about this fast at most
KNOWN = 1e6  # degrees of freedom of an sd that is taken as known


class Rungs(NamedTuple):
    """A ladder reduced to its distinct budgets, all (J,): x, mean error, rows averaged, sd of one row, its freedom.

    `sd` is NaN and `df` 0 where nothing was measured.
    """

    x: Array
    y: Array
    rows: Array
    sd: Array
    df: Array


class Noise(NamedTuple):
    """Student-t noise of each rung's mean, `scale` and `df` (J,), and the `trend` of a row's sd: see `row_sd`."""

    source: str
    scale: Array
    df: Array
    trend: tuple[float, float, float]
    trend_cov: Array


def fit_trend(x: Array, variance: Array, df: Array) -> tuple[tuple[float, float, float], Array]:
    """Fit `log sd = level + slope (log x - centre)` by maximum posterior to variances on `df` degrees of freedom.

    Returns (level, slope, centre) and the 2 x 2 covariance of level and slope. The likelihood is the scaled chi-square
    of the variances, so a rung whose seeds agree by chance (variance 0) does no harm.
    """
    log_x = np.log(x)
    centre = float(np.average(log_x, weights=df))
    design = np.stack([np.ones_like(log_x), log_x - centre], axis=1)
    prior = np.diag([0.0, SLOPE_SD**-2])
    theta = np.array([0.5 * np.log(np.average(variance, weights=df)), 0.0])
    for _ in range(50):
        ratio = variance * np.exp(-2 * design @ theta)
        gradient = design.T @ (df * (ratio - 1)) - prior @ theta
        hessian = design.T @ (design * (2 * df * np.maximum(ratio, 0.5))[:, None]) + prior
        step = np.linalg.solve(hessian, gradient)
        theta = theta + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    information = design.T @ (design * (2 * df)[:, None]) + prior
    return (float(theta[0]), float(theta[1]), centre), np.asarray(np.linalg.inv(information), float)


def freedom_from_scatter(x: Array, sd: Array) -> float:
    """Estimate the degrees of freedom of sds of unstated origin from their scatter about a line in log x.

    The log of a sample variance on d degrees of freedom has variance trigamma(d / 2); sds on a smooth line are `KNOWN`.
    """
    log_x, log_var = np.log(x) - np.log(x).mean(), 2 * np.log(sd)
    line = np.polyfit(log_x, log_var, 1)
    spread = float(np.sum((log_var - np.polyval(line, log_x)) ** 2) / max(len(x) - 2, 1))
    if spread < 0.02:
        return KNOWN
    grid = np.geomspace(1, 200, 400)
    return float(grid[np.argmin(np.abs(polygamma(1, grid / 2) - spread))])


def estimate_noise(rungs: Rungs, source: str) -> Noise:
    """Estimate the noise of each rung's mean from `rungs.sd` and `rungs.df`: the trend, moderated, marginalised.

    `source` says where the sds came from: "seeds", "sd", "items" (binomial) or "none" (then every scale is NaN).
    """
    nothing = np.full_like(rungs.x, np.nan)
    if source == "none":
        return Noise(source, nothing, nothing, (np.nan, np.nan, np.nan), np.full((2, 2), np.nan))
    has_sd = rungs.df > 0
    trend, cov = fit_trend(rungs.x[has_sd], rungs.sd[has_sd] ** 2, rungs.df[has_sd])
    if np.all(rungs.df >= KNOWN):
        return Noise(source, rungs.sd / np.sqrt(rungs.rows), rungs.df, trend, cov)
    expected = np.exp(2 * (trend[0] + trend[1] * (np.log(rungs.x) - trend[2])))
    measured = np.where(has_sd, rungs.sd**2, 0.0)
    moderated = (PRIOR_DF * expected + rungs.df * measured) / (PRIOR_DF + rungs.df)
    return Noise(source, np.sqrt(moderated / rungs.rows), PRIOR_DF + rungs.df, trend, cov)


def row_sd(noise: Noise, x: Array, normal: Array) -> Array:
    """Draw (draws, X) the sd of one new row at x (X,), given standard normals (draws, 2)."""
    level, slope, centre = noise.trend
    wobble = normal @ np.linalg.cholesky(noise.trend_cov).T
    line = (level + wobble[:, :1]) + (slope + wobble[:, 1:]) * (np.log(x) - centre)
    return np.exp(line)
