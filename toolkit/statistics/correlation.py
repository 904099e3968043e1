"""Rank correlation of a metric with a result over few protocols, and which correlations so few can show at all."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from toolkit.statistics.intervals import LEVEL, RESAMPLES, Array

POWER = 0.8
FEWEST = 4  # protocols: Fisher's transform has a standard error of 1 / sqrt(n - 3)


def smallest_visible_correlation(n: int) -> float:
    """Return the |correlation|, in (0, 1), that n pairs tell from 0 with a power of 80 %, two-sided at 5 %.

    tanh(2.80 / sqrt(n - 3)), from Fisher's transform (Fisher 1921, Metron 1:3): 2.80 = 1.96 + 0.84.

    Raises:
        ValueError: for fewer than 4 pairs.
    """
    _check(n)
    return math.tanh(round(float(stats.norm.ppf((1 + LEVEL) / 2) + stats.norm.ppf(POWER)), 2) / math.sqrt(n - 3))


def smallest_significant_correlation(n: int) -> float:
    """Return the |correlation|, in (0, 1), of n pairs from which Pearson's test differs from 0 at 5 %, two-sided.

    t / sqrt(n - 2 + t^2) (Student 1908, Biometrika 6:302). For ranks of few pairs it is an approximation.

    Raises:
        ValueError: for fewer than 4 pairs.
    """
    _check(n)
    t = float(stats.t.ppf((1 + LEVEL) / 2, n - 2))
    return t / math.sqrt(n - 2 + t * t)


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's correlation over n protocols, with bounds from a bootstrap over replicates.

    Attributes:
        visible, significant: what n protocols can show, see `smallest_visible_correlation` and its neighbour.
    """

    estimate: float
    low: float
    high: float
    n: int
    visible: float
    significant: float


def spearman(metric: ArrayLike, result: ArrayLike, resamples: int = RESAMPLES, seed: int = 0) -> RankCorrelation:
    """Compute the rank correlation, in [-1, 1], of protocols' mean metrics and mean results.

    Spearman's (1904, American Journal of Psychology 15:72), with mean ranks where values are equal.
    The bootstrap draws replicates, the same ones for all protocols and on both sides; a draw in which one side is
    constant shows no order and counts as 0. Its bounds do not cover the choice of protocols, for which `visible` and
    `significant` stand, and are too narrow for fewer than about 5 replicates; with one they are the estimate.

    Args:
        metric, result: (protocols, replicates), replicate k of both being the same corpus or train seed.

    Raises:
        ValueError: for other shapes, fewer than 4 protocols, a value that is not finite, or a side whose means are all
            equal.
    """
    left, right = _matched(metric, result)
    estimate = float(_rho(left.mean(axis=1), right.mean(axis=1)))
    if math.isnan(estimate):
        raise ValueError("all protocols have the same mean metric or result: there is no order to correlate")
    rng = np.random.default_rng(seed)
    picks = rng.integers(left.shape[1], size=(resamples, left.shape[1]))
    draws = np.nan_to_num(_rho(left[:, picks].mean(axis=2), right[:, picks].mean(axis=2)), nan=0.0)
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    n = len(left)
    limits = smallest_visible_correlation(n), smallest_significant_correlation(n)
    return RankCorrelation(estimate, float(low), float(high), n, *limits)


def _rho(left: Array, right: Array) -> Array:
    """Return the correlation of the mean ranks along the first axis, NaN where one side is constant."""
    ranks = [stats.rankdata(side, axis=0) for side in (left, right)]
    apart = [side - side.mean(axis=0) for side in ranks]
    with np.errstate(invalid="ignore"):
        products = np.sqrt(np.prod([(side**2).sum(axis=0) for side in apart], axis=0))
        return np.asarray(np.clip((apart[0] * apart[1]).sum(axis=0) / products, -1, 1))


def _matched(metric: ArrayLike, result: ArrayLike) -> tuple[Array, Array]:
    left, right = np.asarray(metric, float), np.asarray(result, float)
    if left.ndim != 2 or left.shape != right.shape or not left.shape[1]:
        raise ValueError(
            f"metric has shape {left.shape} and result {right.shape}: give both as (protocols, replicates), with the "
            "same replicates"
        )
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise ValueError("a metric or result is missing or infinite: compute both for every protocol and replicate")
    _check(len(left))
    return left, right


def _check(n: int) -> None:
    if n < FEWEST:
        raise ValueError(f"a correlation over {n} protocols shows nothing: compare at least {FEWEST}")
