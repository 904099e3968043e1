"""Compute intervals for one accuracy, and for contrasts of models that answered the same items."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

Array = NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """An estimate (a fraction, or a difference of fractions) with its bounds and the name of the method."""

    estimate: float
    low: float
    high: float
    method: str


def accuracy_interval(right: int, n: int, level: float = LEVEL) -> Interval:
    """Return Wilson's score interval for `right` of `n` items, bounds in [0, 1] (Wilson 1927, JASA 22:209).

    It covers the choice of the items alone, not that of train seeds or corpora.

    Raises:
        ValueError: unless 0 <= right <= n and n >= 1.
    """
    if not 0 <= right <= n or n < 1:
        raise ValueError(f"{right} right of {n} items: need 0 <= right <= n and n >= 1")
    bounds = stats.binomtest(right, n).proportion_ci(level, method="wilson")
    return Interval(right / n, float(bounds.low), float(bounds.high), "wilson")


@dataclass(frozen=True)
class Contrast:
    """A mean over replicates x items, with all that its intervals need.

    With one replicate, the interval covers the choice of the items, not that of the replicates.

    There are two methods, and at either end the bound that lies further out counts. One is a bootstrap that draws
    replicates and items independently (the pigeonhole bootstrap: Owen 2007, Annals of Applied Statistics 1:386); it is
    too narrow for few replicates. The other is Student's t over the replicates' means, which ignores the choice of
    items. Together they are conservative: in simulations their coverage is the nominal one or higher, up to 100 % where
    replicates hardly differ.

    Attributes:
        means: of each replicate over the items (R,).
        draws: bootstrap means, sorted (resamples,).
        items: their number; with one item, the interval does not cover the choice of items.
    """

    means: Array
    draws: Array
    items: int

    def __neg__(self) -> "Contrast":
        """Return the contrast with both sides exchanged."""
        return Contrast(-self.means, -self.draws[::-1], self.items)

    @property
    def estimate(self) -> float:
        """Return the mean over replicates and items."""
        return float(self.means.mean())

    @property
    def replicates(self) -> int:
        """Return the number of replicates, R."""
        return len(self.means)

    @cached_property
    def _error(self) -> float:
        return float(stats.sem(self.means)) if self.replicates > 1 else 0.0

    def interval(self, level: float = LEVEL) -> Interval:
        """Return the bounds that lie further out of the two methods, at `level` in (0, 1).

        Each bound leaves (1 - level) / 2 outside; the method named is the one whose interval is wider.
        """
        tail = (1 - level) / 2
        low, high = np.quantile(self.draws, [tail, 1 - tail])
        half = self._t(tail) * self._error
        parts = [name for name, many in (("replicate", self.replicates), ("item", self.items)) if many > 1]
        method = "t over replicates" if half * 2 > high - low else f"{' x '.join(parts)} bootstrap"
        bounds = min(low, self.estimate - half), max(high, self.estimate + half)
        return Interval(self.estimate, float(bounds[0]), float(bounds[1]), method)

    def chance(self) -> float:
        """Return the one-sided p value against a mean of at most 0: the larger of the two methods'."""
        bootstrap = (1 + int(np.sum(self.draws <= 0))) / (1 + len(self.draws))
        if not self._error:
            return float(bootstrap)
        return float(max(bootstrap, stats.t.sf(self.estimate / self._error, self.replicates - 1)))

    def detectable(self, tail: float = (1 - LEVEL) / 2, power: float = 0.8) -> float:
        """Return the smallest mean whose lower bound (at `tail`) would lie above 0 with probability `power`.

        The spread observed here is taken as known; where the t interval is the wider one, the noncentral t is used.
        """
        interval = self.interval(1 - 2 * tail)
        half = (interval.high - interval.low) / 2
        if interval.method != "t over replicates":
            return half * float(1 + stats.norm.ppf(power) / stats.norm.ppf(1 - tail))
        t, df = self._t(tail), self.replicates - 1
        return self._error * float(brentq(lambda shift: stats.nct.sf(t, df, shift) - power, 0.0, 10 * t + 10))

    def _t(self, tail: float) -> float:
        return float(stats.t.ppf(1 - tail, self.replicates - 1)) if self.replicates > 1 else 0.0


def contrasts(matrices: Array | Sequence[Array], resamples: int = RESAMPLES, seed: int = 0) -> list[Contrast]:
    """Build contrasts of models on the same replicates and items, all bootstrapped with the same draws.

    Args:
        matrices: (K, R, I): for each contrast, replicates x items of differences (or other weighted sums) of errors.
        resamples: bootstrap draws.
        seed: seed of the bootstrap.

    Raises:
        ValueError: for no contrast, for one replicate of one item, and for a value that is not finite.
    """
    values = np.asarray(matrices, float)
    if values.ndim != 3 or 0 in values.shape or values.shape[1:] == (1, 1):
        raise ValueError(
            f"contrasts have shape {values.shape}, not (contrasts, replicates, items) with several replicates or "
            "items: without either there is no spread, so give answers to items or train with more seeds"
        )
    if not np.isfinite(values).all():
        raise ValueError("a contrast holds a missing or infinite value: score every model on every item")
    rng = np.random.default_rng(seed)
    replicates, items = (_shares(count, resamples, rng) for count in values.shape[1:])
    draws = np.einsum("krb,br->kb", values @ items.T, replicates)
    return [
        Contrast(value.mean(axis=1), np.sort(means), values.shape[2])
        for value, means in zip(values, draws, strict=True)
    ]


def _shares(count: int, resamples: int, rng: np.random.Generator) -> Array:
    """Return (resamples, count) how often each of `count` was drawn with replacement, as shares."""
    picked = rng.integers(count, size=(resamples, count)) + count * np.arange(resamples)[:, None]
    return np.bincount(picked.ravel(), minlength=resamples * count).reshape(resamples, count) / count
