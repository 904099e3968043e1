"""Forecast from a fitted law, averaged over forms (what the product says) or by its form alone, in the same terms."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from toolkit.laws.curve.data import numbers
from toolkit.laws.curve.forms import Array
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.predict import REFUSE_BEYOND
from toolkit.laws.forecast.averaged import AveragedForecast
from toolkit.laws.forecast.curve import forecast_ladder
from toolkit.laws.forecast.surface import forecast_cells
from toolkit.laws.surface.fit import SurfaceFit

AVERAGED = "averaged"


class Ahead(Protocol):
    """A forecast at budgets (H,), whatever made it; NaNs where the ladder rises, so that there is none.

    `curve` (n, H) are draws of the curve, a row a curve, and `floor` (n,) what no budget removes from each. A form
    whose noise is unknown has neither draws nor intervals. `reading` says in words what the forecast rests on.
    """

    @property
    def budgets(self) -> Array: ...
    @property
    def curve(self) -> Array: ...
    @property
    def floor(self) -> Array: ...
    @property
    def mean(self) -> Array: ...
    @property
    def reading(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    def interval(self, level: float = 0.9, rows: float | None = None) -> Array:
        """Return (2, H) ends of the interval of the curve, or of the mean of so many new `rows`; level in (0, 1)."""
        ...


@dataclass(frozen=True, eq=False)
class FormForecast:
    """The forecast at `budgets` (H,) by the one form of a fit; see `Ahead`."""

    fit: LawFit
    budgets: Array

    @property
    def curve(self) -> Array:
        """Return posterior curves (n, H)."""
        return self.fit.curves(self.budgets)

    @property
    def floor(self) -> Array:
        """Return posterior draws (n,) of the floor."""
        return self.fit.draws[:, 0]

    @cached_property
    def mean(self) -> Array:
        """Return the posterior mean (H,), or the least-squares curve without a posterior."""
        return np.full_like(self.budgets, np.nan) if self.fit.shape.refused else self.fit.mean(self.budgets)

    @property
    def reading(self) -> str:
        """Say that one form is trusted, or why there is no forecast."""
        if self.fit.shape.refused:
            return f"none: {self.fit.shape.notes[0]}"
        return f"by the {self.fit.settings.form} form alone; where another is true, its interval is too narrow"

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what contradicts the form, and how far beyond the rungs the budgets lie."""
        return self.fit.predict(self.budgets).notes

    def interval(self, level: float = 0.9, rows: float | None = None) -> Array:
        """Return (2, H) ends of the interval of the curve, or of the mean of so many new `rows`; level in (0, 1)."""
        if rows is None:
            ahead = self.fit.predict(self.budgets, level)
            return np.array([ahead.low, ahead.high])
        ahead = (self.fit if rows == 1 else _for_mean_of(self.fit, rows)).predict(self.budgets, level)
        return np.array([ahead.low_new, ahead.high_new])


def _for_mean_of(fit: LawFit, rows: float) -> LawFit:
    """Return the fit whose new observation is the mean of so many rows: their sd over the root of `rows`."""
    level, slope, centre = fit.noise.trend
    return replace(fit, noise=fit.noise._replace(trend=(level - math.log(rows) / 2, slope, centre)))


def forecast_of(fit: LawFit, ahead: ArrayLike, by: str = AVERAGED) -> Ahead:
    """Forecast budgets `ahead` from the rungs of a fit: `averaged` over forms, or by the form that was fitted.

    A budget's numbers are the same to the last digit wherever it is forecast alone; among others, its draws differ. A
    ladder that clearly rises, or does not move at all, has nothing to average: its form is asked either way.

    Raises:
        ValueError: for another `by`, or budgets that are not above 0, or beyond 16 times the last rung.
    """
    check_by(by, fit.settings.form)
    budgets = numbers(np.ravel(np.asarray(ahead)), "ahead")
    if by != AVERAGED or fit.shape.refused or np.ptp(fit.rungs.y) == 0:
        return FormForecast(fit, budgets)
    return forecast_ladder(fit.rungs, fit.noise, budgets, fit.settings.quantity, notes=fit.shape.notes)


def forecast_cell(surface: SurfaceFit, questions: float, budget: float) -> AveragedForecast | None:
    """Forecast one cell from those of a fitted surface, averaged over forms; None beyond 16 times what was tested."""
    keys = np.stack([surface.questions, surface.budgets])
    tested = [*keys.max(axis=1), keys.prod(axis=0).max()]
    if np.any(np.array([questions, budget, questions * budget]) > REFUSE_BEYOND * np.array(tested)):
        return None
    cell = np.array([questions], float), np.array([budget], float)
    return forecast_cells(keys, surface.cells, surface.noise, cell, surface.settings.quantity)


def check_by(by: str, form: str) -> None:
    """Raise ValueError unless forecasts are `averaged` or by the form that is fitted."""
    if by not in (AVERAGED, form):
        raise ValueError(f"forecast is {by!r}: use {AVERAGED!r}, or {form!r}, the form that is fitted")
