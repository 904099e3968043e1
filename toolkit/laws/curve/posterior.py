"""Draw a curve E + A S(x; phi) from its posterior, by a grid over phi or by whitened importance sampling.

Flat priors: phi uniform on its box, (E, A) uniform on 0 <= E <= floor_max, A >= 0, E + A <= top. A fixed grid
collapses on few cells when noise is small or rungs are many; below `MIN_CELLS` effective cells, points are drawn
instead from multivariate t's around the optimum, whitened first by its curvature, then by the weighted points
themselves (adaptive multiple importance sampling, Cornuet et al. 2012). Gaussian weights are corrected to the
Student-t likelihood when draws are taken.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from toolkit.laws.curve.forms import Array
from toolkit.laws.curve.marginal import NODES, Marginal, integrate, log_inside, truncated_normal
from toolkit.laws.curve.variable_projection import Problem, solve_linear

MIN_CELLS = 200.0
POINTS = 1500
ROUNDS = 12
PROPOSAL_DF = 5.0
NEGLIGIBLE = 50.0  # chi-square above the best cell's beyond which a cell is not integrated

LogLikelihood = Callable[[Array], Array]  # predictions (n, J) -> (n,)


class Posterior(NamedTuple):
    """Equally weighted draws `phi` (n, d), `floor` and `amplitude` (n,), from so many `effective` cells or points."""

    phi: Array
    floor: Array
    amplitude: Array
    method: str
    effective: float


class _Cloud(NamedTuple):
    phi: Array
    marginal: Marginal
    log_weight: Array  # (cells, NODES), normalised

    @property
    def effective(self) -> float:
        return float(1 / np.sum(np.exp(self.log_weight).sum(axis=1) ** 2))


def student_t(y: Array, scale: Array, df: Array, logs: bool = False) -> LogLikelihood:
    """Return the log likelihood of curves under Student-t errors of y (J,), or of log y with relative `scale`."""
    target = np.log(y) if logs else y

    def log_likelihood(predicted: Array) -> Array:
        z = (target - (np.log(predicted) if logs else predicted)) / scale
        return -np.log1p(z**2 / df) @ ((df + 1) / 2)

    return log_likelihood


def sample(
    problem: Problem,
    log_likelihood: LogLikelihood,
    floor_max: float,
    optimum: tuple[Array, Array],
    cells: tuple[int, ...],
    draws: int,
    rng: np.random.Generator,
) -> Posterior:
    """Draw `draws` curves, given the `optimum` phi (d,) with its covariance (d, d), and the grid's size.

    An empty `cells` means no grid. `problem.weights` are those of a Gaussian proposal for the likelihood, which is best
    a little wider than the likelihood.
    """
    cloud, method = None, "grid"
    if cells:
        cloud = _grid(problem, floor_max, cells, rng)
    if cloud is None or cloud.effective < MIN_CELLS:
        cloud, method = _whitened(problem, floor_max, optimum, rng), "whitened"
    phi, floor, amplitude = _draw(cloud, problem, log_likelihood, draws, rng)
    return Posterior(phi, floor, amplitude, method, cloud.effective)


def _cloud(phi: Array, log_proposal: Array, problem: Problem, floor_max: float) -> _Cloud:
    marginal = integrate(problem.shape(phi), problem, floor_max)
    log_weight = marginal.log_mass - log_proposal[:, None]
    return _Cloud(phi, marginal, log_weight - logsumexp(log_weight))


def _grid(problem: Problem, floor_max: float, cells: tuple[int, ...], rng: np.random.Generator) -> _Cloud:
    """Return one point anywhere in each cell of a regular grid: strata, so that draws need no further jitter."""
    low, high = problem.box.T
    index = np.stack([axis.ravel() for axis in np.meshgrid(*map(np.arange, cells), indexing="ij")], axis=1)
    phi = low + (index + rng.random(index.shape)) * (high - low) / np.array(cells)
    cost = solve_linear(problem.shape(phi), problem.y, problem.weights, problem.top).cost
    phi = phi[cost < cost.min() + NEGLIGIBLE]
    return _cloud(phi, np.zeros(len(phi)), problem, floor_max)


def _whitened(problem: Problem, floor_max: float, optimum: tuple[Array, Array], rng: np.random.Generator) -> _Cloud:
    """Draw points from a growing mixture of multivariate t's; each round is whitened by the rounds before it."""
    low, high = problem.box.T
    mixture: list[tuple[Array, Array]] = []
    phi = np.empty((0, len(low)))
    centre, cov = optimum
    for _ in range(ROUNDS):
        factor = np.asarray(np.linalg.cholesky(cov), float)
        mixture.append((centre, factor))
        chi2 = rng.chisquare(PROPOSAL_DF, (POINTS, 1)) / PROPOSAL_DF
        fresh = centre + rng.standard_normal((POINTS, len(low))) / np.sqrt(chi2) @ factor.T
        phi = np.vstack([phi, fresh[np.all((fresh >= low) & (fresh <= high), axis=1)]])
        proposal = logsumexp([_log_t(phi, *part) for part in mixture], axis=0)
        cloud = _cloud(phi, proposal, problem, floor_max)
        if cloud.effective >= 2 * MIN_CELLS:
            break
        weight = np.exp(cloud.log_weight).sum(axis=1)
        centre = weight @ phi
        cov = (phi - centre).T @ ((phi - centre) * weight[:, None]) + 1e-3 * cov
    return cloud


def _log_t(phi: Array, centre: Array, factor: Array) -> Array:
    z = np.linalg.solve(factor, (phi - centre).T)
    d, df = len(centre), PROPOSAL_DF
    constant = gammaln((df + d) / 2) - np.log(np.diag(factor)).sum()
    return constant - (df + d) / 2 * np.log1p(np.sum(z**2, axis=0) / df)


def systematic(weight: Array, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw `count` indices in proportion to `weight` (n,), evenly: each comes floor or ceil of its share times."""
    cumulative = np.cumsum(weight)
    return np.searchsorted(cumulative / cumulative[-1], (rng.random() + np.arange(count)) / count).clip(
        0, len(weight) - 1
    )


def _draw(
    cloud: _Cloud, problem: Problem, log_likelihood: LogLikelihood, count: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Draw (phi, E, A) from the Gaussian proposal, twice as many as needed, then resample by the exact likelihood."""
    marginal = cloud.marginal
    picked = systematic(np.exp(cloud.log_weight).ravel(), 2 * count, rng)
    cell, node = picked // NODES, picked % NODES
    phi = cloud.phi[cell]
    floor = marginal.nodes[cell, node] + (rng.random(len(cell)) - 0.5) * marginal.width[cell]
    mean, sd, high = marginal.base[cell] - marginal.slope[cell] * floor, marginal.sd[cell], problem.top - floor
    amplitude = truncated_normal(mean, sd, high, rng.random(len(cell)))
    log_proposal = (
        marginal.log_mass[cell, node]
        - np.log(marginal.width[cell] * sd)
        - log_inside(mean, sd, high)
        - 0.5 * ((amplitude - mean) / sd) ** 2
    )
    log_weight = log_likelihood(floor[:, None] + amplitude[:, None] * problem.shape(phi)) - log_proposal
    chosen = systematic(np.exp(log_weight - log_weight.max()), count, rng)
    return phi[chosen], floor[chosen], amplitude[chosen]
