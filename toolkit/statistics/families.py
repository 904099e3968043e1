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
    order = sorted(range(len(family)), key=lambda index: family[index].chance())
    bounds, holds = {}, True
    for step, index in enumerate(order):
        low = family[index].interval(1 - 2 * alpha / (len(family) - step)).low
        holds = holds and low > 0
        bounds[index] = (low, holds)
    return [bounds[index] for index in range(len(family))]


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
