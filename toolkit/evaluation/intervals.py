"""Intervals for one accuracy and for the difference of two, from per-item results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

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
    """Wilson's score interval for `right` of `n` items, bounds in [0, 1] (Wilson 1927, JASA 22:209).

    It covers the choice of the items alone, not that of train seeds or corpora.

    Raises:
        ValueError: unless 0 <= right <= n and n >= 1.
    """
    if not 0 <= right <= n or n < 1:
        raise ValueError(f"{right} right of {n} items: need 0 <= right <= n and n >= 1")
    bounds = stats.binomtest(right, n).proportion_ci(level, method="wilson")
    return Interval(right / n, float(bounds.low), float(bounds.high), "wilson")


def paired_difference(
    first: Sequence[Mapping[str, float]],
    second: Sequence[Mapping[str, float]],
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Accuracy of `first` minus that of `second` on the same items.

    One replicate: a bootstrap over items. Several, paired by position (same train seed): a bootstrap that draws
    replicates and items independently (the pigeonhole bootstrap: Owen 2007, Annals of Applied Statistics 1:386), and
    Student's t over the replicates' differences. The first is too narrow for few replicates and the second ignores the
    choice of items, so the wider is returned.

    Args:
        first, second: per replicate, item id -> fraction of right answers in [0, 1].
        level: of the interval, in (0, 1).
        resamples: bootstrap draws.
        seed: of the bootstrap.

    Raises:
        ValueError: no or unequally many replicates, no items, or other items in some replicate.
    """
    differences = _item_matrix(first) - _item_matrix(second, like=first)
    intervals = [_crossed_bootstrap(differences, level, resamples, seed)]
    if len(first) > 1:
        intervals.append(_replicate_t(differences.mean(axis=1), level))
    return max(intervals, key=lambda interval: interval.high - interval.low)


def _item_matrix(
    tables: Sequence[Mapping[str, float]], like: Sequence[Mapping[str, float]] | None = None
) -> np.ndarray:
    """Replicates x items, the items in sorted order; refuses tables that do not line up (with those of `like`)."""
    model = tables if like is None else like
    if not tables or not tables[0] or len(tables) != len(model):
        raise ValueError(f"{len(model)} and {len(tables)} replicates: need equally many, at least one, with items")
    items = sorted(model[0])
    for number, table in enumerate(tables):
        odd = set(items) ^ set(table)
        if odd:
            raise ValueError(
                f"replicate {number}: item {min(odd)!r} is not in every table; score all on the same items"
            )
    return np.array([[table[item] for item in items] for table in tables], dtype=float)


def _crossed_bootstrap(differences: np.ndarray, level: float, resamples: int, seed: int) -> Interval:
    generator = np.random.default_rng(seed)
    shares = [generator.multinomial(count, np.full(count, 1 / count), resamples) / count for count in differences.shape]
    means = ((shares[0] @ differences) * shares[1]).sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    method = "item bootstrap" if len(differences) == 1 else "replicate x item bootstrap"
    return Interval(float(differences.mean()), float(low), float(high), method)


def _replicate_t(means: np.ndarray, level: float) -> Interval:
    half = stats.t.ppf((1 + level) / 2, len(means) - 1) * stats.sem(means)
    centre = float(means.mean())
    return Interval(centre, centre - float(half), centre + float(half), "t over replicates")
