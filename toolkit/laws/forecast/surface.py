"""Forecast over two axes, M questions with r responses each, through the effective number of questions.

The family of one axis in x = n_eff = M r / (1 + (r - 1) kappa), with kappa log-uniform on [.01, 1], and a walk along
log2 M plus an independent one along log2 r for what n_eff does not say. The rectified third reaches m = 2: on two axes
real cells often fall faster than a law of coverage does, by a threshold or by hazards in a narrow range.
"""

import numpy as np
from numpy.typing import ArrayLike

from toolkit.laws.curve.data import check_rows, numbers, positive, reduce_rows
from toolkit.laws.curve.forms import SCALE_MARGIN, Array
from toolkit.laws.curve.noise import Noise, Rungs, estimate_noise
from toolkit.laws.curve.predict import reach
from toolkit.laws.forecast.averaged import AveragedForecast
from toolkit.laws.forecast.curve import check_draws
from toolkit.laws.forecast.discrepancy import walk
from toolkit.laws.forecast.family import library
from toolkit.laws.forecast.procedure import Members, Targets, forecast_rungs
from toolkit.laws.surface.fit import LABEL_BEYOND, check_cells

POINTS = 4096
MAX_M = 2.0


def forecast_surface(
    questions: ArrayLike,
    budgets: ArrayLike,
    errors: ArrayLike,
    ahead_questions: ArrayLike,
    ahead_budgets: ArrayLike,
    sd: ArrayLike | None = None,
    *,
    n: ArrayLike | None = None,
    sd_df: float | None = None,
    quantity: str = "error",
    draws: int = 1500,
    seed: int = 0,
) -> AveragedForecast:
    """Forecast the error at `ahead_questions` with `ahead_budgets` responses each, (H,) or broadcast to it.

    Rows are (M questions, r responses each, error); repeated cells are replicates, and noise is as in `fit_law`. At
    least 6 distinct cells with 2 values on each axis are needed, as for `fit_surface`.

    Raises:
        ValueError: for unusable input, by name, and for targets beyond 16 times the cells in M, r or M r.
    """
    check_draws(draws)
    r, y = check_rows(budgets, errors, quantity)
    M = positive(questions, "questions", r.size)
    keys, index = check_cells(M, r)
    size = max(np.size(ahead_questions), np.size(ahead_budgets))
    far_M, far_r = numbers(ahead_questions, "ahead_questions", size), numbers(ahead_budgets, "ahead_budgets", size)
    cells, source = reduce_rows(keys[0] * keys[1], index, y, sd, n, sd_df)
    return forecast_cells(keys, cells, estimate_noise(cells, source), (far_M, far_r), quantity, draws=draws, seed=seed)


def forecast_cells(
    keys: Array,
    cells: Rungs,
    noise: Noise,
    ahead: tuple[Array, Array],
    quantity: str,
    *,
    draws: int = 1500,
    seed: int = 0,
) -> AveragedForecast:
    """Forecast cells `ahead`, M (H,) and r (H,), from distinct cells with their noise, as `forecast_surface` does.

    Args:
        keys: M and r of the cells, (2, C).

    Raises:
        ValueError: for targets that are not above 0, or beyond 16 times the cells in M, r or M r.
    """
    (M, r), (far_M, far_r) = keys, ahead
    beyond = beyond_tested(M, r, far_M, far_r)
    points, bounds = library(POINTS, MAX_M), (np.log(M.min() / SCALE_MARGIN), np.log(np.max(M * r) * SCALE_MARGIN))
    all_M, all_r = np.concatenate([M, far_M]), np.concatenate([r, far_r])
    log_n = np.log(all_M * all_r) - np.log1p((all_r - 1) * np.exp(points.log_kappa)[:, None])
    members = Members(points, points.shapes(log_n, *bounds), points.log_half(*bounds))
    near, far = ([np.log2(a / M.min()), np.log2(b / r.min())] for a, b in ((M, r), (far_M, far_r)))
    targets = Targets(far_r, far_M, far_M * far_r)
    return forecast_rungs(cells, noise, targets, members, walk(near, far), quantity, draws, seed, beyond)


def beyond_tested(M: Array, r: Array, far_M: Array, far_r: Array) -> tuple[str, ...]:
    """Return the note that labels targets beyond twice the cells tested; ValueError beyond 16 times."""
    axes = {"questions": (far_M, M), "budget": (far_r, r), "total": (far_M * far_r, M * r)}
    times = {name: reach(values, float(tested.max()), name) for name, (values, tested) in axes.items()}
    far = [f"{name} {factor:.3g} times" for name, factor in times.items() if factor > LABEL_BEYOND]
    return (f"beyond the cells tested: {', '.join(far)} the largest",) if far else ()
