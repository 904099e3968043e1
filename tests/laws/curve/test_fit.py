"""fit_law: what it accepts, what it says of bad input, its forecasts, warnings and JSON."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.laws import LawFit, fit_law
from toolkit.laws.curve.forms import FORMS

X = np.array([1.0, 2, 4, 8, 16])
NUMBERS = [
    field.name
    for field in dataclasses.fields(fit_law(X, 0.2 + 0.5 / (1 + X)).predict(8))
    if field.name not in ("notes", "questions")
]


def ladder(seeds=4, sd=0.004, x=X, seed=0):
    """A law with a known curve: rows of budgets and errors."""
    rng = np.random.default_rng(seed)
    budgets = np.repeat(x, seeds)
    return budgets, 0.3 + 0.45 / (1.5 + budgets**0.6) + rng.normal(0, sd, budgets.size)


@pytest.mark.parametrize(
    ("budgets", "errors", "options", "message"),
    [
        ([1, 2, 4], [0.5, 0.4, 0.3], {}, "3 distinct budgets"),
        ([1, 1, 2, 2, 4, 4], [0.5] * 3 + [0.4] * 3, {}, "3 distinct budgets"),
        (X, [0.5, 0.4, np.nan, 0.3, 0.2], {}, "errors has nan in row 2"),
        ([1, 2, np.inf, 8, 16], [0.5, 0.4, 0.3, 0.3, 0.2], {}, "budgets has inf in row 2"),
        (X, [50, 40, 37.2, 30, 20], {}, "must lie in [0, 1], got 50: divide percent by 100"),
        (X, [0.5, 0.4, -0.1, 0.3, 0.2], {}, "must lie in [0, 1], got -0.1"),
        (X, [2.5, 2.0, 0.0, 1.5, 1.2], {"quantity": "loss"}, "losses must be above 0, got 0"),
        (X, [0.4] * 5, {}, "all errors are equal (0.4)"),
        ([0, 1, 2, 4, 8], [0.5, 0.4, 0.35, 0.3, 0.2], {}, "budgets must be above 0, got 0"),
        ([4, 1, 2, 8, 16], [0.3, 0.5, 0.4, 0.25, 0.2], {}, "not in increasing order (4 before 1)"),
        (["1", "2", "4", "8"], [0.5, 0.4, 0.3, 0.2], {}, "budgets must be numbers, got '1'"),
        (X, ["0.5", "a", "0.3", "0.2", "0.1"], {}, "errors must be numbers, got '0.5'"),
        (X, [0.5, None, 0.3, 0.2, 0.1], {}, "errors must be numbers, got None"),
        (X, [0.5, 0.4, 0.3], {}, "errors has 3 values for 5 budgets"),
        ([X, X], [0.5] * 10, {}, "budgets must be one column, got shape (2, 5)"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.2], {"sd": [0.1, 0, 0.1, 0.1, 0.1]}, "sd is 0 at budget 2"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.2], {"sd": 0.0}, "sd is 0 but the errors do not lie on a curve"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.2], {"sd": -0.1}, "sd must not be negative, got -0.1"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.2], {"sd": [0.1, 0.1]}, "sd has 2 values for 5 budgets"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.2], {"n": 0}, "n must be at least 1 item, got 0"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.2], {"fit_max": 4}, "3 distinct budgets up to fit_max = 4"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.2], {"form": "cubic"}, "form is 'cubic'"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.2], {"quantity": "bits"}, "quantity is 'bits'"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.2], {"residuals": "cube"}, "residuals is 'cube'"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.0], {"residuals": "log"}, "0 has no logarithm"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.2], {"max_beta": 0.05}, "max_beta must lie in"),
        (X, [0.5, 0.4, 0.31, 0.3, 0.2], {"draws": 3}, "draws must be at least 100"),
    ],
)
def test_bad_input_is_named(budgets, errors, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fit_law(budgets, errors, **options)


def test_one_run_per_budget_without_noise_gives_a_curve_and_says_why_no_interval():
    fit = fit_law(X, [0.5, 0.42, 0.37, 0.33, 0.31])
    forecast = fit.predict(32)
    assert 0.2 < forecast.point < 0.31
    assert np.isnan([forecast.mean, forecast.low, forecast.high, forecast.low_new, forecast.high_new]).all()
    assert "no interval" in forecast.notes[0] and "no interval" in fit.warnings[0]
    assert fit.draws.shape == (0, 4)


def test_seeds_may_come_in_any_order():
    budgets, errors = ladder()
    order = np.random.default_rng(1).permutation(budgets.size)
    assert fit_law(budgets[order], errors[order]).predict(32).point == pytest.approx(
        fit_law(budgets, errors).predict(32).point
    )


def test_rows_beyond_fit_max_do_not_touch_the_fit():
    budgets, errors = ladder(x=np.append(X, 32))
    fit = fit_law(budgets, errors, fit_max=16)
    spoiled = np.where(budgets > 16, 0.9, errors)
    assert fit.predict(32) == fit_law(budgets, spoiled, fit_max=16).predict(32)
    assert fit.held_out[0].tolist() == [32] * 4 and fit.rungs.x[-1] == 16


def test_forecast_shapes_and_order():
    fit = fit_law(*ladder())
    scalar, grid = fit.predict(32), fit.predict([[20, 32], [40, 64]])
    assert all(isinstance(getattr(scalar, name), float) for name in NUMBERS)
    assert grid.mean.shape == (2, 2) and grid.mean[0, 1] == pytest.approx(scalar.mean)
    assert np.all(grid.low_new < grid.low) and np.all(grid.low < grid.mean)
    assert np.all(grid.mean < grid.high) and np.all(grid.high < grid.high_new)
    wider = fit.predict(32, level=0.99)
    assert wider.low < scalar.low and wider.high > scalar.high


def test_far_forecasts_widen_over_all_forms_and_then_refuse():
    fit = fit_law(*ladder(sd=0.001))
    near, far = fit.predict(64), fit.predict(65)
    assert near.notes == () and (far.high - far.low) > 1.5 * (near.high - near.low)
    assert all(form in far.notes[0] for form in FORMS if form != "rectified") and "4.06 times" in far.notes[0]
    assert fit.predict([64, 65]).low[0] == near.low
    with pytest.raises(ValueError, match=r"16\.1 times the largest one fitted"):
        fit.predict(257)


@pytest.mark.parametrize(("r", "level"), [(0, 0.9), (-1, 0.9), (np.nan, 0.9), ("a", 0.9), (32, 0), (32, 90)])
def test_impossible_forecasts_are_refused(r, level):
    with pytest.raises(ValueError, match=r"r |budget|level"):
        fit_law(*ladder()).predict(r, level)


def test_parameters_agree_with_each_other():
    fit = fit_law(*ladder())
    assert pytest.approx(fit.r_half**fit.beta) == fit.D0
    assert fit.E + fit.B / (fit.D0 + X**fit.beta) == pytest.approx(fit.at(X))
    assert pytest.approx(fit.E + fit.B / fit.D0) == fit.L0
    assert fit.residuals == pytest.approx(fit.rungs.y - fit.at(X))
    E, L0, r_half, beta = fit.draws.T
    assert fit.curves([3.0])[:, 0] == pytest.approx(E + (L0 - E) / (1 + (3 / r_half) ** beta))


@pytest.mark.parametrize("options", [{}, {"form": "lomax"}, {"fit_max": 16}, {"residuals": "log"}])
def test_json_round_trip_predicts_the_same_numbers(options):
    fit = fit_law(*ladder(x=np.append(X, 32)), **options)
    back = LawFit.from_json(fit.to_json())
    for r in (40.0, 100.0):
        assert back.predict(r) == fit.predict(r)
    assert back.warnings == fit.warnings and back.noise.source == "seeds"
    assert back.to_json() == fit.to_json()


def test_json_without_noise_round_trips_and_other_text_is_refused():
    fit = fit_law(X, [0.5, 0.42, 0.37, 0.33, 0.31])
    assert LawFit.from_json(fit.to_json()).predict(20).point == fit.predict(20).point
    for text in ("nonsense", "[1]", '{"kind": "surface"}', '{"kind": "law", "rungs": 1}'):
        with pytest.raises(ValueError, match=r"not a (whole )?saved law"):
            LawFit.from_json(text)


def test_beta_at_its_bound_and_above_one_are_labelled():
    x = np.array([1.0, 2, 4, 8, 16])
    steep = 0.2 + 0.6 / (1 + (x / 4) ** 2.0)
    bound = fit_law(x, steep, sd=0.01)
    assert any("beta is at its bound" in note for note in bound.warnings)
    free = fit_law(x, steep, sd=0.01, max_beta=3)
    assert free.beta == pytest.approx(2.0, abs=0.01)
    assert any("no law of coverage" in note for note in free.warnings)


def test_floor_is_a_word_for_narrow_intervals_only():
    vague = fit_law(*ladder(sd=0.01))
    assert vague.floor is None
    assert any("no floor is supported" in note for note in vague.warnings)
    flat = np.array([0.6, 0.42, 0.33, 0.31, 0.302, 0.3, 0.3, 0.3])
    sure = fit_law(2.0 ** np.arange(8), flat, sd=0.002, max_beta=3)
    assert not any("no floor" in note for note in sure.warnings)
    low, high = sure.floor
    assert 0.28 < low < 0.3 < high < 0.31


def test_a_form_that_does_not_fit_gets_wider_intervals_and_says_so():
    x = np.arange(1.0, 15)
    y = 0.3 + 0.5 * np.exp(-x / 3)
    fit = fit_law(x, y, sd=0.001)
    forecast = fit.predict(28)
    assert fit.solution.misfit.inflation > 2
    assert any("larger than the noise" in note for note in fit.warnings)
    assert "exponential" in forecast.notes[-1]
    assert forecast.low < 0.3 + 0.5 * np.exp(-28 / 3) < forecast.high


def test_same_input_same_numbers():
    assert fit_law(*ladder()).predict(32) == fit_law(*ladder()).predict(32)


@given(seed=st.integers(0, 10_000), sd=st.floats(1e-4, 0.02))
@settings(max_examples=15, deadline=None)
def test_forecasts_fall_and_intervals_nest(seed, sd):
    fit = fit_law(*ladder(sd=sd, seed=seed))
    forecast, wide = fit.predict(np.geomspace(1, 64, 12)), fit.predict(np.geomspace(1, 64, 12), level=0.98)
    assert np.all(np.diff(forecast.point) <= 1e-12) and np.all(np.diff(forecast.mean) <= 1e-12)
    assert np.all(wide.low <= forecast.low) and np.all(wide.high >= forecast.high)
    assert np.all((forecast.low_new >= 0) & (forecast.high_new <= 1))
    if fit.solution.misfit.inflation == 1:
        assert np.all((forecast.low <= forecast.mean) & (forecast.mean <= forecast.high))


@pytest.mark.parametrize("scale", [1e-3, 1e6, 1e11])
def test_the_unit_of_the_budget_does_not_matter(scale):
    budgets, errors = ladder()
    one, other = fit_law(budgets, errors).predict(32), fit_law(budgets * scale, errors).predict(32 * scale)
    for name in ("point", "mean", "low", "high", "low_new", "high_new"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), abs=1e-6)
