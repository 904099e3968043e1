"""Fit error against M questions with r responses each, through the effective number of questions.

`err(M, r) = E + B / (D0 + n_eff^beta)`, `n_eff = M r / (1 + (r - 1) kappa)`. The form is this project's own result: it
follows from coverage when questions are drawn at random and reveal probabilities are Beta distributed across
questions; test it on every new data set (`surface_table`). kappa = 0: a response is worth a question; kappa = 1:
further responses are worth nothing.
"""

from dataclasses import dataclass, fields, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.laws.curve.checks import Misfit, beta_warnings, measure_misfit, misfit_warnings, sampling_warnings
from toolkit.laws.curve.data import check_rows, numbers, positive, reduce_rows
from toolkit.laws.curve.forms import Array, n_eff, rectified
from toolkit.laws.curve.noise import Noise, Rungs, estimate_noise, row_sd
from toolkit.laws.curve.posterior import Posterior, sample, student_t
from toolkit.laws.curve.predict import Forecast, as_forecast, check_level, intervals, reach
from toolkit.laws.curve.store import arrays, dump_kind, read_kind, read_misfit, read_noise
from toolkit.laws.curve.variable_projection import Curve, Problem, best_curve, local_optimum
from toolkit.laws.surface.forms import SURFACES, surface_box

MIN_CELLS = 6
NAMES = ("E", "B", "D0", "beta", "kappa")  # of parameters, in their order
LABEL_BEYOND = 2.0
NO_NOISE = (
    "no noise is known (no runs that differ, no sd, no n): no interval can be given, only the least-squares surface"
)


class SurfaceSettings(NamedTuple):
    """The options of a fit, as `fit_surface` describes them."""

    quantity: str = "error"
    max_beta: float = 3.0
    draws: int = 2000
    seed: int = 0

    @property
    def top(self) -> float:
        """Return the largest value that the surface may take: 1 for errors."""
        return 1.0 if self.quantity == "error" else np.inf


