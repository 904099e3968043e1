"""Compare the forms of two axes: fit them all with the largest cells left out, and predict those."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.laws.curve.forms import Array
from toolkit.laws.curve.variable_projection import Problem, best_curve
from toolkit.laws.surface.fit import SurfaceFit
from toolkit.laws.surface.forms import SURFACES, surface_box


class SurfaceRow(NamedTuple):
    """One form: number of parameters, chi-square over all cells (NaN without noise), RMSE of cells left out.

    `largest_total` is the RMSE where the cells of the largest M r are left out, `largest_M` that where all cells of the
    largest M are.
    """

    form: str
    formula: str
    parameters: int
    chi_square: float
    largest_total: float
    largest_M: float


def surface_table(fit: SurfaceFit) -> list[SurfaceRow]:
    """Tabulate the effective, additive, total-only and power forms, fitted to the same cells with the same weights.

    No form is bound to E + B / D0 <= 1 here, so that none loses by a bound. ValueError where too few cells are left.
    """
    total = fit.cells.x
    parts = {"total": total < total.max(), "M": fit.questions < fit.questions.max()}
    for name, cells in parts.items():
        if cells.sum() < 6:
            raise ValueError(
                f"only {cells.sum()} cells are left without the largest {name}: 6 are needed to compare forms"
            )
    rows = []
    for form, (_, names, _, formula) in SURFACES.items():
        misses = [fit.cells.y[~cells] - _predicted(fit, form, cells)[~cells] for cells in parts.values()]
        left_out = (float(np.sqrt(np.mean(m**2))) for m in misses)
        rows.append(SurfaceRow(form, formula, len(names) + 2, chi_square(fit, form), *left_out))
    return rows


def chi_square(fit: SurfaceFit, form: str) -> float:
    """Return the chi-square of a form fitted to all cells, one of the fits of `surface_table`; NaN without noise."""
    if fit.noise.source == "none":
        return float("nan")
    residual = fit.cells.y - _predicted(fit, form, np.ones(len(fit.cells.y), bool))
    return float(np.sum((residual / fit.noise.scale) ** 2))


def _predicted(fit: SurfaceFit, form: str, cells: NDArray[np.bool_]) -> Array:
    """Return predictions at every cell from a fit to `cells` only."""
    M, r = fit.questions / fit.questions.min(), fit.budgets
    weights = fit.noise.scale**-2.0 if fit.noise.source != "none" else np.ones_like(M)
    shape, _, sizes, _ = SURFACES[form]
    box = surface_box(form, M[cells], r[cells], fit.settings.max_beta, loose=True)
    problem = Problem(fit.cells.y[cells], weights[cells], partial(shape, M[cells], r[cells]), box, np.inf)
    best = best_curve(problem, sizes, starts=2)
    return best.floor + best.amplitude * shape(M, r, best.phi[None])[0]


def verdict(table: list[SurfaceRow]) -> str:
    """Say in a sentence which form each comparison of the table prefers, and whether they agree."""
    tests = {
        "leaving out the largest total": "largest_total",
        "leaving out the largest M": "largest_M",
        "chi-square": "chi_square",
    }
    best = {
        test: min(table, key=lambda row: getattr(row, column)).form
        for test, column in tests.items()
        if np.isfinite(getattr(table[0], column))
    }
    if len(set(best.values())) == 1:
        return f"every comparison prefers the {next(iter(best.values()))} form"
    return "the comparisons disagree: " + ", ".join(f"{test} prefers the {form} form" for test, form in best.items())
