"""Curves of error against budget, all of the kind floor + amplitude x shape.

Every form used here is `E + A * S(x)` with S falling from 1 to 0, so that E and A are linear once S's one or two
shape parameters are fixed (variable projection, see projection.py). Shape parameters are called *phi* and lie in a box;
scale parameters are natural logarithms, so the forms do not care whether x counts responses or tokens.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, expit

Array = NDArray[np.float64]

MIN_BETA = 0.1
# The half-way budget may lie this far outside the budgets measured, by a factor, on either side.
SCALE_MARGIN = 30.0
MAX_TAIL = 3.0


def rectified(x: ArrayLike, E: ArrayLike, B: ArrayLike, D0: ArrayLike, beta: ArrayLike) -> Array:
    """The rectified law `E + B / (D0 + x^beta)` (Lin et al. 2024, arXiv 2402.02314) at x >= 0; all arguments broadcast.

    As a law of coverage (0 < beta <= 1) it is exact when quanta have Mittag-Leffler hazards; B / D0 is what x = 0 adds.
    """
    x, E, B, D0, beta = (np.asarray(value, float) for value in (x, E, B, D0, beta))
    return E + B / (D0 + x**beta)


def n_eff(questions: ArrayLike, budget: ArrayLike, kappa: ArrayLike) -> Array:
    """Effective number of questions of M questions with r responses each: `M r / (1 + (r - 1) kappa)`.

    Kish's effective sample size of M clusters of r draws with intra-class correlation kappa in [0, 1]; its use as the
    abscissa of a data law is this project's own. kappa = 0: a response is worth a question; kappa = 1: worth nothing.
    """
    questions, budget, kappa = (np.asarray(value, float) for value in (questions, budget, kappa))
    return questions * budget / (1.0 + (budget - 1.0) * kappa)


class Form(NamedTuple):
    """A shape S(x; phi): `shape(x (J,), phi (cells, d)) -> (cells, J)`, and `box(x, max_beta) -> (d, 2)`, its bounds.

    x is in units of the first rung, so that the power form too is 1 where the ladder starts.
    """

    shape: Callable[[Array, Array], Array]
    box: Callable[[Array, float], Array]
    formula: str


def _scale_box(x: Array) -> tuple[float, float]:
    return float(np.log(x.min() / SCALE_MARGIN)), float(np.log(x.max() * SCALE_MARGIN))


def _rectified_shape(x: Array, phi: Array) -> Array:
    return expit(-phi[:, 1:2] * (np.log(x) - phi[:, 0:1]))


def _lomax_shape(x: Array, phi: Array) -> Array:
    return np.exp(-phi[:, 1:2] * np.log1p(x * np.exp(-phi[:, 0:1])))


def _beta_shape(x: Array, phi: Array) -> Array:
    scale, tail = np.exp(phi[:, 0:1]), phi[:, 1:2]
    return np.exp(betaln(tail, scale + x) - betaln(tail, scale))


def _power_shape(x: Array, phi: Array) -> Array:
    return np.exp(-phi * np.log(x))


def _exponential_shape(x: Array, phi: Array) -> Array:
    return np.exp(-x * np.exp(-phi))


FORMS: dict[str, Form] = {
    "rectified": Form(
        _rectified_shape, lambda x, top: np.array([_scale_box(x), (MIN_BETA, top)]), "E + B / (D0 + x^beta)"
    ),
    "lomax": Form(_lomax_shape, lambda x, top: np.array([_scale_box(x), (MIN_BETA, MAX_TAIL)]), "E + A (1 + x/c)^-a"),
    "beta": Form(
        _beta_shape, lambda x, top: np.array([_scale_box(x), (MIN_BETA, MAX_TAIL)]), "E + A Beta(a, c + x) / Beta(a, c)"
    ),
    "power": Form(_power_shape, lambda x, top: np.array([(MIN_BETA, MAX_TAIL)]), "E + A x^-a"),
    "exponential": Form(_exponential_shape, lambda x, top: np.array([_scale_box(x)]), "E + A exp(-x/c)"),
}
