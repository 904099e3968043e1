"""Answer `gradio_client` at `/fit`, `/forecast` and `/plan`, on anybody's numbers; names and types stay."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import gradio as gr
import numpy as np

import fitting
from fitting import Array
from toolkit.commands.plan import PRICES
from toolkit.reports.curves import MeasuredLadder

MOST_ROWS = 5_000
MOST_AHEAD = 100
LEAST, MOST = 1e-15, 1e15  # range of any number but 0
OPTIONAL = ("sd", "n")
CONCURRENT = 4


def fit(
    budgets: list[float],
    errors: list[float],
    sd: list[float] | None = None,
    n: list[float] | None = None,
    fit_max: float | None = None,
    quantity: str = "error",
) -> dict[str, Any]:
    """Return the law of a ladder, as `fss fit --json` prints it.

    Args:
        budgets: responses per question (or any budget above 0), one per run; repeated budgets are seeds.
        errors: fractions in [0, 1], one per run (losses above 0 with quantity="loss").
        sd: standard deviation of each error, where there are no repeated budgets.
        n: test items behind each error, where there is neither: binomial noise.
        fit_max: fit budgets up to this one, hold out the rest.
        quantity: "error" or "loss".

    Returns:
        form, fitted rungs, parameters with 90 % intervals, floor (null unless narrower than 5 points), table of
        baselines with their misses, notes, warnings.
    """
    return forecast(budgets, errors, [], sd, n, fit_max, quantity)


def forecast(
    budgets: list[float],
    errors: list[float],
    ahead: list[float],
    sd: list[float] | None = None,
    n: list[float] | None = None,
    fit_max: float | None = None,
    quantity: str = "error",
) -> dict[str, Any]:
    """Return the law as `/fit` does, with forecasts at each budget of `ahead`.

    A forecast is averaged over forms of the law by the data: mean, 90 % of curves and of new runs. Beside it are least
    squares of the law and every baseline; `reading` says what carried the weight. Beyond 16 times the last budget it is
    refused.
    """
    if quantity not in ("error", "loss"):
        raise ValueError(f"quantity is {str(quantity)[:40]!r}: use 'error' or 'loss'")
    columns = _columns(budgets=budgets, errors=errors, sd=sd, n=n)
    requested = [_number(value, "ahead", row) for row, value in enumerate(_rows(ahead, "ahead"), 1)]
    if len(requested) > MOST_AHEAD:
        raise ValueError(f"ahead has {len(requested)} budgets: ask for at most {MOST_AHEAD} at once")
    ladder = MeasuredLadder(
        "api", columns["budgets"], columns["errors"], columns.get("sd"), columns.get("n"), quantity, ()
    )
    return dict(fitting.report(fitting.fit(ladder, None, _number(fit_max, "fit_max")), tuple(requested)))


def plan(
    questions: list[float],
    budgets: list[float],
    errors: list[float],
    prices: dict[str, float],
    spend: float | None = None,
    target: float | None = None,
) -> dict[str, Any]:
    """Return a plan of more questions or more answers, as `fss plan --json` prints it.

    Args:
        questions, budgets, errors: one per trained student: questions in its corpus, responses per question, its error
            (a fraction); repeated cells give the noise. At least 6 distinct cells with 2 values on each axis.
        prices: by name: question, response, tokens_per_response, token, teacher_hour, responses_per_hour, student,
            student_response, owned_questions, owned_budget; prices that are left out are 0.
        spend: spending limit in the currency of the prices, or
        target: the error to reach, a fraction in (0, 1).

    Returns:
        sentence, plan with its rivals, surface, crossover, frontier, notes, warnings.
    """
    columns = _columns(questions=questions, budgets=budgets, errors=errors)
    first, second, third = (tuple(column.tolist()) for column in columns.values())
    limits = _number(spend, "spend"), _number(target, "target")
    return fitting.planned((first, second, third), fitting.read_prices(_prices(prices)), *limits).report


def add() -> None:
    """Add the endpoints to the page that is open."""
    for function in (fit, forecast, plan):
        # The whole docstring is passed, as the page would not document arguments by itself.
        text = " ".join((function.__doc__ or "").split())
        gr.api(_explained(function), api_name=function.__name__, api_description=text, concurrency_limit=CONCURRENT)


def _explained(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return the function with its errors passed on, so that a caller reads what is wrong with the request."""

    @wraps(function)
    def explained(*args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise gr.Error(str(error) or type(error).__name__, print_exception=False) from error

    return explained


def _columns(**columns_by_name: list[float] | None) -> dict[str, Array]:
    """Return the columns as arrays of equal length; ValueError names the column and row that cannot be read."""
    columns = {
        name: _rows(values, name)
        for name, values in columns_by_name.items()
        if not (values is None and name in OPTIONAL)
    }
    size = len(next(iter(columns.values())))
    if size > MOST_ROWS:
        raise ValueError(f"{size:,} rows: at most {MOST_ROWS:,} are taken")
    for name, values in columns.items():
        if len(values) != size:
            raise ValueError(f"{name} has {len(values)} values for {size} rows: pass one per row")
    return {
        name: np.array([_number(value, name, row) for row, value in enumerate(values, 1)], float)
        for name, values in columns.items()
    }


def _rows(values: Any, name: str) -> list[Any]:
    if not isinstance(values, list | tuple):
        raise ValueError(f"{name} is not a list of numbers: pass one per row")
    return list(values)


def _number(value: Any, name: str, row: int | None = None) -> Any:
    """Return a number within the allowed range, or None for one that may be left out; ValueError names it."""
    where = name if row is None else f"{name}, row {row}:"
    if value is None and row is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where} must be a number, got {str(value)[:40]!r}")
    if value and not LEAST <= abs(value) <= MOST:  # NaN is not either
        raise ValueError(f"{where} must be 0, or a number from {LEAST:g} to {MOST:g}")
    return float(value)


def _prices(prices: Any) -> dict[str, float | None]:
    if not isinstance(prices, Mapping):
        raise ValueError("prices are not an object of names and numbers, like {'question': 20, 'response': 1}")
    unknown = [name for name in prices if name not in PRICES]
    if unknown:
        raise ValueError(f"price list: nothing is called {str(unknown[0])[:40]!r}; known are {', '.join(PRICES)}")
    return {name: _number(value, f"the price {name!r}") for name, value in prices.items()}
