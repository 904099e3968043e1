"""The law of one ladder: least-squares point, posterior, checks, warnings, forecasts."""

import json
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from toolkit.laws.checks import Shape, beta_warnings, check_shape, floor_warnings, misfit_warnings
from toolkit.laws.data import check_ladder, check_rows, numbers, reduce_rows
from toolkit.laws.forms import FORMS, Array, phi_box
from toolkit.laws.noise import Noise, Rungs, estimate_noise, row_sd
from toolkit.laws.posterior import Posterior, sample, student_t
from toolkit.laws.predict import WIDEN_BEYOND, Forecast, as_forecast, check_level, intervals, reach
from toolkit.laws.projection import Curve, Problem, best_curve, local_optimum
from toolkit.laws.store import arrays, plain, read_kind

CELLS = {1: (400,), 2: (40, 40)}
NO_NOISE = "one row per budget and neither sd nor n: no interval can be given, only the least-squares curve"


class Settings(NamedTuple):
    """How a ladder is read and fitted: see `fit_law`."""

    form: str = "rectified"
    quantity: str = "error"
    residuals: str = "linear"
    max_beta: float = 1.0
    draws: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class LawFit:
    """A fitted law: least-squares `curve`, `posterior` draws (None without noise), what was fitted and what to beware
    of.

    `rungs` are the budgets fitted, `held_out` the rows beyond `fit_max`, as (budgets, errors).
    """

    settings: Settings
    rungs: Rungs
    noise: Noise
    held_out: tuple[Array, Array]
    curve: Curve
    posterior: Posterior | None
    shape: Shape
    warnings: tuple[str, ...]

    @property
    def E(self) -> float:
        """The floor: the error that no budget of this source removes."""
        return self.curve.floor

    @property
    def L0(self) -> float:
        """The curve at budget 0: E + B / D0 (power form: at the first rung)."""
        return self.curve.floor + self.curve.amplitude

    @property
    def r_half(self) -> float:
        """The budget that wins half of L0 - E: D0^(1 / beta). NaN for forms other than the rectified one."""
        return float(np.exp(self._rectified(0)) * self.rungs.x[0])

    @property
    def beta(self) -> float:
        """The exponent. NaN for forms other than the rectified one."""
        return self._rectified(1)

    @property
    def D0(self) -> float:
        """r_half^beta."""
        return float(self.r_half**self.beta)

    @property
    def B(self) -> float:
        """(L0 - E) D0."""
        return self.curve.amplitude * self.D0

    def _rectified(self, index: int) -> float:
        return float(self.curve.phi[index]) if self.settings.form == "rectified" else float("nan")

    @property
    def draws(self) -> Array:
        """Posterior draws (n, 4) of (E, L0, r_half, beta) of a rectified fit; (0, 4) without noise or for another
        form.
        """
        post = self.posterior
        if post is None or self.settings.form != "rectified":
            return np.empty((0, 4))
        return np.column_stack(
            [post.floor, post.floor + post.amplitude, self.rungs.x[0] * np.exp(post.phi[:, 0]), post.phi[:, 1]]
        )

    @property
    def residuals(self) -> Array:
        """Observed minus fitted, per rung: errors, or log errors where residuals are "log"."""
        observed, fitted = self.rungs.y, self.at(self.rungs.x)
        return np.log(observed / fitted) if self.settings.residuals == "log" else observed - fitted

    def at(self, r: ArrayLike) -> Array:
        """The least-squares curve at budgets r > 0, any shape, without limits or intervals."""
        x = np.asarray(r, float)
        S = FORMS[self.settings.form].shape(x.ravel() / self.rungs.x[0], self.curve.phi[None])[0]
        return (self.curve.floor + self.curve.amplitude * S).reshape(x.shape)

    def curves(self, r: ArrayLike) -> Array:
        """Posterior curves (draws, X) at budgets r (X,); (0, X) without noise."""
        x = np.atleast_1d(np.asarray(r, float))
        if self.posterior is None:
            return np.empty((0, x.size))
        S = FORMS[self.settings.form].shape(x / self.rungs.x[0], self.posterior.phi)
        return self.posterior.floor[:, None] + self.posterior.amplitude[:, None] * S

    def mean(self, r: ArrayLike) -> Array:
        """The posterior mean of the curve at budgets r (X,); the least-squares curve where there is no posterior."""
        return self.at(np.atleast_1d(r)) if self.posterior is None else self.curves(r).mean(axis=0)

    def predict(self, r: ArrayLike, level: float = 0.9) -> Forecast:
        """Forecast at budgets r > 0. Beyond 4 x the last rung the intervals span all forms and a note says so.

        ValueError beyond 16 x. A ladder that rises beyond its noise gets NaNs and the reason: no falling law is
        dressed up.
        """
        check_level(level)
        x = numbers(np.ravel(np.asarray(r)), "r")
        times = reach(x, float(self.rungs.x[-1]))
        notes = self.shape.notes
        point, mean, bounds = np.full(x.size, np.nan), np.full(x.size, np.nan), np.full((4, x.size), np.nan)
        if self.shape.decreasing:
            point = self.at(x)
        if self.shape.decreasing and self.posterior is not None:
            mean = self.curves(x).mean(axis=0)
            bounds = self._bounds(x, level)
        if times > WIDEN_BEYOND:
            notes = (
                *notes,
                f"{times:.3g} times the largest budget fitted: intervals span all forms, {', '.join(FORMS)}",
            )
            far = x > WIDEN_BEYOND * self.rungs.x[-1]
            bounds[:, far] = self._widened(x[far], level, bounds[:, far])
        if self.posterior is None:
            notes = (*notes, NO_NOISE)
        return as_forecast(np.shape(r), (x, point, mean, *bounds), level, notes)

    def _bounds(self, x: Array, level: float) -> Array:
        rng = np.random.default_rng(self.settings.seed)
        curves = self.curves(x)
        sd = row_sd(self.noise, x, rng.standard_normal((len(curves), 2)))
        bounds = np.array(intervals(curves, sd, level, rng))
        return np.clip(bounds, 0.0, 1.0 if self.settings.quantity == "error" else np.inf)

    def _widened(self, x: Array, level: float, bounds: Array) -> Array:
        every = np.array([bounds, *(other._bounds(x, level) for other in self.alternatives)])
        low, high = every.min(axis=0), every.max(axis=0)
        return np.array([low[0], high[1], low[2], high[3]])

    @cached_property
    def alternatives(self) -> tuple["LawFit", ...]:
        """The same ladder fitted with every other form; empty without noise."""
        others = [form for form in FORMS if form != self.settings.form]
        if self.posterior is None:
            return ()
        return tuple(refit(self, form=form) for form in others)

    def to_json(self) -> str:
        """Strict JSON text of everything, draws included; `from_json` restores a fit that predicts the same numbers."""
        return json.dumps({"kind": "law", **{field.name: plain(getattr(self, field.name)) for field in fields(self)}})

    @classmethod
    def from_json(cls, text: str) -> "LawFit":
        """The fit written by `to_json`; ValueError for any other text."""
        saved = read_kind(text, "law")
        posterior = saved["posterior"]
        return cls(
            settings=Settings(**saved["settings"]),
            rungs=Rungs(**arrays(saved["rungs"])),
            noise=Noise(**{**arrays(saved["noise"]), "trend": tuple(saved["noise"]["trend"])}),
            held_out=(np.array(saved["held_out"][0], float), np.array(saved["held_out"][1], float)),
            curve=Curve(**arrays(saved["curve"])),
            posterior=None if posterior is None else Posterior(**arrays(posterior)),
            shape=Shape(saved["shape"]["decreasing"], saved["shape"]["convex"], tuple(saved["shape"]["notes"])),
            warnings=tuple(saved["warnings"]),
        )


