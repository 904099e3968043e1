"""Hold a fitted law: parameters, draws, forecasts and their JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from toolkit.laws.curve.checks import Shape, is_floor
from toolkit.laws.curve.data import numbers
from toolkit.laws.curve.forms import FORMS, Array, Form
from toolkit.laws.curve.noise import Noise, Rungs
from toolkit.laws.curve.posterior import Posterior
from toolkit.laws.curve.predict import WIDEN_BEYOND, Forecast, as_forecast, check_level, reach
from toolkit.laws.curve.solve import FitSettings, Solution, solve
from toolkit.laws.curve.store import arrays, dump_kind, read_kind, read_misfit, read_noise
from toolkit.laws.curve.variable_projection import Curve

NO_NOISE = "no noise is known (no runs that differ, no sd, no n): the law has no interval, only the least-squares curve"


@dataclass(frozen=True, eq=False)  # compared by identity, as arrays have no equality, so that a fit can be a cache key
class LawFit:
    """A fitted law: its data, the `solution` (least-squares curve and posterior), and warnings.

    `rungs` are the budgets fitted, `held_out` the rows beyond `fit_max`, as (budgets, errors); `shape` says whether the
    ladder falls and is convex within its noise.
    """

    rungs: Rungs
    noise: Noise
    held_out: tuple[Array, Array]
    solution: Solution
    shape: Shape
    warnings: tuple[str, ...]

    @property
    def settings(self) -> FitSettings:
        """Return how the ladder was read and fitted."""
        return self.solution.settings

    @property
    def E(self) -> float:
        """Return the floor: the error that no budget of this source removes."""
        return self.solution.curve.floor

    @property
    def L0(self) -> float:
        """Return the curve at budget 0: E + B / D0 (power form: at the first rung)."""
        return self.solution.curve.floor + self.solution.curve.amplitude

    @property
    def form(self) -> Form:
        """Return the form that was fitted."""
        return FORMS[self.settings.form]

    @property
    def parameters(self) -> dict[str, float]:
        """Return E, L0, the form's own parameters and those derived from them, of the least-squares curve."""
        values = dict(zip(self.names, [self.E, self.L0, *self._natural(self.solution.curve.phi[None])[0]], strict=True))
        return {name: float(value) for name, value in {**values, **self.form.derived(values)}.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the parameters that are drawn: E, L0 and those of the form."""
        return ("E", "L0", *self.form.names)

    @property
    def r_half(self) -> float:
        """Return the budget that removes half of L0 - E: D0^(1 / beta). NaN for forms other than the rectified one."""
        return self.parameters.get("r_half", float("nan"))

    @property
    def beta(self) -> float:
        """Return the exponent. NaN for forms other than the rectified one."""
        return self.parameters.get("beta", float("nan"))

    @property
    def D0(self) -> float:
        """Return r_half^beta. NaN for forms other than the rectified one."""
        return self.parameters.get("D0", float("nan"))

    @property
    def B(self) -> float:
        """Return (L0 - E) D0. NaN for forms other than the rectified one."""
        return self.parameters.get("B", float("nan"))

    def _natural(self, phi: Array) -> Array:
        """Return the columns of phi (n, d) as they are in the formula: scales as budgets."""
        is_scale = np.array([kind == "scale" for kind in self.form.phi])
        with np.errstate(over="ignore"):
            return np.where(is_scale, self.rungs.x[0] * np.exp(np.where(is_scale, phi, 0.0)), phi)

    @property
    def floor(self) -> tuple[float, float] | None:
        """Return the 90 % interval of E where it is narrow enough to speak of a floor, else None.

        It is the floor of these students and this training: the source's only if doubling the steps changes no error.
        """
        if self.solution.posterior is None:
            return None
        low, high = np.quantile(self.solution.posterior.floor, [0.05, 0.95])
        unit = 1.0 if self.settings.quantity == "error" else float(self.rungs.y[0])
        return (float(low), float(high)) if is_floor(low, high, unit) else None

    @property
    def draws(self) -> Array:
        """Return posterior draws of the parameters `names`, one column each; no rows without noise.

        For the rectified form they are (n, 4): E, L0, r_half and beta.
        """
        post = self.solution.posterior
        if post is None:
            return np.empty((0, len(self.names)))
        return np.column_stack([post.floor, post.floor + post.amplitude, self._natural(post.phi)])

    @property
    def residuals(self) -> Array:
        """Return observed minus fitted, per rung: errors, or log errors where residuals are "log"."""
        observed, fitted = self.rungs.y, self.at(self.rungs.x)
        return np.log(observed / fitted) if self.settings.residuals == "log" else observed - fitted

    def at(self, r: ArrayLike) -> Array:
        """Return the least-squares curve at budgets r > 0 of any shape, without limits or intervals."""
        return self.solution.at(r)

    def curves(self, r: ArrayLike) -> Array:
        """Return posterior curves (draws, X) at budgets r (X,); (0, X) without noise."""
        return self.solution.curves(np.atleast_1d(np.asarray(r, float)))

    def mean(self, r: ArrayLike) -> Array:
        """Return the posterior mean of the curve at budgets r (X,), or the least-squares curve without a posterior."""
        return self.at(np.atleast_1d(r)) if self.solution.posterior is None else self.curves(r).mean(axis=0)

    def predict(self, r: ArrayLike, level: float = 0.9) -> Forecast:
        """Forecast at budgets r > 0. Beyond 4 x the last rung the intervals span all forms and a note says so.

        ValueError beyond 16 x. A ladder that clearly rises gets NaNs and the reason instead of a falling law.
        """
        check_level(level)
        x = numbers(np.ravel(np.asarray(r)), "r")
        times = reach(x, float(self.rungs.x[-1]))
        nothing = np.full(x.size, np.nan)
        if self.shape.refused:
            return as_forecast(np.shape(r), (x, *[nothing] * 6), level, self.shape.notes)
        if self.solution.posterior is None:
            return as_forecast(np.shape(r), (x, self.at(x), *[nothing] * 5), level, (NO_NOISE,))
        bounds, notes = self._intervals(x, level, times)
        rows = (x, self.at(x), self.curves(x).mean(axis=0), *bounds)
        return as_forecast(np.shape(r), rows, level, (*self.shape.notes, *notes))

    def _intervals(self, x: Array, level: float, times: float) -> tuple[Array, list[str]]:
        bounds, notes = self.solution.bounds(x, level, self.noise), []
        if self.solution.misfit.inflation > 1:
            fitting = [rival for rival in self.rivals if rival.misfit.inflation == 1]
            bounds = self._widened(x, level, bounds, fitting)
            notes.append(f"the form does not fit: intervals hold the excess noise and {_names(fitting)}")
        if times > WIDEN_BEYOND:
            far = x > WIDEN_BEYOND * self.rungs.x[-1]
            bounds[:, far] = self._widened(x[far], level, bounds[:, far], self.rivals)
            notes.append(f"{times:.3g} times the last budget fitted: intervals also span {_names(self.rivals)}")
        return bounds, notes

    def _widened(self, x: Array, level: float, bounds: Array, others: Sequence[Solution]) -> Array:
        bounds_of_all = np.array([bounds, *(other.bounds(x, level, self.noise) for other in others)])
        low, high = bounds_of_all.min(axis=0), bounds_of_all.max(axis=0)
        return np.array([low[0], high[1], low[2], high[3]])

    @cached_property
    def rivals(self) -> tuple[Solution, ...]:
        """Solve the same ladder with every other form."""
        others = (form for form in FORMS if form != self.settings.form)
        return tuple(solve(self.rungs, self.noise, self.settings._replace(form=form)) for form in others)

    def to_json(self) -> str:
        """Return strict JSON text of everything, draws included, from which `from_json` restores the same fit."""
        return dump_kind("law", {field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def from_json(cls, text: str) -> "LawFit":
        """Read a fit written by `to_json`; ValueError for any other text."""
        saved = read_kind(text, "law", [field.name for field in fields(cls)])
        solution, posterior = saved["solution"], saved["solution"]["posterior"]
        return cls(
            rungs=Rungs(**arrays(saved["rungs"])),
            noise=read_noise(saved["noise"]),
            held_out=(np.array(saved["held_out"][0], float), np.array(saved["held_out"][1], float)),
            solution=Solution(
                settings=FitSettings(**solution["settings"]),
                unit=solution["unit"],
                curve=Curve(**arrays(solution["curve"])),
                posterior=None if posterior is None else Posterior(**arrays(posterior)),
                misfit=read_misfit(solution["misfit"]),
            ),
            shape=Shape(**saved["shape"] | {"notes": tuple(saved["shape"]["notes"])}),
            warnings=tuple(saved["warnings"]),
        )


def _names(solutions: Sequence[Solution]) -> str:
    names = ", ".join(solution.settings.form for solution in solutions)
    return f"the forms {names}" if names else "no other form, as none fits"
