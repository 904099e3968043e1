"""Deciding between two corpora on paired posterior differences, and the smallest experiment that would decide.

Only as good as the form of the surface, which is therefore held against its rivals first.

One posterior draw gives the error of both, so what they share (floor, noise, the whole level of the surface) cancels,
and a small difference may be certain where both errors are not.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from toolkit.laws.prices import Prices
from toolkit.laws.surface import SurfaceFit
from toolkit.laws.surface_table import surface_table

Array = NDArray[np.float64]

RUNS = (1, 2, 3, 4, 6, 8, 12, 16)
OUTCOMES = 200
WOULD_TELL = 0.8
# A rival form ahead by so much in chi-square + 2 x parameters: 2 % of simulated true surfaces, all of 60 additive ones.
DOUBT = 4.0
FEWEST_CELLS = 6


class Forecasts(Protocol):
    """What is needed of a forecast: the interval of the surface and that of one new observation."""

    @property
    def low(self) -> ArrayLike: ...
    @property
    def high(self) -> ArrayLike: ...
    @property
    def low_new(self) -> ArrayLike: ...
    @property
    def high_new(self) -> ArrayLike: ...


class Surface(Protocol):
    """What is needed of a fitted surface; `SurfaceFit` is one."""

    @property
    def questions(self) -> Array: ...
    @property
    def budgets(self) -> Array: ...
    def error(self, M: ArrayLike, r: ArrayLike) -> Array: ...
    def predict(self, M: ArrayLike, r: ArrayLike, level: float = 0.9) -> Forecasts: ...


class Experiment(NamedTuple):
    """`runs` students at `questions` x `budget`, each with its own pool, responses and seed; their cost together, and
    the probability that their mean error takes P(err_a < err_b) past the bar, one way or the other."""

    questions: int
    budget: int
    runs: int
    cost: float
    tells: float


def form_doubt(surface: Surface) -> str | None:
    """Why the form of a fitted surface should not be trusted: a rival describes its cells better. None: no such doubt,
    or no way to tell (too few cells, or a surface that did not come from `fit_surface`)."""
    if not isinstance(surface, SurfaceFit) or not _comparable(surface):
        return None
    ours, *rivals = sorted(surface_table(surface), key=lambda row: row.form != "effective")
    best = min(rivals, key=lambda row: row.chi_square + 2 * row.parameters)
    if not ours.chi_square + 2 * ours.parameters - best.chi_square - 2 * best.parameters > DOUBT:
        return None
    return (
        f"the {best.form} form, {best.formula}, describes the cells better than {ours.formula}: chi-square "
        f"{best.chi_square:.0f} with {best.parameters} parameters against {ours.chi_square:.0f} with {ours.parameters}"
    )


def _comparable(surface: SurfaceFit) -> bool:
    totals, questions = surface.cells.x, surface.questions
    return min(np.sum(totals < totals.max()), np.sum(questions < questions.max())) >= FEWEST_CELLS


def better(a: Array, b: Array) -> float:
    """P(err_a < err_b) over paired posterior draws (draws,); ties count half."""
    return float(np.mean(a < b) + np.mean(a == b) / 2)


def smallest_experiment(
    surface: Surface, prices: Prices, a: tuple[int, int], b: tuple[int, int], confidence: float = 0.9
) -> Experiment | None:
    """The cheapest experiment that would decide with probability .8 whether a or b, (M, r) each, has the lower error.

    Tried are the cells of the tested questions and budgets and of twice the largest of each, with 1 to 16 students. The
    outcome is drawn from the posterior and the noise of one new observation, the posterior is reweighted by it. None:
    nothing tried would tell.
    """
    first_wins = surface.error(*a) < surface.error(*b)
    cells = [(m, r) for m in _axis(surface.questions) for r in _axis(surface.budgets)]
    seen = {cell: (surface.error(*cell), _noise(surface, *cell)) for cell in cells}
    tried = sorted((float(prices.cost(*cell)) * runs, runs, cell) for cell in cells for runs in RUNS)
    rng = np.random.default_rng(0)
    for cost, runs, cell in tried:
        errors, noise = seen[cell]
        if noise > 0 and (tells := _tells(errors, noise / np.sqrt(runs), first_wins, confidence, rng)) >= WOULD_TELL:
            return Experiment(*cell, runs, cost, tells)
    return None


def _axis(tested: Array) -> list[int]:
    return [*(int(each) for each in np.unique(tested)), 2 * int(tested.max())]


def _noise(surface: Surface, m: int, r: int) -> float:
    """sd of one new observation around the surface, from the two intervals of a forecast."""
    level = 0.68  # near one sd: further out the interval may be cut off at an error of 1
    forecast = surface.predict(m, r, level)
    widths = [np.subtract(forecast.high_new, forecast.low_new), np.subtract(forecast.high, forecast.low)]
    variance = float(np.max(widths[0] ** 2 - widths[1] ** 2))
    return float(np.sqrt(max(variance, 0.0))) / (2 * norm.ppf((1 + level) / 2))


def _tells(
    errors: Array, spread: float, first_wins: NDArray[np.bool_], confidence: float, rng: np.random.Generator
) -> float:
    """How often an outcome drawn from the posterior leaves P(first wins) at or beyond the bar."""
    truths = rng.choice(errors, OUTCOMES)
    outcomes = truths + spread * rng.standard_normal(OUTCOMES)
    distance = ((outcomes[:, None] - errors) / spread) ** 2
    weights = np.exp((distance.min(axis=1, keepdims=True) - distance) / 2)
    chance = weights @ first_wins / weights.sum(axis=1)
    return float(np.mean(np.maximum(chance, 1 - chance) >= confidence))