def fit_law(
    budgets: ArrayLike,
    errors: ArrayLike,
    sd: ArrayLike | None = None,
    *,
    n: ArrayLike | None = None,
    sd_df: float | None = None,
    form: str = "rectified",
    fit_max: float | None = None,
    quantity: str = "error",
    residuals: str = "linear",
    max_beta: float = 1.0,
    draws: int = 2000,
    seed: int = 0,
) -> LawFit:
    """Fits `E + B / (D0 + r^beta)` (or another of `FORMS`) to one row per run: budgets > 0, errors in [0, 1] or losses
    > 0.

    Repeated budgets are seeds: their spread is the noise. Otherwise `sd` is the standard deviation of each value given
    (of a mean over k seeds: sd of the runs / sqrt(k)), estimated on `sd_df` degrees of freedom (None: judged by its
    scatter, `inf`: known); or `n` is the number of test items, for binomial noise. With none of these there is no
    interval. Rows beyond `fit_max` are held out. `residuals="log"` fits log y. `max_beta` above 1 is a diagnostic, not
    coverage.

    Priors: beta uniform on [.1, max_beta], log r_half uniform on [x_first / 30, 30 x_last], (E, L0) uniform with
    0 <= E <= L0 (<= 1 for errors) and E at most the smallest mean + 2.5 sd. ValueError for unusable input, by name.
    """
    settings = Settings(form, quantity, residuals, float(max_beta), int(draws), int(seed))
    _check_settings(settings)
    x, y = check_rows(budgets, errors, quantity)
    check_ladder(x, fit_max)
    if residuals == "log" and (y == 0).any():
        raise ValueError("an error of 0 has no logarithm: use residuals='linear'")
    kept = np.ones(x.size, bool) if fit_max is None else x <= fit_max
    budgets_kept, index = np.unique(x[kept], return_inverse=True)
    row_sd_kept = None if sd is None else numbers(sd, "sd", x.size)[kept]
    items_kept = None if n is None else numbers(n, "n", x.size)[kept]
    rungs, source = reduce_rows(budgets_kept, index, y[kept], row_sd_kept, items_kept, sd_df)
    fit = _fit(rungs, estimate_noise(rungs, source), settings, (x[~kept], y[~kept]))
    if sd is not None and source == "none" and np.abs(fit.residuals).max() > 1e-6 * rungs.y.max():
        raise ValueError("sd is 0 but the errors do not lie on a curve: give the measured sd")
    return fit


