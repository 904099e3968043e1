"""A metric with its interval, in the one way that every metric of a corpus gets it: from halves of its questions.

Responses to one question resemble each other, so whole questions are drawn. They are drawn without replacement: the
usual bootstrap repeats questions, and a repeated text makes every corpus look less diverse than it is (distinct-n,
BLEU and gzip would lie outside their own interval). The mean over a random half of the questions varies as much around
the mean over all as that one does around the truth, with no rescaling: the delete-half jackknife (Shao & Wu 1989,
Annals of Statistics 17:1176), which also holds for medians. What depends on size is larger or smaller on every half,
so only the spread of the halves around their own mean is used.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from toolkit.statistics.intervals import LEVEL, Interval

T = TypeVar("T")

RESAMPLES = 200
HALVES = "halves of the questions"
ANY = (-math.inf, math.inf)


@dataclass(frozen=True)
class Metric:
    """A value with its bounds at `LEVEL`.

    Attributes:
        unit: of value and bounds, such as `share` or `tokens (white space)`.
        method: how the bounds were found.
        count: what they were drawn from: questions, or for `wilson` the rows or labels that were checked.
    """

    value: float
    low: float
    high: float
    unit: str
    method: str
    count: int

    def __str__(self) -> str:
        """Write the value and its bounds to three digits: `0.62 (0.585 to 0.655)`."""
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


def by_question(questions: Iterable[str], items: Iterable[T]) -> dict[str, list[T]]:
    """Group items by the question each belongs to, in order within a question; both are equally long."""
    groups: dict[str, list[T]] = defaultdict(list)
    for question, item in zip(questions, items, strict=True):
        groups[question].append(item)
    return dict(groups)


def with_interval(
    metric: Callable[[Sequence[T]], float],
    items: Mapping[str, Sequence[T]],
    unit: str,
    bounds: tuple[float, float] = ANY,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Metric:
    """Compute a metric over all items, with bounds at `LEVEL` from `resamples` random halves of the questions.

    The bounds cover the choice of the questions alone, and are too narrow for fewer than about 20 of them.

    Args:
        metric: from items of any questions to a number.
        items: of each question, by its id; what an item is (a text, a length, a vector) only `metric` knows.
        bounds: the range of the metric; an interval is cut there.

    Raises:
        ValueError: for fewer than two questions, which have no spread.
    """
    if len(items) < 2:
        raise ValueError(f"an interval over questions needs at least 2, got {len(items)}: give rows of more questions")
    groups = [items[question] for question in sorted(items)]
    value = metric([item for group in groups for item in group])
    rng = np.random.default_rng(seed)
    halves = [metric(_half(groups, rng)) for _ in range(resamples)]
    tails = np.quantile(halves, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - np.mean(halves)
    low, high = np.clip(value + tails, *bounds)
    # In a skewed spread the mean of the halves may lie outside its own quantiles.
    return Metric(value, min(float(low), value), max(float(high), value), unit, HALVES, len(groups))


def _half(groups: Sequence[Sequence[T]], rng: np.random.Generator) -> list[T]:
    drawn = sorted(rng.permutation(len(groups))[: len(groups) // 2])
    return [item for place in drawn for item in groups[place]]


def from_interval(interval: Interval, unit: str, count: int) -> Metric:
    """Give an interval of `toolkit.statistics` as a metric; `count` is the number of things that were checked."""
    return Metric(interval.estimate, interval.low, interval.high, unit, interval.method, count)
