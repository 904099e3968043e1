"""Model how quickly a source shows its quanta: hazards, sampled and integrated exactly.

A quantum of hazard l = -ln(1 - p) is still unseen after r draws with probability exp(-l r) = (1 - p)^r, so the error
that a source leaves is E + W * E[exp(-l r)]: a Laplace transform of the distribution of hazards. Four distributions
have it in closed form, and each has a sampler here, so that every derived curve can be checked by simulation. The
rectified law is the Mittag-Leffler one: `E + B / (D0 + r^beta)` is a coverage law exactly for these hazards, 0 < beta
<= 1, at every integer r.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln

Array = NDArray[np.float64]

# Rounding must not make a hazard infinite: its product with 0 draws would be undefined.
FINITE = float(np.finfo(float).max)
ALMOST_ONE = float(np.nextafter(1.0, 0.0))


class Hazards(NamedTuple):
    """A family: `sample(size, rng, **parameters)` -> hazards (size,); `unseen(r, **parameters)` -> E exp(-l r)."""

    sample: Callable[..., Array]
    unseen: Callable[..., Array]
    parameters: str


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be above 0, got {value:g}")


def positive_stable(size: int, rng: np.random.Generator, beta: float) -> Array:
    """Draw S with E exp(-s S) = exp(-s^beta), 0 < beta <= 1 (beta = 1: S = 1), by Kanter's method (1975)."""
    if not 0 < beta <= 1:
        raise ValueError(f"beta must lie in (0, 1], got {beta:g}: beyond 1 no law of coverage exists")
    angle, exponential = rng.uniform(0, np.pi, size), rng.exponential(size=size)
    spread = np.sin(beta * angle) / np.sin(angle) ** (1 / beta)
    return spread * (np.sin((1 - beta) * angle) / exponential) ** ((1 - beta) / beta)


def mittag_leffler(size: int, rng: np.random.Generator, *, beta: float, D0: float) -> Array:
    """Draw hazards whose unseen share is D0 / (D0 + r^beta): D0^(-1/beta) Exp(1)^(1/beta) times a positive stable."""
    _positive(D0=D0)
    stable = positive_stable(size, rng, beta)
    return np.minimum((rng.exponential(size=size) / D0) ** (1 / beta) * stable, FINITE)


def _mittag_leffler_unseen(r: ArrayLike, *, beta: float, D0: float) -> Array:
    return D0 / (D0 + np.asarray(r, float) ** beta)


def beta_hazards(size: int, rng: np.random.Generator, *, a: float, c: float) -> Array:
    """Draw hazards of reveal probabilities p ~ Beta(a, c): unseen Beta(a, c + r) / Beta(a, c), a tail of r^-a."""
    _positive(a=a, c=c)
    return -np.log1p(-np.minimum(rng.beta(a, c, size), ALMOST_ONE))


def _beta_unseen(r: ArrayLike, *, a: float, c: float) -> Array:
    return np.exp(betaln(a, c + np.asarray(r, float)) - betaln(a, c))


def gamma_hazards(size: int, rng: np.random.Generator, *, a: float, c: float) -> Array:
    """Draw hazards l ~ Gamma(shape a, rate c): unseen (1 + r/c)^-a, Lomax's curve."""
    _positive(a=a, c=c)
    return rng.gamma(a, 1 / c, size)


def _gamma_unseen(r: ArrayLike, *, a: float, c: float) -> Array:
    return np.exp(-a * np.log1p(np.asarray(r, float) / c))


def _zipf(s: float, scale: float, count: int) -> tuple[Array, Array]:
    """Return reveal probabilities scale k^-s of `count` quanta, and the weights, in proportion, of their use."""
    if not 0 < scale < 1 or not s > 1 or count < 1:
        raise ValueError(f"Zipf quanta need s > 1, 0 < scale < 1 and count >= 1, got {s:g}, {scale:g} and {count}")
    p = scale * np.arange(1, count + 1, dtype=float) ** -s
    return p, p / p.sum()


def zipf_hazards(size: int, rng: np.random.Generator, *, s: float, scale: float = 0.5, count: int = 100_000) -> Array:
    """Draw hazards of quanta by use: p_k = scale k^-s, k = 1..count, needed as often as they are shown.

    The unseen share falls as r^-(1 - 1/s) until the last of the quanta is reached (Michaud et al. 2023: s = alpha + 1).
    """
    p, weights = _zipf(s, scale, count)
    return -np.log1p(-rng.choice(p, size, p=weights))


def _zipf_unseen(r: ArrayLike, *, s: float, scale: float = 0.5, count: int = 100_000) -> Array:
    p, weights = _zipf(s, scale, count)
    r = np.asarray(r, float)
    return np.array([weights @ np.exp(draws * np.log1p(-p)) for draws in r.ravel()]).reshape(r.shape)


HAZARDS: dict[str, Hazards] = {
    "mittag-leffler": Hazards(mittag_leffler, _mittag_leffler_unseen, "beta, D0"),
    "beta": Hazards(beta_hazards, _beta_unseen, "a, c"),
    "gamma": Hazards(gamma_hazards, _gamma_unseen, "a, c"),
    "zipf": Hazards(zipf_hazards, _zipf_unseen, "s, scale, count"),
}


def expected_error(budget: ArrayLike, family: str, *, floor: float = 0.0, top: float = 1.0, **parameters: Any) -> Array:
    """Return the exact expected error after r >= 0 draws: floor + (top - floor) E[exp(-l r)], for one of `HAZARDS`.

    `floor` is the error that the source can never remove, `top` that without any draw; both in [0, 1], floor <= top.
    """
    chosen = _family(family)
    _check_curve(budget, floor, top)
    return floor + (top - floor) * chosen.unseen(budget, **parameters)


def sampled_error(
    budget: ArrayLike,
    family: str,
    *,
    quanta: int,
    rng: np.random.Generator,
    floor: float = 0.0,
    top: float = 1.0,
    **parameters: Any,
) -> Array:
    """Return the error curve of one source of `quanta` equally weighted quanta, whose mean is `expected_error`."""
    chosen = _family(family)
    budget = _check_curve(budget, floor, top)
    hazards = chosen.sample(quanta, rng, **parameters)
    unseen = np.array([np.exp(-hazards * draws).mean() for draws in budget.ravel()]).reshape(budget.shape)
    return floor + (top - floor) * unseen


def _family(name: str) -> Hazards:
    if name not in HAZARDS:
        raise ValueError(f"no hazards are called {name!r}: choose one of {', '.join(HAZARDS)}")
    return HAZARDS[name]


def _check_curve(budget: ArrayLike, floor: float, top: float) -> Array:
    r = np.asarray(budget, float)
    if not np.all(r >= 0):
        raise ValueError(f"budgets must not be negative, got {r.min():g}")
    if not 0 <= floor <= top <= 1:
        raise ValueError(f"errors need 0 <= floor <= top <= 1, got floor {floor:g} and top {top:g}")
    return r