def refit(fit: LawFit, form: str | None = None, rungs: int | None = None) -> LawFit:
    """The same ladder and noise with another `form`, or with its first `rungs` rungs only (nothing held out then)."""
    settings = fit.settings._replace(form=form or fit.settings.form)
    if rungs is None:
        return _fit(fit.rungs, fit.noise, settings, fit.held_out)
    noise = fit.noise._replace(scale=fit.noise.scale[:rungs], df=fit.noise.df[:rungs])
    return _fit(Rungs(*(column[:rungs] for column in fit.rungs)), noise, settings, (np.empty(0), np.empty(0)))


def _check_settings(settings: Settings) -> None:
    if settings.form not in FORMS:
        raise ValueError(f"form is {settings.form!r}: use one of {', '.join(FORMS)}")
    if settings.residuals not in ("linear", "log"):
        raise ValueError(f"residuals is {settings.residuals!r}: use 'linear' or 'log'")
    if not 0.1 < settings.max_beta <= 5:
        raise ValueError(f"max_beta must lie in (0.1, 5], got {settings.max_beta:g}: 1 is the law of coverage")
    if settings.draws < 100:
        raise ValueError(f"draws must be at least 100, got {settings.draws}")


def _fit(rungs: Rungs, noise: Noise, settings: Settings, held_out: tuple[Array, Array]) -> LawFit:
    form, x, logs = FORMS[settings.form], rungs.x / rungs.x[0], settings.residuals == "log"
    top = 1.0 if settings.quantity == "error" else np.inf
    scale = np.ones_like(x) if noise.source == "none" else noise.scale
    # Relative noise of equal size everywhere is the other convention where nothing is known of it.
    scale = rungs.y if logs and noise.source == "none" else scale
    box, loose = (phi_box(settings.form, x, settings.max_beta, loose) for loose in (False, True))
    problem = Problem(rungs.y, scale**-2.0, lambda phi: form.shape(x, phi), loose, top)
    curve = best_curve(problem, CELLS[len(box)], logs, starts=3 if noise.source == "none" else 1)
    posterior = None
    if noise.source != "none":
        # The stand-in is as wide as the Student-t is (df > 2 always: PRIOR_DF is 4).
        wide = problem._replace(weights=(noise.df - 2) / noise.df / noise.scale**2, box=box)
        likelihood = student_t(rungs.y, noise.scale / rungs.y if logs else noise.scale, noise.df, logs)
        floor_max = min(float(np.min(rungs.y + 2.5 * noise.scale)), top)
        rng = np.random.default_rng(settings.seed)
        posterior = sample(
            wide, likelihood, floor_max, local_optimum(wide, curve.phi), CELLS[len(box)], settings.draws, rng
        )
    shape = check_shape(rungs, noise)
    fit = LawFit(settings, rungs, noise, held_out, curve, posterior, shape, ())
    return replace(fit, warnings=_warnings(fit))


def _warnings(fit: LawFit) -> tuple[str, ...]:
    if fit.posterior is None:
        return (NO_NOISE,)
    if fit.settings.form != "rectified":
        return fit.shape.notes
    low, high = np.quantile(fit.posterior.floor, [0.05, 0.95])
    unit = 1.0 if fit.settings.quantity == "error" else float(fit.rungs.y[0])
    return (
        *fit.shape.notes,
        *beta_warnings(fit.beta, fit.settings.max_beta),
        *floor_warnings(low, high, unit),
        *misfit_warnings(fit.rungs.y - fit.at(fit.rungs.x), fit.noise, parameters=4),
    )
