"""What `gradio_client` can call: `/fit`, `/forecast` and `/plan`, on anybody's numbers; names and types stay."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr
import numpy as np

import fitting
from toolkit.reports.curves import Ladder

MOST_ROWS = 5_000
MOST_AHEAD = 100
CONCURRENT = 4


def fit(
    budgets: list[float],
    errors: list[float],
    sd: list[float] | None = None,
    n: list[float] | None = None,
    fit_max: float | None = None,
    quantity: str = "error",
) -> dict[str, Any]:
    """The law of a ladder, as `fss fit --json` prints it.

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
    """`/fit` with forecasts: least squares, mean, 90 % of curves and of new runs, and every baseline at each budget of
    `ahead`; beyond 4 times the last budget intervals span all forms, beyond 16 times it is refused.
    """
    _check_rows(budgets, errors=errors, sd=sd, n=n)
    if len(ahead) > MOST_AHEAD:
        raise ValueError(f"ahead has {len(ahead)} budgets: ask for at most {MOST_AHEAD} at once")
    sds, items = (None if each is None else np.array(each, float) for each in (sd, n))
    ladder = Ladder("api", np.array(budgets, float), np.array(errors, float), sds, items, quantity, ())
    return dict(fitting.report(fitting.fit(ladder, None, fit_max), tuple(ahead)))


def plan(
    questions: list[float],
    budgets: list[float],
    errors: list[float],
    prices: dict[str, float],
    spend: float | None = None,
    target: float | None = None,
) -> dict[str, Any]:
    """More questions or more answers, as `fss plan --json` prints it.

    Args:
        questions, budgets, errors: one per trained student: questions in its corpus, responses per question, its error
            (a fraction); repeated cells give the noise. At least 6 distinct cells with 2 values on each axis.
        prices: by name: question, response, tokens_per_response, token, teacher_hour, responses_per_hour, student,
            student_response, owned_questions, owned_budget; what is left out is free.
        spend: spending limit in the currency of the prices, or
        target: the error to reach, a fraction in (0, 1).

    Returns:
        sentence, plan with its rivals, surface, crossover, frontier, notes, warnings.
    """
    _check_rows(questions, budgets=budgets, errors=errors)
    cells = [tuple(float(value) for value in column) for column in (questions, budgets, errors)]
    return fitting.planned((cells[0], cells[1], cells[2]), fitting.read_prices(prices), spend, target).report


def add() -> None:
    """Adds the endpoints to the page that is open."""
    for function in (fit, forecast, plan):
        # All of the docstring: left to itself the page documents no argument.
        told = " ".join((function.__doc__ or "").split())
        gr.api(_told(function), api_name=function.__name__, api_description=told, concurrency_limit=CONCURRENT)


def _told(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The function with its reasons passed on: a caller reads what is wrong with the request."""

    @wraps(function)
    def told(*args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError) as error:
            raise gr.Error(str(error), print_exception=False) from error

    return told


def _check_rows(first: list[float], **others: list[float] | None) -> None:
    if len(first) > MOST_ROWS:
        raise ValueError(f"{len(first):,} rows: at most {MOST_ROWS:,} are taken")
    for name, values in others.items():
        if values is not None and len(values) != len(first):
            raise ValueError(f"{name} has {len(values)} values for {len(first)} rows: pass one per row")