@dataclass(frozen=True)
class SurfaceFit:
    """A fitted surface: `parameters` (E, B, D0, beta, kappa) by least squares, and posterior `draws` (n, 5) of them.

    `questions` and `budgets` (C,) are the cells tested, `cells` their means, with x the total M r. D0 is in
    questions^beta.
    """

    settings: SurfaceSettings
    questions: Array
    budgets: Array
    cells: Rungs
    noise: Noise
    parameters: Array
    draws: Array
    misfit: Misfit
    warnings: tuple[str, ...]

    @property
    def named(self) -> dict[str, float]:
        """Return the least-squares parameters by name."""
        return dict(zip(NAMES, self.parameters.tolist(), strict=True))

    @property
    def comparable(self) -> bool:
        """Say whether enough cells remain to compare forms without those of the largest total, or questions."""
        totals, questions = self.cells.x, self.questions
        return bool(min(np.sum(totals < totals.max()), np.sum(questions < questions.max())) >= MIN_CELLS)

    @property
    def kappa(self) -> float:
        """Return the least-squares intra-class correlation of the responses to one question."""
        return float(self.parameters[4])

    def kappa_interval(self, level: float = 0.9) -> tuple[float, float]:
        """Return the posterior interval of kappa; NaNs where no noise is known."""
        check_level(level)
        if not len(self.draws):
            return float("nan"), float("nan")
        low, high = np.quantile(self.draws[:, 4], [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def worth(self, r: float) -> float:
        """Return the worth of the r-th response in new questions, (1 - kappa) / (1 + (r - 1) kappa)^2.

        It is d n_eff / d r divided by its value at r = 1, kappa = 0.
        """
        return (1 - self.kappa) / (1 + (r - 1) * self.kappa) ** 2

    def reading(self, r: float = 16, level: float = 0.9) -> str:
        """Describe kappa in words: the worth of the r-th response, and the most that one question can ever be worth."""
        low, high = self.kappa_interval(level)
        sure = f"kappa {self.kappa:.3f}" + (
            f" ({level:.0%} interval {low:.3f} to {high:.3f})" if len(self.draws) else ""
        )
        most = (
            f"no number of responses makes a question worth more than {1 / self.kappa:.0f}"
            if self.kappa > 1e-3
            else ("these data show no limit to what responses add")
        )
        return f"{sure}: response {r:g} is worth {self.worth(r):.2f} of a new question; {most}"

    def at(self, M: ArrayLike, r: ArrayLike) -> Array:
        """Return the least-squares surface at M questions and r responses (broadcast), without limits or intervals."""
        E, B, D0, beta, kappa = self.parameters
        return rectified(n_eff(M, r, kappa), E, B, D0, beta)

    def error(self, M: ArrayLike, r: ArrayLike) -> Array:
        """Return posterior errors (draws, ...) at M and r (broadcast); draw i is one surface, so cells are paired."""
        M, r = np.broadcast_arrays(np.asarray(M, float), np.asarray(r, float))
        E, B, D0, beta, kappa = self.draws.T.reshape(5, -1, *(1,) * M.ndim)
        return rectified(n_eff(M, r, kappa), E, B, D0, beta)

    def predict(self, M: ArrayLike, r: ArrayLike, level: float = 0.9) -> Forecast:
        """Forecast at M questions and r responses (broadcast), labelled beyond 2 x the cells tested in M, r or M r.

        ValueError beyond 16 x, as for one axis.
        """
        check_level(level)
        M, r = np.broadcast_arrays(np.asarray(M, float), np.asarray(r, float))
        flat_M, flat_r = numbers(np.ravel(M), "M"), numbers(np.ravel(r), "r")
        axes = {"questions": (flat_M, self.questions), "budget": (flat_r, self.budgets)}
        axes["total"] = (flat_M * flat_r, self.cells.x)
        times = {name: reach(values, float(tested.max()), name) for name, (values, tested) in axes.items()}
        far = [f"{name} {factor:.3g} times" for name, factor in times.items() if factor > LABEL_BEYOND]
        notes = (f"beyond the cells tested: {', '.join(far)} the largest",) if far else ()
        point, mean, bounds = self.at(flat_M, flat_r), np.full(M.size, np.nan), np.full((4, M.size), np.nan)
        if len(self.draws):
            rng = np.random.default_rng(self.settings.seed)
            curves = self.error(flat_M, flat_r)
            sd = row_sd(self.noise, flat_M * flat_r, rng.standard_normal((len(curves), 2)))
            mean = curves.mean(axis=0)
            bounds = np.clip(intervals(curves, sd, level, rng), 0.0, self.settings.top)
        else:
            notes = (*notes, NO_NOISE)
        return as_forecast(M.shape, (flat_r, point, mean, *bounds), level, notes, questions=flat_M)

    def to_json(self) -> str:
        """Return strict JSON text of everything, draws included, from which `from_json` restores the same fit."""
        return dump_kind("surface", {field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def from_json(cls, text: str) -> "SurfaceFit":
        """Read a fit written by `to_json`; ValueError for any other text."""
        saved = read_kind(text, "surface", [field.name for field in fields(cls)])
        return cls(
            settings=SurfaceSettings(**saved["settings"]),
            **arrays({name: saved[name] for name in ("questions", "budgets", "parameters")}),
            cells=Rungs(**arrays(saved["cells"])),
            noise=read_noise(saved["noise"]),
            draws=np.array(saved["draws"], float).reshape(-1, 5),
            misfit=read_misfit(saved["misfit"]),
            warnings=tuple(saved["warnings"]),
        )


def fit_surface(
    questions: ArrayLike,
    budgets: ArrayLike,
    errors: ArrayLike,
    sd: ArrayLike | None = None,
    *,
    n: ArrayLike | None = None,
    sd_df: float | None = None,
    quantity: str = "error",
    max_beta: float = 3.0,
    draws: int = 2000,
    seed: int = 0,
) -> SurfaceFit:
    """Fit the surface to rows of (M questions, r responses each, error).

    Repeated cells are replicates, and the noise is as in `fit_law`. The fit needs at least 6 distinct cells with 2
    values on each axis. Priors: beta uniform on [.1, max_beta], kappa uniform on [0, 1], log of D0^(1 / beta) uniform
    within a factor 30 of the effective questions tested, (E, L0) as in `fit_law`. A beta above 1 is no law of coverage,
    and a warning says so; but measured cells ask for one (a threshold, format learning, or hazards in a narrow range),
    and a surface bounded by 1 forecasts them worse and is as sure. ValueError for unusable input, by name.
    """
    settings = SurfaceSettings(quantity, float(max_beta), int(draws), int(seed))
    if not 0.1 < settings.max_beta <= 5:
        raise ValueError(f"max_beta must lie in (0.1, 5], got {settings.max_beta:g}: 1 is the law of coverage")
    if settings.draws < 100:
        raise ValueError(f"draws must be at least 100, got {settings.draws}")
    r, y = check_rows(budgets, errors, quantity)
    M = positive(questions, "questions", r.size)
    keys, index = check_cells(M, r)
    total = keys[0] * keys[1]
    cells, source = reduce_rows(total, index, y, sd, n, sd_df)
    noise = estimate_noise(cells, source)
    curve, misfit, post = _solve(keys, cells, noise, settings)
    unit = float(keys[0].min())
    point = _parameters(curve.phi[None], np.array([curve.floor]), np.array([curve.amplitude]), unit)[0]
    posterior_draws = np.empty((0, 5)) if post is None else _parameters(post.phi, post.floor, post.amplitude, unit)
    fit = SurfaceFit(settings, keys[0], keys[1], cells, noise, point, posterior_draws, misfit, ())
    return replace(fit, warnings=(NO_NOISE,) if post is None else _warnings(fit, post.effective))


def check_cells(M: Array, r: Array) -> tuple[Array, NDArray[np.intp]]:
    """Return the distinct cells (2, C) of rows at M and r, and the cell of each row; ValueError for too few of them."""
    keys, index = np.unique(np.column_stack([M, r]), axis=0, return_inverse=True)
    if len(keys) < MIN_CELLS or min(len(np.unique(M)), len(np.unique(r))) < 2:
        raise ValueError(
            f"{len(keys)} cells of {len(np.unique(M))} question counts and {len(np.unique(r))} budgets: a surface "
            f"needs at least {MIN_CELLS} cells and 2 values on each axis"
        )
    return keys.T, index.ravel()


def _solve(
    keys: Array, cells: Rungs, noise: Noise, settings: SurfaceSettings
) -> tuple[Curve, Misfit, Posterior | None]:
    """Return the least-squares curve, its misfit and the posterior, with questions in units of the smallest M."""
    has_noise, form = noise.source != "none", SURFACES["effective"]
    M, r = keys[0] / keys[0].min(), keys[1]
    shape = partial(form.shape, M, r)
    box, loose = (surface_box("effective", M, r, settings.max_beta, loose) for loose in (False, True))
    weights = noise.scale**-2.0 if has_noise else np.ones_like(M)
    problem = Problem(cells.y, weights, shape, loose, settings.top)
    curve = best_curve(problem, form.cells)
    fitted = curve.floor + curve.amplitude * shape(curve.phi[None])[0]
    misfit = measure_misfit(cells.y - fitted, noise, parameters=5)
    if not has_noise:
        return curve, misfit, None
    scale, df = noise.scale * misfit.inflation, noise.df
    wide = problem._replace(weights=(df - 2) / df / scale**2, box=box)
    floor_max = min(float(np.min(cells.y + 2.5 * scale)), settings.top)
    optimum, rng = local_optimum(wide, curve.phi), np.random.default_rng(settings.seed)
    return curve, misfit, sample(wide, student_t(cells.y, scale, df), floor_max, optimum, (), settings.draws, rng)


def _parameters(phi: Array, floor: Array, amplitude: Array, unit: float) -> Array:
    """Return (n, 5) of (E, B, D0, beta, kappa), with questions counted singly, not in units of the smallest M."""
    beta = phi[:, 1]
    D0 = np.exp(beta * (phi[:, 0] + np.log(unit)))
    return np.column_stack([floor, amplitude * D0, D0, beta, phi[:, 2]])


def _warnings(fit: SurfaceFit, effective: float) -> tuple[str, ...]:
    notes = beta_warnings(float(fit.parameters[3]), fit.settings.max_beta) + misfit_warnings(fit.misfit)
    low, high = fit.kappa_interval()
    if high - low > 0.5:
        notes.append(f"kappa is hardly known: {low:.2f} to {high:.2f} (90 %)")
    return (*notes, *sampling_warnings(effective))
