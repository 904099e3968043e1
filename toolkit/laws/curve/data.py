"""Check anybody's numbers, refuse unusable ones in plain words, and reduce them to a ladder of rungs."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.laws.curve.forms import Array
from toolkit.laws.curve.noise import KNOWN, Rungs, freedom_from_scatter

MIN_RUNGS = 4


class NoCurve(ValueError):
    """Raised for valid errors that allow no curve: too few rungs, or all equal."""


def numbers(values: ArrayLike, name: str, size: int | None = None) -> Array:
    """Return `values` as a finite float vector; a scalar is spread to `size`. ValueError names `name` and the value."""
    array = np.asarray(values)
    if array.dtype.kind not in "iufb":
        offender = next(value for value in [*array.ravel().tolist(), array.dtype] if not isinstance(value, int | float))
        raise ValueError(f"{name} must be numbers, got {offender!r}: convert the column before fitting")
    array = np.atleast_1d(array.astype(float))
    if array.ndim > 1:
        raise ValueError(f"{name} must be one column, got shape {array.shape}: pass one value per row")
    if size is not None and array.size == 1:
        array = np.full(size, array[0])
    if size is not None and array.size != size:
        raise ValueError(f"{name} has {array.size} values for {size} budgets: pass one per row")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"{name} has {array[row]} in row {row}: drop or correct that row")
    return array


def positive(values: ArrayLike, name: str, size: int | None = None) -> Array:
    """Return `numbers` that are all above 0; ValueError for others."""
    x = numbers(values, name, size)
    if (x <= 0).any():
        raise ValueError(f"{name} must be above 0, got {x[x <= 0][0]:g}: the error without any data cannot be a rung")
    return x


def check_rows(budgets: ArrayLike, errors: ArrayLike, quantity: str) -> tuple[Array, Array]:
    """Return budgets and errors as equally long vectors within their ranges; ValueError says what is wrong."""
    if quantity not in ("error", "loss"):
        raise ValueError(f"quantity is {quantity!r}: use 'error' (a fraction in [0, 1]) or 'loss' (above 0)")
    x = positive(budgets, "budgets")
    y = numbers(errors, "errors", x.size if np.ndim(errors) else None)
    if y.size != x.size:
        raise ValueError(f"errors has {y.size} values for {x.size} budgets: pass one per row")
    if quantity == "error" and ((y < 0) | (y > 1)).any():
        wrong = y[(y < 0) | (y > 1)][0]
        hint = "divide percent by 100" if 1 < wrong <= 100 else "use quantity='loss' for losses"
        raise ValueError(f"errors must lie in [0, 1], got {wrong:g}: {hint}")
    if quantity == "loss" and (y <= 0).any():
        raise ValueError(f"losses must be above 0, got {y[y <= 0][0]:g}")
    if np.ptp(y) == 0:
        raise NoCurve(f"all errors are equal ({y[0]:g}): there is no curve to fit")
    return x, y


def reduce_rows(
    x: Array, index: NDArray[np.intp], y: Array, sd: ArrayLike | None, n: ArrayLike | None, sd_df: float | None
) -> tuple[Rungs, str]:
    """Return the rungs at x (J,) of rows y whose rung is `index`, and the source of their noise.

    A rung is the mean error, the rows averaged, the sd of one row and its degrees of freedom. In order of preference
    the sd is `sd` (with `sd_df` degrees of freedom, estimated from its scatter by default), the spread of repeated
    rows, the binomial sd of `n` items, or unknown. ValueError for negative or partly zero sds and n below 1.
    """
    rows = np.bincount(index).astype(float)
    mean = np.bincount(index, y) / rows
    if sd is not None:
        row_sd = np.sqrt(np.bincount(index, _checked_sd(numbers(sd, "sd", y.size), x[index]) ** 2) / rows)
        if not row_sd.any():
            return Rungs(x, mean, rows, row_sd, np.zeros_like(x)), "none"
        freedom = freedom_from_scatter(x, row_sd) if sd_df is None else min(float(sd_df), KNOWN)
        return Rungs(x, mean, rows, row_sd, np.full_like(x, freedom)), "sd"
    squares = np.bincount(index, (y - mean[index]) ** 2)
    if squares.max() > (1e-12 * np.abs(y).max()) ** 2:
        freedom_here = rows - 1
        row_sd = np.sqrt(squares / np.maximum(freedom_here, 1))
        return Rungs(x, mean, rows, np.where(rows > 1, row_sd, np.nan), freedom_here), "seeds"
    if n is not None:
        return Rungs(
            x, mean, rows, _binomial_sd(mean, numbers(n, "n", y.size), index, rows), np.full_like(x, KNOWN)
        ), "items"
    return Rungs(x, mean, rows, np.full_like(x, np.nan), np.zeros_like(x)), "none"


def split_rows(
    x: Array, y: Array, sd: ArrayLike | None, n: ArrayLike | None, sd_df: float | None, fit_max: float | None
) -> tuple[Rungs, str, tuple[Array, Array]]:
    """Return the rungs of the rows up to `fit_max` with the source of their noise, and the rows (x, y) held out.

    Rows and noise are as in `check_rows` and `reduce_rows`; raises what `check_ladder` does.
    """
    check_ladder(x, fit_max)
    fitted = np.ones(x.size, bool) if fit_max is None else x <= fit_max
    sd_fitted = None if sd is None else numbers(sd, "sd", x.size)[fitted]
    n_fitted = None if n is None else numbers(n, "n", x.size)[fitted]
    x_fitted, index = np.unique(x[fitted], return_inverse=True)
    rungs, source = reduce_rows(x_fitted, index, y[fitted], sd_fitted, n_fitted, sd_df)
    return rungs, source, (x[~fitted], y[~fitted])


def _binomial_sd(mean: Array, n: Array, index: NDArray[np.intp], rows: Array) -> Array:
    if (n < 1).any():
        raise ValueError(f"n must be at least 1 item, got {n.min():g}")
    items = np.bincount(index, n) / rows
    # Add half a success and half a failure: an error of exactly 0 or 1 has noise, too.
    share = (mean * items + 0.5) / (items + 1)
    return np.asarray(np.sqrt(share * (1 - share) / items), float)


def _checked_sd(sd: Array, x: Array) -> Array:
    if (sd < 0).any():
        raise ValueError(f"sd must not be negative, got {sd.min():g}")
    if (sd == 0).any() and (sd > 0).any():
        raise ValueError(
            f"sd is 0 at budget {x[sd == 0][0]:g} and above 0 elsewhere: give the measured sd of every row"
        )
    return sd


def check_ladder(x: Array, fit_max: float | None) -> None:
    """Refuse ladders that are out of order (columns likely misaligned) or have fewer than four distinct budgets."""
    distinct = np.unique(x)
    if distinct.size == x.size and (np.diff(x) < 0).any():
        row = int(np.flatnonzero(np.diff(x) < 0)[0])
        raise ValueError(
            f"budgets are not in increasing order ({x[row]:g} before {x[row + 1]:g}): sort the rows by budget"
        )
    fitted = distinct if fit_max is None else distinct[distinct <= fit_max]
    if fitted.size < MIN_RUNGS:
        limit = "" if fit_max is None else f" up to fit_max = {fit_max:g}"
        raise NoCurve(f"{fitted.size} distinct budgets{limit}: the law needs at least {MIN_RUNGS}, measure more rungs")
