"""Reduce rows to the cells measured, and list the cells that may be run with what each costs."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from toolkit.laws.curve.data import check_rows, positive, reduce_rows
from toolkit.laws.curve.forms import Array
from toolkit.laws.curve.noise import Noise, Rungs, estimate_noise
from toolkit.laws.curve.predict import REFUSE_BEYOND
from toolkit.laws.planning.prices import Prices
from toolkit.laws.planning.sequence import ROUNDING, Candidates
from toolkit.laws.surface.fit import check_cells


class Measured(NamedTuple):
    """Cells measured, `keys` M and r (2, C), with their means and noise."""

    keys: Array
    rungs: Rungs
    noise: Noise

    @property
    def questions(self) -> Array:
        """Return the questions of each cell, (C,)."""
        return self.keys[0]

    @property
    def budgets(self) -> Array:
        """Return the responses per question of each cell, (C,)."""
        return self.keys[1]

    def within_reach(self, M: Array, r: Array) -> Array:
        """Say of cells (C,) whether a forecast goes as far."""
        tested = [*self.keys.max(axis=1), self.keys.prod(axis=0).max()]
        return np.all(np.stack([M, r, M * r], axis=1) <= REFUSE_BEYOND * np.array(tested), axis=1)


def measure(
    questions: ArrayLike, budgets: ArrayLike, errors: ArrayLike, sd: ArrayLike | None, n: ArrayLike | None
) -> Measured:
    """Return the cells of rows (M questions, r responses each, error), with noise as in `fit_surface`.

    Raises:
        ValueError: for unusable rows, by name, and fewer than 6 cells or 2 values on an axis.
    """
    r, y = check_rows(budgets, errors, "error")
    M = positive(questions, "questions", r.size)
    keys, index = check_cells(M, r)
    rungs, source = reduce_rows(keys[0] * keys[1], index, y, sd, n, None)
    return Measured(keys, rungs, estimate_noise(rungs, source))


def candidate_cells(
    found: Measured, prices: Prices, spend: float, given: Iterable[tuple[int, int]] | None, runs: ArrayLike
) -> Candidates:
    """Return the cells that may be run, with all that a sequence needs to know of them."""
    if given is None:
        axes = [np.unique([*axis, 2 * axis.max()]) for axis in found.keys]
        M, r = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
        near = found.within_reach(M, r)
        M, r = M[near], r[near]
    else:
        M, r = np.array(list(given), float).reshape(-1, 2).T
    if not M.size:
        raise ValueError("candidates is empty: name at least one cell (questions, budget) that may be run")
    most = np.asarray(runs, float)
    if most.size not in (1, M.size) or not (most >= 1).all():
        raise ValueError(
            f"runs is {most.tolist()}: give how many students a cell may have, at least 1, once or for each candidate"
        )
    cost = prices.cost(M, r)
    if cost.min() > spend * (1 + ROUNDING):
        least = int(cost.argmin())
        raise ValueError(
            f"a limit of {spend:g} buys no student: the cheapest cell that may be run, {M[least]:g} x {r[least]:g} "
            f"(questions x responses), costs {cost[least]:g}"
        )
    rows = {tuple(key): count for key, count in zip(found.keys.T.tolist(), found.rungs.rows, strict=True)}
    measured = np.array([rows.get((m, b), 0.0) for m, b in zip(M.tolist(), r.tolist(), strict=True)])
    return Candidates(M, r, cost, np.broadcast_to(most, M.shape), measured)
