"""Predict with baselines, to compare every forecast with: straight lines, the last value and rival curves.

A law that predicts an unseen budget well proves little as long as simple curves through the same rungs do as well.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from toolkit.laws.curve.data import MIN_RUNGS
from toolkit.laws.curve.fit import without_top_rung
from toolkit.laws.curve.forms import FORMS, Array, phi_box
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.solve import CELLS
from toolkit.laws.curve.variable_projection import Problem, best_curve

# (x (J,), y (J,), weights (J,), largest value of E + A, r (X,)) -> prediction (X,)
Baseline = Callable[[Array, Array, Array, float, Array], Array]


class TableRow(NamedTuple):
    """One form's forecasts `predicted` (H,) at the held-out budgets, and `miss` (H,) = predicted - observed mean.
    `top_rung_miss` is the miss at the last fitted rung when the form is fitted to the others only (NaN if too few)."""

    form: str
    predicted: Array
    miss: Array
    top_rung_miss: float


def log_linear(x: Array, y: Array, weights: Array, top: float, r: Array, last: int = 0) -> Array:
    """Predict by a straight line in log x through all rungs, or the `last` few; unweighted, as one would draw it."""
    slope, level = np.polyfit(np.log(x[-last:]), y[-last:], 1)
    return np.clip(level + slope * np.log(r), 0.0, top)


def last_value(x: Array, y: Array, weights: Array, top: float, r: Array) -> Array:
    """Predict the error of the last rung everywhere."""
    return np.full_like(r, y[-1])


def curve(x: Array, y: Array, weights: Array, top: float, r: Array, form: str) -> Array:
    """Predict by weighted least squares of a form of `FORMS`."""
    unit, shape = x[0], FORMS[form].shape
    box = phi_box(form, x / unit, 1.0, loose=True)
    best = best_curve(Problem(y, weights, partial(shape, x / unit), box, top), CELLS[len(box)])
    return best.floor + best.amplitude * shape(r / unit, best.phi[None])[0]


SIMPLE: dict[str, Baseline] = {
    "log-linear": log_linear,
    "log-linear, last three": partial(log_linear, last=3),
    "last value": last_value,
}
# What tables call the first forms, in this order; a form of somebody's own goes by its name in `FORMS`.
TITLES = {
    "power": "power", "exponential": "exponential saturation", "lomax": "Lomax", "beta": "Beta coverage"
}  # fmt: skip


def baselines_of(form: str) -> dict[str, Baseline]:
    """Return what a law of this form is compared with: the simple ones, and every other form of `FORMS`."""
    others = [name for name in dict.fromkeys([*TITLES, *FORMS]) if name in FORMS and name != form]
    return SIMPLE | {TITLES.get(name, name): partial(curve, form=name) for name in others}


def predict_baselines(fit: LawFit, r: Array) -> dict[str, Array]:
    """Return every baseline's prediction at budgets r (X,), from the same rungs and weights as the law."""
    return _predict(fit, len(fit.rungs.x), np.atleast_1d(np.asarray(r, float)))


def forecast_table(fit: LawFit) -> list[TableRow]:
    """Tabulate the law (mean and least squares) and every baseline at the held-out budgets and one rung back."""
    budgets = np.unique(fit.held_out[0])
    observed = np.array([fit.held_out[1][fit.held_out[0] == budget].mean() for budget in budgets])
    last, top_error, fewer = fit.rungs.x[-1:], fit.rungs.y[-1], len(fit.rungs.x) - 1
    shorter = without_top_rung(fit) if fewer >= MIN_RUNGS else None
    ahead = _laws(fit, budgets) | predict_baselines(fit, budgets)
    back = _laws(shorter, last) | _predict(fit, fewer, last)
    return [TableRow(name, ahead[name], ahead[name] - observed, float(back[name][0] - top_error)) for name in ahead]


def _laws(fit: LawFit | None, r: Array) -> dict[str, Array]:
    if fit is None or fit.shape.refused:
        nothing = np.full_like(r, np.nan)  # as in `predict`, which refuses a ladder that rises
        return {"law": nothing, "law, least squares": nothing}
    return {"law": fit.mean(r), "law, least squares": fit.at(r)}


def _predict(fit: LawFit, rungs: int, r: Array) -> dict[str, Array]:
    has_noise = fit.noise.source != "none"
    weights = fit.noise.scale**-2.0 if has_noise else np.ones_like(fit.rungs.x)
    data = fit.rungs.x[:rungs], fit.rungs.y[:rungs], weights[:rungs], fit.settings.top
    return {name: baseline(*data, r) for name, baseline in baselines_of(fit.settings.form).items()}
