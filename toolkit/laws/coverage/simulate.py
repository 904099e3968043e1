"""Simulate coverage experiments by the generative model of the two-axis law: questions times responses.

The model: a pool is a sequence of random questions. A quantum of hazard l can be reached through a question by a
*route*; routes come to each question as a Poisson number of mean l (1 + rho), and a response to that question takes a
route with its own probability p ~ Beta(1, rho). A quantum is learned once any route to it was taken. After r
responses a route is taken with probability E[1 - (1 - p)^r] = r / (rho + r), so M questions leave the quantum unseen
with probability exp(-l M r (1 + rho) / (rho + r)) = exp(-l n_eff), n_eff = M r / (1 + (r - 1) kappa), kappa = 1 / (1 +
rho). Averaged over Mittag-Leffler hazards this is

    err(M, r) = E + B / (D0 + n_eff^beta),

*exactly*, for all integers M >= 0 and r >= 1. Approximate are: at most one route per question, with probability a
(then (1 - a r / (rho + r))^M stands for the exponential, relative error of order M a^2, as the number of routes is
binomial); a finite test, whose quanta are a sample of the hazards (error of order quanta^-1/2, common to all
cells); one pool, which scatters around its expectation; and a student that does not learn everything in its corpus.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.laws.coverage.hazards import mittag_leffler

Array = NDArray[np.float64]


def simulate_surface(
    questions: ArrayLike,
    budgets: ArrayLike,
    *,
    kappa: float,
    beta: float,
    B: float,
    D0: float,
    E: float = 0.0,
    quanta: int = 5000,
    replicates: int = 1,
    items: int | None = None,
    rng: np.random.Generator,
) -> Array:
    """Return errors (replicates, cells) at the cells (M, r) of two integer arrays (cells,) of questions and budgets.

    Every replicate draws quanta, pool and responses afresh; within one, pools and budgets are nested as in a ladder,
    so its errors never rise along an axis. B / D0 + E <= 1 is the error without data. `items` adds the noise of a
    test of so many independent items. Raises ValueError on values outside these ranges.
    """
    m, r = _check_cells(questions, budgets, kappa, E + B / D0)
    m_edges, r_edges = (np.unique(np.concatenate([[0], axis])) for axis in (m, r))
    # r/(1 + (r-1) kappa) counts the responses that are as good as a new question; 0 at r = 0.
    good = r_edges / (1 + (np.maximum(r_edges, 1) - 1) * kappa)
    area = np.outer(np.diff(m_edges), np.diff(good))
    at = np.searchsorted(m_edges, m) - 1, np.searchsorted(r_edges, r) - 1
    errors = np.empty((replicates, m.size))
    for row in errors:
        hazards = mittag_leffler(quanta, rng, beta=beta, D0=D0)
        # Each further interval of questions or responses adds an independent Poisson number of taken routes.
        taken = rng.random((quanta, *area.shape)) < -np.expm1(-hazards[:, None, None] * area)
        known = np.logical_or.accumulate(np.logical_or.accumulate(taken, axis=1), axis=2)
        row[:] = np.minimum(E + B / D0 * (1 - known[:, *at].mean(axis=0)), 1.0)
    return errors if items is None else rng.binomial(items, errors) / items


def _check_cells(questions: ArrayLike, budgets: ArrayLike, kappa: float, top: float) -> tuple[Array, Array]:
    m, r = np.asarray(questions, float).ravel(), np.asarray(budgets, float).ravel()
    if m.size != r.size or m.size == 0:
        raise ValueError(f"questions and budgets name cells in pairs, got {m.size} and {r.size} values")
    for name, values in (("questions", m), ("budgets", r)):
        good = (values >= 1) & (values == np.round(values))
        if not good.all():
            raise ValueError(f"{name} must be whole numbers of at least 1, got {values[~good][0]:g}")
    if not 0 <= kappa <= 1:
        raise ValueError(f"kappa must lie in [0, 1], got {kappa:g}")
    if not top <= 1 + 1e-9:  # B is often computed from D0
        raise ValueError(f"the error without data, E + B / D0, must not exceed 1, got {top:g}")
    return m, r
