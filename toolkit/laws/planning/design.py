"""Decide between two corpora on paired posterior differences, and find the smallest experiment that would decide.

One posterior draw gives the error of both, so what they share (floor, noise, the whole level of the surface) cancels,
and a small difference may be certain where both errors are not. All this is only as good as the form of the surface,
which is therefore compared with its rivals first.
"""

from itertools import combinations
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from toolkit.laws.planning.prices import Prices
from toolkit.laws.surface.fit import SurfaceFit
from toolkit.laws.surface.forms import SURFACES
from toolkit.laws.surface.table import chi_square

Array = NDArray[np.float64]

RUNS = (1, 2, 3, 4, 6, 8, 12, 16)
# Values per axis of the cells tried, simulated outcomes, and posterior draws: some 300 designs x 8 take 1 to 2 s.
AXIS, OUTCOMES, DRAWS = 4, 200, 1000
DECIDES_OFTEN_ENOUGH = 0.8
# A rival form leads by so much in chi-square + 2 x parameters on 2 % of simulated true surfaces, on all additive ones.
DOUBT = 4.0


class Forecasts(Protocol):
    """A forecast with the interval of the surface and that of one new observation."""

    @property
    def low(self) -> ArrayLike: ...
    @property
    def high(self) -> ArrayLike: ...
    @property
    def low_new(self) -> ArrayLike: ...
    @property
    def high_new(self) -> ArrayLike: ...


class Tested(Protocol):
    """The cells tested: `questions` and `budgets`, (C,) each."""

    @property
    def questions(self) -> Array: ...
    @property
    def budgets(self) -> Array: ...


class Surface(Tested, Protocol):
    """A fitted surface, such as `SurfaceFit`."""

    def error(self, M: ArrayLike, r: ArrayLike) -> Array: ...
    def predict(self, M: ArrayLike, r: ArrayLike, level: float = 0.9) -> Forecasts: ...


class ProposedExperiment(NamedTuple):
    """`runs` students at each of one or two `cells` (M, r), each student with its own pool, responses and seed; their
    total `cost`, and the probability that it `tells`: that P(err_a < err_b) then exceeds the confidence asked for, or
    falls below its complement."""

    cells: tuple[tuple[int, int], ...]
    runs: int
    cost: float
    tells: float


def form_doubt(surface: Surface) -> str | None:
    """Explain why the form of a fitted surface should not be trusted: a rival describes its cells better.

    None where there is no such doubt or no way to tell (too few cells, or a surface that `fit_surface` did not fit).
    """
    if not isinstance(surface, SurfaceFit) or not surface.comparable:
        return None
    misfit = {form: chi_square(surface, form) for form in SURFACES}
    parameters = {form: len(shape.parameters) + 2 for form, shape in SURFACES.items()}
    penalised = {form: misfit[form] + 2 * parameters[form] for form in SURFACES}
    best = min((form for form in SURFACES if form != "effective"), key=penalised.__getitem__)
    if not penalised["effective"] - penalised[best] > DOUBT:
        return None
    return (
        f"the {best} form, {SURFACES[best].formula}, describes the cells better than {SURFACES['effective'].formula}: "
        f"chi-square {misfit[best]:.0f} with {parameters[best]} parameters against {misfit['effective']:.0f} with "
        f"{parameters['effective']}"
    )


def better(a: Array, b: Array) -> float:
    """Return P(err_a < err_b) over paired posterior draws (draws,); ties count half."""
    return float(np.mean(a < b) + np.mean(a == b) / 2)


def smallest_experiment(
    surface: Surface, prices: Prices, a: tuple[int, int], b: tuple[int, int], confidence: float = 0.9
) -> ProposedExperiment | None:
    """Find the cheapest experiment that would decide with probability .8 which of a and b, (M, r), has the lower error.

    It tries single cells and pairs of cells, of up to four tested questions and budgets and twice the largest of each,
    with 1 to 16 students a cell. Outcomes are simulated from the posterior and the noise of one new observation, and
    the posterior is reweighted by them. None where no experiment tried would decide.
    """
    rng = np.random.default_rng(0)
    grid = [(m, r) for m in _axis(surface.questions) for r in _axis(surface.budgets)]
    noise = {cell: _noise(surface, *cell) for cell in grid}
    cells = [cell for cell in grid if noise[cell] > 0]
    errors = {cell: surface.error(*cell)[:DRAWS] for cell in cells}
    first_wins = (surface.error(*a) < surface.error(*b))[:DRAWS]
    designs = [*((cell,) for cell in cells), *combinations(cells, 2)]
    cheapest: ProposedExperiment | None = None
    for runs in RUNS:
        likelihoods = {cell: _likelihoods(errors[cell], noise[cell] / np.sqrt(runs), rng) for cell in cells}
        for design in designs:
            cost = runs * float(sum(prices.cost(*cell) for cell in design))
            if cheapest is None or cost < cheapest.cost:
                tells = _tells([likelihoods[cell] for cell in design], first_wins, confidence)
                cheapest = ProposedExperiment(design, runs, cost, tells) if tells >= DECIDES_OFTEN_ENOUGH else cheapest
    return cheapest


def _tells(likelihoods: list[Array], first_wins: NDArray[np.bool_], confidence: float) -> float:
    """Return the share of outcomes after which P(first wins), or its complement, reaches `confidence`."""
    weights = likelihoods[0] if len(likelihoods) == 1 else likelihoods[0] * likelihoods[1]
    chance = weights @ first_wins / weights.sum(axis=1)
    return float(np.mean(np.maximum(chance, 1 - chance) >= confidence))


def _axis(tested: Array) -> list[int]:
    values = np.unique(tested)
    chosen = values[np.unique(np.linspace(0, values.size - 1, AXIS).round().astype(int))]
    return [*(int(value) for value in chosen), 2 * int(values[-1])]


def _likelihoods(errors: Array, spread: float, rng: np.random.Generator) -> Array:
    """Return the likelihood (OUTCOMES, draws) of every draw under outcomes that draws 0, 1, ... of them would give."""
    truths = np.resize(errors, OUTCOMES)
    outcomes = truths + spread * rng.standard_normal(OUTCOMES)
    return np.exp(-(((outcomes[:, None] - errors) / spread) ** 2) / 2)


def _noise(surface: Surface, m: int, r: int) -> float:
    """Return the sd of one new observation around the surface, from the two intervals of a forecast."""
    level = 0.68  # near one sd: further out the interval may be cut off at an error of 1
    forecast = surface.predict(m, r, level)
    widths = [np.subtract(forecast.high_new, forecast.low_new), np.subtract(forecast.high, forecast.low)]
    variance = float(np.max(widths[0] ** 2 - widths[1] ** 2))
    return float(np.sqrt(max(variance, 0.0))) / (2 * norm.ppf((1 + level) / 2))
