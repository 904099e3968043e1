"""Choose students one after another for the money there is: by what each tells per money, or as rivals would."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from toolkit.laws.curve.forms import Array
from toolkit.laws.planning.belief import Belief

ROUNDING = 1e-9  # a limit that buys exactly so much must not buy less because of rounding


class Candidates(NamedTuple):
    """Cells that may be run, (C,) each: `questions`, `budgets`, the `cost` of a student, how many may be run at `most`,
    and how many rows were `measured`."""

    questions: Array
    budgets: Array
    cost: Array
    most: Array
    measured: Array


# (belief, candidates, students chosen so far at each (C,), rng) -> a score (C,); the student of the highest is next.
Order = Callable[[Belief, Candidates, Array, np.random.Generator], Array]
Enough = Callable[[Belief], bool]


def by_gain_per_money(belief: Belief, cells: Candidates, chosen: Array, rng: np.random.Generator) -> Array:
    """Prefer what removes the most variance for its money."""
    return belief.gain / np.maximum(cells.cost, 1e-12)


def by_gain(belief: Belief, cells: Candidates, chosen: Array, rng: np.random.Generator) -> Array:
    """Prefer what removes the most variance, whatever it costs."""
    return belief.gain


def d_optimal(belief: Belief, cells: Candidates, chosen: Array, rng: np.random.Generator) -> Array:
    """Prefer what tells the most of the whole surface for its money (Bayesian D-optimality), whatever is asked."""
    return belief.information / np.maximum(cells.cost, 1e-12)


def cheapest_first(belief: Belief, cells: Candidates, chosen: Array, rng: np.random.Generator) -> Array:
    """Prefer the cells run least often, and of those the cheapest."""
    rank = np.argsort(np.argsort(cells.cost, kind="stable")) / len(cells.cost)
    return -(cells.measured + chosen + rank)


def at_random(belief: Belief, cells: Candidates, chosen: Array, rng: np.random.Generator) -> Array:
    """Prefer nothing."""
    return rng.random(len(cells.cost))


RIVALS: dict[str, Order] = {"D-optimal": d_optimal, "cheapest first": cheapest_first, "random": at_random}


def sequence(
    belief: Belief, cells: Candidates, limit: float, order: Order, enough: Enough, seed: int = 0
) -> tuple[list[int], list[Belief]]:
    """Choose students by `order` until it is `enough` or no other can be paid; return their cells and the beliefs.

    The first belief is the given one, and the i + 1-th that after i students.
    """
    picked: list[int] = []
    beliefs, chosen, spent, rng = [belief], np.zeros(len(cells.cost)), 0.0, np.random.default_rng(seed)
    while not enough(beliefs[-1]):
        open_cells = (chosen < cells.most) & (spent + cells.cost <= limit * (1 + ROUNDING))
        if not open_cells.any():
            break
        index = int(np.argmax(np.where(open_cells, order(beliefs[-1], cells, chosen, rng), -np.inf)))
        picked.append(index)
        beliefs.append(beliefs[-1].after(index))
        chosen[index] += 1
        spent += float(cells.cost[index])
    return picked, beliefs


def best_sequence(
    belief: Belief, cells: Candidates, limit: float, enough: Enough, worth: float
) -> tuple[list[int], list[Belief]]:
    """Choose students by gain per money or by gain alone: what is enough for less, else what leaves less variance.

    The cheap students that gain per money prefers may leave too little of a limit for the one that tells. Where neither
    is enough, the last students that together narrow the interval by less than the share `worth` are left out.
    """
    found = [sequence(belief, cells, limit, order, enough) for order in (by_gain_per_money, by_gain)]

    def merit(one: tuple[list[int], list[Belief]]) -> tuple[bool, float, float]:
        last, cost = one[1][-1], float(cells.cost[one[0]].sum())
        return (False, cost, last.variance) if enough(last) else (True, last.variance, cost)

    picked, beliefs = min(found, key=merit)
    if enough(beliefs[-1]):
        return picked, beliefs
    kept = next(i for i, each in enumerate(beliefs) if beliefs[-1].variance >= (1 - worth) ** 2 * each.variance)
    return picked[:kept], beliefs[: kept + 1]


def in_order_of_first(picked: list[int]) -> dict[int, int]:
    """Return how many students each cell has, in the order in which cells come first."""
    return {index: picked.count(index) for index in dict.fromkeys(picked)}
