"""Split money into M questions with r responses each: what a limit affords, and which split is expected to be best.

Nothing here goes beyond twice the questions or twice the budgets that were tested, unless `beyond` is set.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.laws.planning.design import Surface, Tested
from toolkit.laws.planning.prices import Prices

Array = NDArray[np.float64]

TRUSTED = 2  # the largest multiple of the tested questions and budgets that a plan may have
# The same where `beyond` is set: responses per question, and the multiple of the largest number of questions tested.
MOST_RESPONSES, MOST_TIMES = 4096, 1000


@dataclass(frozen=True)
class Split:
    """M `questions` with `budget` responses each: their `cost`, expected `error` and its 90 % interval, fractions."""

    questions: int
    budget: int
    cost: float
    error: float
    low: float
    high: float


def limits(surface: Tested, beyond: bool) -> tuple[float, int]:
    """Return the largest numbers of questions and of responses per question that a plan may have."""
    most_questions, most_budget = float(surface.questions.max()), int(surface.budgets.max())
    if beyond:
        return MOST_TIMES * most_questions, max(MOST_RESPONSES, TRUSTED * most_budget)
    return TRUSTED * most_questions, TRUSTED * most_budget


def affordable(surface: Tested, prices: Prices, spend: float, beyond: bool) -> tuple[Array, Array]:
    """Return (M, r) of the splits of a limit, one for each r: the most questions that it buys, at least one.

    Raises ValueError on a limit that buys nothing, or more than may be planned.
    """
    most_questions, most_budget = limits(surface, beyond)
    largest = float(prices.cost(most_questions, most_budget))
    if not 0 <= spend <= largest * (1 + 1e-9):
        raise ValueError(
            f"cannot plan for a limit of {spend:g}: {most_questions:,.0f} questions with {most_budget:,} responses, "
            f"{'as far as any plan goes' if beyond else 'twice what was tested'}, cost {largest:g}; "
            "lower the limit, test larger cells, or lift this with beyond"
        )
    r = _candidates(most_budget)
    m = np.minimum(prices.questions_for(spend, r), most_questions)
    if not np.any(m >= 1):
        raise ValueError(f"a limit of {spend:g} buys nothing: one question with one response is {prices.cost(1, 1):g}")
    return m[m >= 1], r[m >= 1]


def _candidates(most_budget: int) -> Array:
    """Return every budget up to 64, then 30 per doubling, as closer ones differ by less than a surface's precision."""
    far = np.geomspace(64, max(most_budget, 64), max(2, int(30 * np.log2(max(most_budget / 64, 2)))))
    return np.unique(np.concatenate([np.arange(1.0, min(most_budget, 64) + 1), np.round(far[far <= most_budget])]))


def best_split(surface: Surface, prices: Prices, splits: tuple[Array, Array]) -> Split:
    """Return the split (M, r) of least posterior mean error."""
    m, r = splits
    errors = surface.error(m, r)
    index = int(errors.mean(axis=0).argmin())
    low, high = np.quantile(errors[:, index], [0.05, 0.95])
    mean, cost = errors[:, index].mean(), prices.cost(m[index], r[index])
    return Split(int(m[index]), int(r[index]), float(cost), float(mean), float(low), float(high))


def least_cost(
    surface: Surface, prices: Prices, reached: Callable[[Array], NDArray[np.bool_]], beyond: bool
) -> float | None:
    """Return the least cost of a split whose posterior errors (draws, n) are `reached` -> (n,), or None.

    None means that no split within the limits is. The search bisects M for every r, so `reached` must stay true when
    errors fall.
    """
    most_questions, most_budget = limits(surface, beyond)
    r = _candidates(most_budget)
    r = r[reached(surface.error(np.full(r.size, most_questions), r))]
    if r.size == 0:
        return None
    low, high = np.zeros(r.size), np.full(r.size, most_questions)
    while np.any(high - low > 1):
        middle = np.maximum(np.floor((low + high) / 2), 1)
        enough = reached(surface.error(middle, r))
        low, high = np.where(enough, np.minimum(low, middle - 1), middle), np.where(enough, middle, high)
    return float(prices.cost(high, r).min())


def frontier(surface: Surface, prices: Prices, spends: ArrayLike | None = None, *, beyond: bool = False) -> list[Split]:
    """Return the best split at each limit; by default 25 limits from the smallest tested cell to the largest plan."""
    if spends is None:
        least = float(prices.cost(surface.questions.min(), surface.budgets.min()))
        most = float(prices.cost(*limits(surface, False)))
        spends = np.geomspace(max(least, most / 1e4), most, 25)
    limits_of_money = np.atleast_1d(np.asarray(spends, float))
    return [best_split(surface, prices, affordable(surface, prices, float(spend), beyond)) for spend in limits_of_money]
