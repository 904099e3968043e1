"""Test several contrasts together: equivalence, families of one-sided bounds, and growth with the total."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from toolkit.statistics.intervals import Array, Contrast, Interval


def equivalent(contrast: Contrast, margin: float, alpha: float = 0.05) -> tuple[bool, Interval]:
    """Say by two one-sided tests at `alpha` each whether a contrast lies within +- `margin`, and return its interval.

    The interval has level 1 - 2 alpha; the contrast is equivalent when all of it lies within the margin (Schuirmann
    1987, Journal of Pharmacokinetics and Biopharmaceutics 15:657).
    """
    interval = contrast.interval(1 - 2 * alpha)
    return -margin < interval.low and interval.high < margin, interval


def holm_bounds(family: Sequence[Contrast], alpha: float = 0.05) -> list[tuple[float, bool]]:
    """Return for each contrast its lower bound at Holm's tail, and whether Holm's procedure finds it above 0.

    The bound of the contrast with the i-th smallest p value has a tail of alpha / (k - i), i = 0 ... k - 1. Once a
    bound is not above 0, no later contrast is found above 0 either. The chance of any false finding is at most alpha
    (Holm 1979, Scandinavian Journal of Statistics 6:65). For upper bounds, negate the contrasts.
    """
    return [(low, holds) for (low,), holds in holm_claims([[contrast] for contrast in family], alpha)]


def holm_claims(claims: Sequence[Sequence[Contrast]], alpha: float = 0.05) -> list[tuple[list[float], bool]]:
    """Do what `holm_bounds` does for claims that each say of several contrasts that all of them are above 0.

    A claim's p value is the largest of its contrasts' (the intersection-union test: Berger 1982, Technometrics
    24:295), all of its bounds have the claim's tail, and it holds when all of them are above 0.
    """
    order = sorted(range(len(claims)), key=lambda index: max(contrast.chance() for contrast in claims[index]))
    bounds, holds = {}, True
    for step, index in enumerate(order):
        level = 1 - 2 * alpha / (len(claims) - step)
        lows = [contrast.interval(level).low for contrast in claims[index]]
        holds = holds and min(lows) > 0
        bounds[index] = (lows, holds)
    return [bounds[index] for index in range(len(claims))]


def bonferroni(level: float, count: int) -> float:
    """Return the level of each of `count` intervals that all hold with probability `level` at least."""
    return 1 - (1 - level) / count


def per_doubling(gaps: Array | Sequence[Array], totals: ArrayLike) -> Array:
    """Return (R, I) the least-squares slope of each replicate's and item's gap on log2 of the total.

    Args:
        gaps: (K, R, I), the gap at each total.
        totals: (K,), above 0, at least two different ones.

    Raises:
        ValueError: for fewer than two different totals.
    """
    x = np.log2(np.asarray(totals, float))
    if len(np.unique(x)) < 2:
        raise ValueError(f"a gap at {len(np.unique(x))} total(s) has no slope: compare at two totals or more")
    centred = x - x.mean()
    return np.asarray(np.tensordot(centred / np.sum(centred**2), np.asarray(gaps), axes=1), float)
