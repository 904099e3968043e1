"""Forecast along one axis: error against budget."""

import numpy as np
from numpy.typing import ArrayLike

from toolkit.laws.curve.checks import check_shape
from toolkit.laws.curve.data import NoCurve, check_rows, numbers, split_rows
from toolkit.laws.curve.forms import SCALE_MARGIN, Array
from toolkit.laws.curve.noise import Noise, Rungs, estimate_noise
from toolkit.laws.curve.predict import WIDEN_BEYOND, reach
from toolkit.laws.forecast.averaged import AveragedForecast
from toolkit.laws.forecast.discrepancy import walk
from toolkit.laws.forecast.family import library
from toolkit.laws.forecast.procedure import Members, Targets, forecast_rungs

POINTS = 1024
MAX_M = 1.0  # of the rectified third: a law of coverage


def forecast(
    budgets: ArrayLike,
    errors: ArrayLike,
    ahead: ArrayLike,
    sd: ArrayLike | None = None,
    *,
    n: ArrayLike | None = None,
    sd_df: float | None = None,
    fit_max: float | None = None,
    quantity: str = "error",
    draws: int = 1500,
    seed: int = 0,
) -> AveragedForecast:
    """Forecast the error at budgets `ahead` (H,) from rows of (budget, error), averaged over a family of curves.

    Rows, noise (`sd`, `sd_df`, `n`, or the spread of repeated budgets) and `fit_max` are as in `fit_law`; without any
    noise a nugget is averaged over. Errors lie in [0, 1]; with `quantity="loss"` values are above 0 and unbounded. The
    family, its prior and the allowance for what no member says are in `family` and `discrepancy`. At least 4 distinct
    budgets are needed; with 4 the interval is wider, as residuals of so few rungs are not carried over.

    Raises:
        ValueError: for unusable input, by name, and for targets beyond 16 times the last rung fitted.
        NoCurve: a ValueError, for fewer than 4 rungs, equal errors, or errors that clearly rise.
    """
    check_draws(draws)
    x, y = check_rows(budgets, errors, quantity)
    rungs, source, _ = split_rows(x, y, sd, n, sd_df, fit_max)
    noise = estimate_noise(rungs, source)
    shape = check_shape(rungs, noise)
    if shape.refused:
        raise NoCurve(shape.notes[0])
    far = np.atleast_1d(numbers(ahead, "ahead"))
    return forecast_ladder(rungs, noise, far, quantity, notes=shape.notes, draws=draws, seed=seed)


def forecast_ladder(
    rungs: Rungs,
    noise: Noise,
    ahead: Array,
    quantity: str,
    *,
    notes: tuple[str, ...] = (),
    draws: int = 1500,
    seed: int = 0,
) -> AveragedForecast:
    """Forecast budgets `ahead` (H,) from rungs with their noise, as `forecast` does; `notes` go before its own.

    Raises:
        ValueError: for targets that are not above 0, or beyond 16 times the last rung.
    """
    x = rungs.x
    times = reach(ahead, float(x[-1]))
    beyond = (f"{times:.3g} times the last budget fitted",) if times > WIDEN_BEYOND else ()
    points, bounds = library(POINTS, MAX_M), (np.log(x[0] / SCALE_MARGIN), np.log(x[-1] * SCALE_MARGIN))
    S = points.shapes(np.log(np.concatenate([x, ahead])), *bounds)
    octaves = walk([np.log2(x / x[0])], [np.log2(ahead / x[0])])
    members = Members(points, S, points.log_half(*bounds))
    targets = Targets(ahead, None, ahead)
    return forecast_rungs(rungs, noise, targets, members, octaves, quantity, draws, seed, (*notes, *beyond))


def check_draws(draws: int) -> None:
    """Raise ValueError for fewer than 100 draws."""
    if draws < 100:
        raise ValueError(f"draws must be at least 100, got {draws}")
