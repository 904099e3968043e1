"""Hold an averaged forecast: draws of the curve at the targets, intervals, and what carried the weight, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri

from toolkit.laws.curve.forms import Array
from toolkit.laws.curve.noise import Noise, Rungs
from toolkit.laws.curve.predict import check_level
from toolkit.laws.forecast.family import KINDS

ASSUMES = "it assumes that no further fall begins beyond the rungs fitted: one that has not begun looks like a floor"


@dataclass(frozen=True, eq=False)
class AveragedForecast:
    """A forecast at H targets, averaged over a family of curves by the weight that the rungs give to each.

    Attributes:
        budgets: the targets (H,), responses or tokens; `questions` (H,) beside them on two axes, else None.
        curve: posterior draws (n, H) of the curve; a row is one curve, so differences between targets are paired.
        row_sd: draws (n, H) of the sd of one new row at each target.
        floor: draws (n,) of E, the error that no budget removes.
        half: draws (n,) of h, the budget (on two axes: effective questions) that wins half of what can be won.
        kappa: on two axes draws (n,) of the correlation of responses to one question, else None.
        weights: posterior probability of each third of the prior, by name: rectified, Lomax, free.
        kinds: posterior probability of what the curve is like, by key of `family.KINDS`.
        rungs: the distinct budgets (cells) fitted; `noise` of them, with the source "none" where it is a nugget.
        top: the largest value possible: 1 for errors, infinite for losses.
        notes: what contradicts a falling law, and how far beyond the rungs the targets lie.
    """

    budgets: Array
    questions: Array | None
    curve: Array
    row_sd: Array
    floor: Array
    half: Array
    kappa: Array | None
    weights: Mapping[str, float]
    kinds: Mapping[str, float]
    rungs: Rungs
    noise: Noise
    top: float
    notes: tuple[str, ...]

    @cached_property
    def mean(self) -> Array:
        """Return the posterior mean (H,) of the curve."""
        return np.asarray(self.curve.mean(axis=0), float)

    def new(self, rows: float) -> Array:
        """Return draws (n, H) of the mean of so many new rows (above 0) at each target, within [0, top]."""
        if not rows > 0:
            raise ValueError(f"rows must be above 0, got {rows:g}: 1 is one new run, 4 the mean of four")
        # Evenly spaced normal quantiles in an order of their own: the noise adds no Monte Carlo error.
        order = np.random.default_rng(len(self.curve)).permutation(len(self.curve))
        normal = ndtri((order + 0.5) / len(order))[:, None]
        return np.clip(self.curve + normal * self.row_sd / np.sqrt(rows), 0.0, self.top)

    def interval(self, level: float = 0.9, rows: float | None = None) -> Array:
        """Return (2, H) ends of the interval of the curve, or of the mean of so many new `rows`; level in (0, 1)."""
        check_level(level)
        draws = self.curve if rows is None else self.new(rows)
        return np.asarray(np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0), float)

    def floor_interval(self, level: float = 0.9) -> tuple[float, float]:
        """Return the interval of the floor E at `level`."""
        check_level(level)
        low, high = np.quantile(self.floor, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    @property
    def reading(self) -> str:
        """Say which kinds of curve carried the weight, and what the forecast assumes."""
        return f"{what_carried(self.kinds)}; {ASSUMES}"


def what_carried(kinds: Mapping[str, float]) -> str:
    """Say in words which of `KINDS` have the weight, such as "mostly a law that flattens sooner ... (72 %)".

    One kind with more than half is named alone; else all with a tenth and more are, the likeliest first.
    """
    ranked = sorted(kinds, key=lambda kind: -kinds[kind])
    first = ranked[0]
    if kinds[first] > 0.5:
        return f"{'almost only' if kinds[first] > 0.95 else 'mostly'} {KINDS[first]} ({_percent(kinds[first])})"
    parts = [f"{KINDS[kind]} ({_percent(kinds[kind])})" for kind in ranked if kinds[kind] >= 0.1]
    return f"the rungs do not tell the kind of curve: {'; '.join(parts)}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
