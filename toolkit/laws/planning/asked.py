"""Turn what is asked of a surface into one number of the curve: the error at a target, or the difference of two splits.

A choice is between the split of least expected error for some money and its strongest rival, of at most half or at
least double as many responses, as in `fss plan`; but all errors here are forecast averaged over forms.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from toolkit.laws.curve.forms import Array
from toolkit.laws.planning.allocation import Split
from toolkit.laws.planning.belief import TINY, Belief, chance_right
from toolkit.laws.planning.prices import Prices

LEVEL = 0.9  # of intervals
MARGIN = 0.01  # a split that is worse by less, one point, is as good


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked: `draws` (n,) of it."""

    draws: Array

    @property
    def now(self) -> float:
        """Return the width of its 90 % interval now."""
        low, high = np.quantile(self.draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(high - low)

    @property
    def variance(self) -> float:
        """Return its variance now."""
        return float(np.var(self.draws, ddof=1))

    def expected(self, belief: Belief) -> float:
        """Return the expected width under a later belief; the shape of the distribution is taken to stay as it is."""
        return self.now * float(np.sqrt(belief.variance / max(self.variance, TINY)))


@dataclass(frozen=True, eq=False)
class Interval(Asked):
    """The error at a `target` (M, r), and the `width` of its interval that is asked for, or None."""

    target: tuple[int, int]
    width: float | None

    @property
    def decided(self) -> bool:
        """Say whether the interval is as narrow as asked."""
        return self.width is not None and self.now <= self.width

    def enough(self, belief: Belief) -> bool:
        """Say whether the interval is expected to be as narrow as asked."""
        return self.width is not None and self.expected(belief) <= self.width

    def right(self, belief: Belief) -> None:
        """Return None: nothing is chosen."""
        return


@dataclass(frozen=True, eq=False)
class Choice(Asked):
    """Which of two splits of the same money is better: the draws are the error of the `rival` minus that of the `best`.

    It is decided when the best split is right, or worse by at most a point, with probability `confidence`.
    """

    best: Split
    rival: Split
    confidence: float

    @cached_property
    def ranked(self) -> Array:
        """Return the draws in increasing order."""
        return np.sort(self.draws)

    @property
    def probability(self) -> float:
        """Return P(the best split is better, or worse by at most a point)."""
        return float(np.mean(self.draws > -MARGIN))

    @property
    def decided(self) -> bool:
        """Say whether that reaches the confidence."""
        return self.probability >= self.confidence

    def enough(self, belief: Belief) -> bool:
        """Say whether the split chosen is expected to be right with that confidence."""
        return self.right(belief) >= self.confidence

    def right(self, belief: Belief) -> float:
        """Return the expected probability that the split then chosen is right, or worse by at most a point."""
        return chance_right(self.ranked, belief.variance, MARGIN)


def strongest(splits: tuple[Array, Array], errors: Array, prices: Prices, confidence: float) -> Choice:
    """Return the choice between the best of `splits`, M and r (S,), and its strongest rival, by `errors` (n, S).

    Raises:
        ValueError: where no split has half or double the best one's responses, so that nothing is to be chosen.
    """
    m, r = splits
    mean = errors.mean(axis=0)
    best = int(mean.argmin())
    sides = [np.flatnonzero(r <= r[best] / 2), np.flatnonzero(r >= r[best] * 2)]
    rivals = [side[mean[side].argmin()] for side in sides if side.size]
    if not rivals:
        raise ValueError(
            f"all splits of the money have {r[best]:g} responses or nearly so: nothing to choose, give more"
        )
    rival = min(rivals, key=lambda index: float(np.mean(errors[:, index] - errors[:, best] > -MARGIN)))
    pair = [_split(m[index], r[index], errors[:, index], prices) for index in (best, rival)]
    return Choice(errors[:, rival] - errors[:, best], pair[0], pair[1], confidence)


def _split(m: float, r: float, errors: Array, prices: Prices) -> Split:
    low, high = np.quantile(errors, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Split(int(m), int(r), float(prices.cost(m, r)), float(errors.mean()), float(low), float(high))
