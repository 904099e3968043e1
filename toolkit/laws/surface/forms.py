"""Define shapes of error over two axes, M questions and r responses each: ours and its rivals.

All are `E + A S(M, r; phi)`, so that the code for one axis fits them too. Questions are in units of the smallest M.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from toolkit.laws.curve.forms import LOOSE_MARGIN, MAX_TAIL, MIN_BETA, SCALE_MARGIN, Array, n_eff


class SurfaceForm(NamedTuple):
    """A shape S: `shape(M (J,), r (J,), phi (cells, d)) -> (cells, J)`, the names of phi, and the grid of a search."""

    shape: Callable[[Array, Array, Array], Array]
    parameters: tuple[str, ...]
    cells: tuple[int, ...]
    formula: str


def _rectified(x: Array, scale: Array, beta: Array) -> Array:
    return expit(-beta * (np.log(x) - scale))


def _effective(M: Array, r: Array, phi: Array) -> Array:
    return _rectified(n_eff(M, r, phi[:, 2:3]), phi[:, 0:1], phi[:, 1:2])


def _total(M: Array, r: Array, phi: Array) -> Array:
    return _rectified(M * r, phi[:, 0:1], phi[:, 1:2])


def _power(M: Array, r: Array, phi: Array) -> Array:
    return _rectified(M * r ** phi[:, 2:3], phi[:, 0:1], phi[:, 1:2])


def _additive(M: Array, r: Array, phi: Array) -> Array:
    share = phi[:, 3:4]
    return share * M ** -phi[:, 2:3] + (1 - share) * _rectified(r, phi[:, 0:1], phi[:, 1:2])


SURFACES: dict[str, SurfaceForm] = {
    "effective": SurfaceForm(
        _effective, ("scale", "beta", "kappa"), (20, 14, 24), "E + B / (D0 + (M r / (1 + (r - 1) kappa))^beta)"
    ),
    "additive": SurfaceForm(
        _additive, ("scale", "beta", "exponent", "share"), (10, 8, 10, 12), "E + C M^-g + B / (D0 + r^beta)"
    ),
    "total only": SurfaceForm(_total, ("scale", "beta"), (40, 40), "E + B / (D0 + (M r)^beta)"),
    "power": SurfaceForm(_power, ("scale", "beta", "weight"), (20, 14, 24), "E + B / (D0 + (M r^a)^beta)"),
}


def surface_box(form: str, M: Array, r: Array, max_beta: float, loose: bool = False) -> Array:
    """Return bounds (d, 2) of phi for cells at M (in units of the smallest) and r: the prior's, or `loose` ones."""
    margin = LOOSE_MARGIN if loose else SCALE_MARGIN
    largest = r.max() if form == "additive" else (M * r).max()
    bounds = {
        "scale": (-np.log(margin), np.log(largest * margin)),
        "beta": (MIN_BETA, max_beta),
        "kappa": (0.0, 1.0),
        "weight": (0.0, 1.0),
        "exponent": (0.0, MAX_TAIL),
        "share": (0.0, 1.0),
    }
    return np.array([bounds[name] for name in SURFACES[form].parameters], float)
