"""Find the cells (questions, responses, students) to run next: those expected to tell most of what is asked, for money.

What is asked is the width of the forecast's interval at a target, or which of two splits is better. Draws of the
averaged forecast say how the errors of all cells and of what is asked vary together, and `belief` what a student at
each would leave of the doubt. So no outcome is simulated, and a hundred candidates take a fraction of a second. The
numbers hold if the forecast's intervals do; run the first cells, and ask again with what they gave.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from toolkit.laws.curve.forms import Array
from toolkit.laws.forecast.surface import beyond_tested, forecast_cells
from toolkit.laws.planning.allocation import affordable
from toolkit.laws.planning.asked import Choice, Interval, strongest
from toolkit.laws.planning.belief import Belief, believe
from toolkit.laws.planning.candidates import Measured, candidate_cells, measure
from toolkit.laws.planning.prices import Prices
from toolkit.laws.planning.sequence import (
    RIVALS,
    Candidates,
    best_sequence,
    in_order_of_first,
    sequence,
)

DRAWS = 4000
FEW_REPEATS = 4  # below, an sd may be off by a factor of two and more, and so may intervals
MOST_RUNS = 16  # students at one cell
WORTH = 0.05  # money that narrows an interval by a smaller share is not worth spending
RANDOM_ORDERS = 20

DECIDED, REACHED, SHORT, NOT_WORTH = "decided", "reached", "short", "not worth it"


class NextCell(NamedTuple):
    """`runs` students at `questions` with `budget` responses each, their `cost`, and what is `spent` by then.

    After them the expected `width` of the interval, and the probability that the choice is `right` (None without one).
    """

    questions: int
    budget: int
    runs: int
    cost: float
    spent: float
    width: float
    right: float | None


@dataclass(frozen=True)
class NextCells:
    """The `cells` to run, in their order, and what is expected of them.

    Attributes:
        asked: the `Interval` or the `Choice`, with its width now.
        spend: the limit in money.
        worth: the least share by which the money left must narrow the interval to be spent.
        verdict: "decided" (nothing has to be run), "reached" (with these cells what was asked is expected), "short"
            (they are what is worth its money within the limit, and not enough, or no width was asked), or "not worth
            it" (nothing within the limit is).
        cells: what to run.
        right: the probability that a choice made now is right, None where none is asked.
        least: with the verdict "not worth it" the expected width if all money were spent, else that after the cells.
        rivals: the expected width when the same money is spent in another order, by the name of that order.
        notes: what contradicts the forecast, or limits it.
    """

    asked: Interval | Choice
    spend: float
    worth: float
    verdict: str
    cells: tuple[NextCell, ...]
    right: float | None
    least: float
    rivals: dict[str, float]
    notes: tuple[str, ...]

    @property
    def cost(self) -> float:
        """Return the money that the cells cost."""
        return self.cells[-1].spent if self.cells else 0.0


def next_cells(
    questions: ArrayLike,
    budgets: ArrayLike,
    errors: ArrayLike,
    prices: Prices,
    spend: float,
    *,
    target: tuple[int, int] | None = None,
    width: float | None = None,
    decide: float | None = None,
    confidence: float = 0.9,
    sd: ArrayLike | None = None,
    n: ArrayLike | None = None,
    candidates: Iterable[tuple[int, int]] | None = None,
    runs: ArrayLike = MOST_RUNS,
    worth: float = WORTH,
    seed: int = 0,
) -> NextCells:
    """Find what to run next within `spend`, given rows of (M questions, r responses each, error) as in `fit_surface`.

    Asked is either the 90 % interval of the error at `target` (M, r), to be narrowed to `width` (a fraction) or,
    without it, as far as is worth the money; or, with `decide`, whether that much money is better spent on more
    questions or on more answers, to be known with probability `confidence` to within a point. Every student has
    questions and responses of its own, and costs what `prices` say; declare what is owned there.

    Args:
        candidates: cells (M, r) that may be run; by default all of the tested questions and budgets and twice the
            largest of each, as far as a forecast goes.
        runs: most students at each candidate, one number or one for each.
        worth: the least share of its width by which an interval must narrow for the money that is left to be spent.
        sd: as in `forecast_surface`, like `n`.

    Raises:
        ValueError: for unusable rows, less than 6 cells, a limit that buys nothing, options that do not go together,
            and a target or candidates beyond 16 times what was tested.
    """
    _check(spend, target, width, decide, confidence, worth)
    found = measure(questions, budgets, errors, sd, n)
    cells = candidate_cells(found, prices, spend, candidates, runs)
    splits = _splits(found, prices, target, decide)
    ahead = np.concatenate([cells.questions, splits[0]]), np.concatenate([cells.budgets, splits[1]])
    forecast = forecast_cells(found.keys, found.rungs, found.noise, ahead, "error", draws=DRAWS, seed=seed)
    count = len(cells.cost)
    curve, wanted = forecast.curve[:, :count], forecast.curve[:, count:]
    asked: Interval | Choice = (
        Interval(wanted[:, 0], target, width) if target else strongest(splits, wanted, prices, confidence)
    )
    belief = believe(curve, asked.draws, np.mean(forecast.row_sd[:, :count] ** 2, axis=0))
    return replace(_advise(asked, belief, cells, spend, worth), notes=_notes(found, forecast.notes, ahead, splits))


def _check(
    spend: float,
    target: tuple[int, int] | None,
    width: float | None,
    decide: float | None,
    confidence: float,
    worth: float,
) -> None:
    if not (np.isfinite(spend) and spend > 0):
        raise ValueError(f"spend is {spend:g}: the limit in money must be above 0")
    if (target is None) == (decide is None):
        raise ValueError(
            "ask one thing: a target (M, r), whose interval is to be narrowed, or decide, the money for which more "
            "questions or more answers are to be chosen"
        )
    if width is not None and (target is None or not 0 < width < 1):
        raise ValueError(f"width is {width:g}: it is that of the interval at a target, a fraction between 0 and 1")
    if target is not None and not all(value >= 1 for value in target):
        raise ValueError(f"target is {target[0]:g} x {target[1]:g}: give at least one question and one response")
    if not 0.5 < confidence < 1:
        raise ValueError(f"confidence must lie between .5 and 1, got {confidence:g}")
    if not 0 <= worth < 1:
        raise ValueError(f"worth is {worth:g}: it is a share of the width, from 0 (all money may be spent) to below 1")


def _splits(
    found: Measured, prices: Prices, target: tuple[int, int] | None, decide: float | None
) -> tuple[Array, Array]:
    """Return M and r of the cells whose errors are asked for: the target, or splits of the money, r a power of 2."""
    if target is not None:
        return np.array([target[0]], float), np.array([target[1]], float)
    M, r = affordable(found, prices, float(decide or 0), False)
    kept = (np.log2(r) % 1 == 0) & found.within_reach(M, r)
    return M[kept], r[kept]


def _notes(
    found: Measured, notes: tuple[str, ...], ahead: tuple[Array, Array], splits: tuple[Array, Array]
) -> tuple[str, ...]:
    """Return what limits the advice; that candidates lie beyond the cells tested is no news, that a target does is."""
    of_all, of_asked = (beyond_tested(found.questions, found.budgets, *where) for where in (ahead, splits))
    kept = tuple(note for note in notes if note not in of_all)
    repeats = int(found.rungs.df.sum())
    few = (f"the noise is known from few repeats ({repeats}): run some cells twice, or give sd or n",)
    return (*of_asked, *kept, *(few if found.noise.source == "seeds" and repeats < FEW_REPEATS else ()))


def _advise(asked: Interval | Choice, belief: Belief, cells: Candidates, spend: float, worth: float) -> NextCells:
    right = None if isinstance(asked, Interval) else asked.probability
    nothing = NextCells(asked, spend, worth, DECIDED, (), right, asked.now, {}, ())
    if asked.decided:
        return nothing
    picked, beliefs = best_sequence(belief, cells, spend, asked.enough, worth)
    if not picked:
        _, all_spent = best_sequence(belief, cells, spend, asked.enough, 0.0)
        return replace(nothing, verdict=NOT_WORTH, least=asked.expected(all_spent[-1]))
    rows, spent = [], 0.0
    for index, count in in_order_of_first(picked).items():
        for _ in range(count):
            belief = belief.after(index)
        where = int(cells.questions[index]), int(cells.budgets[index])
        cost = count * float(cells.cost[index])
        spent += cost
        rows.append(NextCell(*where, count, cost, spent, asked.expected(belief), asked.right(belief)))
    verdict = REACHED if asked.enough(belief) else SHORT
    rivals = _rivals(asked, beliefs[0], cells, spent)
    return replace(nothing, verdict=verdict, cells=tuple(rows), least=rows[-1].width, rivals=rivals)


def _rivals(asked: Interval | Choice, belief: Belief, cells: Candidates, spent: float) -> dict[str, float]:
    """Return the expected width when as much money is spent in the orders of the rivals, at random in the mean."""
    found = {}
    for name, order in RIVALS.items():
        seeds = range(RANDOM_ORDERS if name == "random" else 1)
        ends = [sequence(belief, cells, spent, order, lambda _: False, seed)[1][-1] for seed in seeds]
        found[name] = float(np.mean([asked.expected(end) for end in ends]))
    return found
