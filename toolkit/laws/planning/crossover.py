"""Compare two routes from one corpus: source expansion (more questions) and fixed-source synthesis (more answers).

At equal totals of responses expansion is never worse under the two-axis law (n_eff rises with M at a fixed M r), so
the question is when the routes differ; at equal money they may cross, as a question costs more than a response.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.laws.planning.allocation import limits
from toolkit.laws.planning.design import Surface
from toolkit.laws.planning.prices import Prices

Array = NDArray[np.float64]


class Divergence(NamedTuple):
    """The first `total` of responses at which fixed-source synthesis is worse than source expansion by more than the
    margin, with probability .9; at that total, the mean `difference` in error and its lower 90 % bound (a tenth of the
    draws lies below), fractions, and the two corpora (M, r)."""

    total: int
    difference: float
    lower: float
    fixed_source: tuple[int, int]
    expansion: tuple[int, int]


class Crossover(NamedTuple):
    """Which route is expected to do better with little money and with much ("answers" or "questions"), and the `spend`
    at which that changes with the 90 % interval of the draws' own crossings; NaN where it does not change within what
    may be planned. `crosses`: the share of draws whose routes cross there."""

    little: str
    much: str
    spend: float
    low: float
    high: float
    crosses: float


def start_cell(surface: Surface, prices: Prices | None = None) -> tuple[int, int]:
    """Return where both routes begin: the owned corpus, or the fewest questions and the smallest budget tested."""
    if prices is not None and prices.owned_questions:
        return prices.owned_questions, prices.owned_budget
    return int(surface.questions.min()), int(surface.budgets.min())


def divergence_total(
    surface: Surface,
    start: tuple[int, int] | None = None,
    *,
    margin: float = 0.02,
    confidence: float = 0.9,
    beyond: bool = False,
) -> Divergence | None:
    """Return the first matched total at which the lower 90 % bound of err_FSS - err_SE exceeds `margin` (2 points).

    From `start` (M, r), FSS keeps its M questions and raises r, SE keeps r and adds questions; the errors are paired
    over posterior draws. None where that is not within twice the questions and budgets tested (unless `beyond`).
    """
    m, r = start or start_cell(surface)
    most_questions, most_budget = limits(surface, beyond)
    budgets = np.arange(r, most_budget + 1)
    budgets = budgets[(m * budgets % r == 0) & (m * budgets <= most_questions * r)]  # SE has whole questions, too
    gap = surface.error(m, budgets) - surface.error(m * budgets / r, r)
    lower = np.quantile(gap, 1 - confidence, axis=0)
    if not np.any(lower > margin):
        return None
    first = int(np.argmax(lower > margin))
    total, mean = int(m * budgets[first]), float(gap[:, first].mean())
    return Divergence(total, mean, float(lower[first]), (m, int(budgets[first])), (total // r, r))


def crossover(
    surface: Surface, prices: Prices, start: tuple[int, int] | None = None, *, beyond: bool = False
) -> Crossover:
    """Return the money from which more questions beat more answers, both bought from `start` (M, r) on."""
    m, r = start or start_cell(surface, prices)
    most_questions, most_budget = limits(surface, beyond)
    first = float(prices.cost(m, r))
    last = min(float(prices.cost(most_questions, r)), float(prices.cost(m, most_budget)))
    if last <= first:
        raise ValueError(f"{m:,} questions with {r} responses leave neither route room within twice what was tested")
    spends = first + np.geomspace(1e-4, 1, 400) * (last - first)
    # Whole questions and responses would make the difference of the routes jump, so both are real here.
    one_more = float(prices.cost(m + 1, r)) - first
    expansion = surface.error(m + (spends - first) / one_more, r)
    questions_win = surface.error(m, np.maximum(prices.budget_for(spends, m), r)) > expansion
    wins = questions_win.mean(axis=0) > 0.5
    names = ["questions" if questions_first else "answers" for questions_first in (wins[0], wins[-1])]
    turns = questions_win != questions_win[:, :1]
    crossing = turns.any(axis=1)
    if names[0] == names[1]:
        return Crossover(names[0], names[1], np.nan, np.nan, np.nan, float(crossing.mean()))
    low, high = np.quantile(spends[np.argmax(turns[crossing], axis=1)], [0.05, 0.95])
    middle = spends[np.argmax(wins != wins[0])]
    return Crossover(names[0], names[1], float(middle), float(low), float(high), float(crossing.mean()))
