"""Averaged or by one form: the same rungs, the same terms, and the numbers of the functions behind them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import fit_law, fit_surface, forecast, forecast_surface
from toolkit.laws.forecast.ahead import AVERAGED, forecast_cell, forecast_of

BUDGETS = np.repeat([1.0, 2, 4, 8, 16], 3)
ERRORS = 0.3 + 0.5 / (1 + (BUDGETS / 3) ** 0.7) + np.tile([-0.004, 0.0, 0.004], 5)
LAW = fit_law(BUDGETS, ERRORS)
WAYS = pytest.mark.parametrize("by", [AVERAGED, "rectified"])


def test_the_averaged_forecast_of_a_fit_is_that_of_its_rows():
    one, other = forecast_of(LAW, 64), forecast(BUDGETS, ERRORS, 64)
    assert np.array_equal(one.curve, other.curve) and np.array_equal(one.interval(0.9, 4), other.interval(0.9, 4))
    assert (one.reading, one.notes) == (other.reading, other.notes) and np.array_equal(one.floor, other.floor)


def test_the_forecast_of_a_form_is_that_of_its_fit():
    ahead, expected = forecast_of(LAW, [32, 100], "rectified"), LAW.predict([32, 100], 0.8)
    assert np.array_equal(ahead.interval(0.8), [expected.low, expected.high])
    assert np.array_equal(ahead.interval(0.8, 1), [expected.low_new, expected.high_new])
    assert np.array_equal(ahead.mean, expected.mean) and ahead.notes == expected.notes
    assert ahead.curve.shape == (len(ahead.floor), 2) and ahead.reading.startswith("by the rectified form alone")


@WAYS
@settings(max_examples=20)
@given(budget=st.floats(0.5, 256), rows=st.integers(1, 20))
def test_the_mean_of_more_students_is_surer_and_no_surer_than_the_curve(by, budget, rows):
    ahead = forecast_of(LAW, budget, by)
    widths = [np.ptp(ahead.interval(0.9, count)) for count in (rows, 2 * rows, None)]
    assert widths[0] >= widths[1] * 0.99 and widths[1] >= widths[2] * 0.97  # but for the draws
    assert ahead.interval()[0] <= ahead.mean <= ahead.interval()[1]


@WAYS
def test_a_rising_ladder_has_no_forecast_and_says_why(by):
    ahead = forecast_of(fit_law(BUDGETS, 1 - ERRORS), 32, by)
    assert np.isnan(ahead.mean).all() and np.isnan(ahead.interval(0.9, 1)).all()
    assert ahead.reading.startswith("none: the error rises")


def test_rungs_of_one_mean_have_nothing_to_average():
    level = fit_law(BUDGETS, 0.5 + np.tile([-0.01, 0.0, 0.01], 5))
    assert forecast_of(level, 32).mean == pytest.approx([0.5], abs=0.02)


def test_another_form_than_the_fitted_one_and_budgets_too_far_are_refused():
    with pytest.raises(ValueError, match="forecast is 'lomax': use 'averaged', or 'rectified', the form"):
        forecast_of(LAW, 32, "lomax")
    for by in (AVERAGED, "rectified"):
        with pytest.raises(ValueError, match="measure a larger rung first"):
            forecast_of(LAW, 512, by).interval()


def test_a_cell_is_forecast_from_a_surface_as_from_its_rows():
    questions, budgets = (np.repeat(axis, 2) for axis in np.meshgrid([64.0, 128, 256], [1.0, 2, 4, 8]))
    questions, budgets = questions.ravel(), budgets.ravel()
    errors = 0.2 + 25 / (30 + questions * budgets / (1 + 0.1 * (budgets - 1))) + np.tile([-0.01, 0.01], 12)
    surface = fit_surface(questions, budgets, errors)
    ahead = forecast_cell(surface, 512, 8)
    assert ahead is not None
    assert np.array_equal(ahead.curve, forecast_surface(questions, budgets, errors, 512, 8).curve)
    assert forecast_cell(surface, 256 * 17, 1) is None
