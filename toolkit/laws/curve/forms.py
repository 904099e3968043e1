"""Define curves of error against budget, all of the kind floor + amplitude x shape.

Every form used here is `E + A * S(x)` with S falling from 1 to 0, so that E and A are linear once S's one or two shape
parameters are fixed (variable projection, see variable_projection.py). Shape parameters are called *phi* and lie in a
box; scale parameters are natural logarithms, so the forms do not care whether x counts responses or tokens.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, expit

Array = NDArray[np.float64]

MIN_BETA = 0.1
MAX_TAIL = 3.0
# The factor by which the prior lets the half-way budget lie outside the measured budgets, on either side.
SCALE_MARGIN = 30.0
# Least squares may go further: published loss curves of pre-trained models have exponents below the prior's.
LOOSE_MARGIN = 1e16
LOOSE_BETA = 0.01
KINDS = ("scale", "tail")
TOLERANCE = 1e-9  # of S, in a check of what a form promises


def rectified(x: ArrayLike, E: ArrayLike, B: ArrayLike, D0: ArrayLike, beta: ArrayLike) -> Array:
    """Return the rectified law `E + B / (D0 + x^beta)` (Lin et al. 2024, arXiv 2402.02314), x >= 0; values broadcast.

    As a law of coverage (0 < beta <= 1) it is exact when quanta have Mittag-Leffler hazards; B / D0 is what x = 0 adds.
    """
    x, E, B, D0, beta = (np.asarray(value, float) for value in (x, E, B, D0, beta))
    return E + B / (D0 + x**beta)


def n_eff(questions: ArrayLike, budget: ArrayLike, kappa: ArrayLike) -> Array:
    """Return the effective number of questions of M questions with r responses each: `M r / (1 + (r - 1) kappa)`.

    Kish's effective sample size of M clusters of r draws with intra-class correlation kappa in [0, 1]; its use as the
    abscissa of a data law is this project's own. kappa = 0: a response is worth a question; kappa = 1: worth nothing.
    """
    questions, budget, kappa = (np.asarray(value, float) for value in (questions, budget, kappa))
    return questions * budget / (1.0 + (budget - 1.0) * kappa)


class Form(NamedTuple):
    """A shape S(x; phi): `shape(x (J,), phi (cells, d)) -> (cells, J)`, and the names of its parameters.

    x is in units of the first rung, so that the power form too is 1 where the ladder starts. A form is all that a law
    needs: named in `FORMS` it can be fitted, forecast, drawn and chosen in a recipe. For every phi in the box of
    `phi_box` and x >= 1, S is not negative, falls and is convex; `form_of` checks it once.

    Attributes:
        phi: the meaning of each of the one or two columns of phi: "scale" (the logarithm of a budget) or "tail" (an
            exponent).
        names: the name of each column in the formula, scales as budgets.
        formula: the law as text.
        derived: further parameters of the formula, from all others (E, L0 and `names`) by name.
    """

    shape: Callable[[Array, Array], Array]
    phi: tuple[str, ...]
    names: tuple[str, ...]
    formula: str
    derived: Callable[[Mapping[str, float]], Mapping[str, float]] = lambda parameters: {}

    def formula_in(self, letter: str) -> str:
        """Return the formula with another letter for the budget."""
        return re.sub(r"\bx\b", letter, self.formula)


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


def _of_rectified(parameters: Mapping[str, float]) -> dict[str, float]:
    D0 = parameters["r_half"] ** parameters["beta"]
    return {"B": (parameters["L0"] - parameters["E"]) * D0, "D0": D0}


def _amplitude(parameters: Mapping[str, float]) -> dict[str, float]:
    return {"A": parameters["L0"] - parameters["E"]}


FORMS: dict[str, Form] = {
    "rectified": Form(_rectified_shape, ("scale", "tail"), ("r_half", "beta"), "E + B / (D0 + x^beta)", _of_rectified),
    "lomax": Form(_lomax_shape, ("scale", "tail"), ("c", "a"), "E + A (1 + x/c)^-a", _amplitude),
    "beta": Form(_beta_shape, ("scale", "tail"), ("c", "a"), "E + A Beta(a, c + x) / Beta(a, c)", _amplitude),
    "power": Form(_power_shape, ("tail",), ("a",), "E + A x^-a", _amplitude),
    "exponential": Form(_exponential_shape, ("scale",), ("c",), "E + A exp(-x/c)", _amplitude),
}


def form_of(name: str) -> Form:
    """Return the form of a name in `FORMS`.

    Raises:
        ValueError: for an unknown name, or a form that does not keep what `Form` asks for.
    """
    if name not in FORMS:
        raise ValueError(f"form is {name!r}: use one of {', '.join(FORMS)}")
    form = FORMS[name]
    problem = _problem(form._replace(phi=tuple(form.phi), names=tuple(form.names)), name == "rectified")
    if problem:
        raise ValueError(f"the form {name!r} {problem}")
    return form


@cache
def _problem(form: Form, rectified: bool) -> str | None:
    """Say how a form breaks its contract, and the remedy; None where it does not."""
    strange = [kind for kind in form.phi if kind not in KINDS]
    if strange or len(form.phi) not in (1, 2):
        return f"has the phi {form.phi!r}: name one or two columns, each {' or '.join(map(repr, KINDS))}"
    if len(form.names) != len(form.phi):
        return f"has {len(form.phi)} columns of phi and the names {form.names!r}: give each column one name"
    x = np.geomspace(1.0, 64.0, 25)
    sides = [np.linspace(low, high, 9) for low, high in _bounds(form, x, 1.0 if rectified else MAX_TAIL)]
    phi = np.stack(np.meshgrid(*sides), -1).reshape(-1, len(sides))
    try:
        S = np.asarray(form.shape(x, phi), float)
    except Exception as error:  # noqa: BLE001  # a form may be anybody's code
        return f"has a shape that raised {type(error).__name__}: {error}; it takes x (J,) and phi (cells, {len(sides)})"
    if S.shape != (len(phi), len(x)):
        return f"has a shape that gives {S.shape} for {len(phi)} cells and {len(x)} budgets: give (cells, budgets)"
    return _misshapen(x, phi, S)


def _misshapen(x: Array, phi: Array, S: Array) -> str | None:
    slopes = np.diff(S) / np.diff(x)
    steepest = 1 + np.abs(slopes).max(axis=1, initial=0)
    faults = {
        "is not finite": ~np.isfinite(S).all(axis=1),
        "is negative": S.min(axis=1) < -TOLERANCE,
        "rises with x": slopes.max(axis=1) > TOLERANCE * steepest,
        "is not convex in x": np.diff(slopes).min(axis=1) < -TOLERANCE * steepest,
    }
    for fault, cells in faults.items():
        if cells.any():
            at = ", ".join(f"{value:.3g}" for value in phi[cells.argmax()])
            return f"has a shape S(x; phi) that {fault} at phi = ({at}): S >= 0 has to fall and be convex for every phi"
    return None


def phi_box(form: str, x: Array, max_beta: float, loose: bool = False) -> Array:
    """Return bounds (d, 2) of a form's phi for rungs x: the prior's, or `loose` ones for the least-squares point.

    Raises:
        ValueError: as `form_of` does.
    """
    return _bounds(form_of(form), x, max_beta if form == "rectified" else MAX_TAIL, loose)


def _bounds(form: Form, x: Array, max_tail: float, loose: bool = False) -> Array:
    margin, lowest = (LOOSE_MARGIN, LOOSE_BETA) if loose else (SCALE_MARGIN, MIN_BETA)
    bounds = {
        "scale": (np.log(x.min() / margin), np.log(x.max() * margin)),
        "tail": (lowest, max_tail),
    }
    return np.array([bounds[name] for name in form.phi], float)
