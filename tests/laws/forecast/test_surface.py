"""Forecasts over two axes: the measured table, invariants, and what is refused."""

import csv
import re

import numpy as np
import pytest

from toolkit import forecast_surface
from toolkit.laws.curve.forms import n_eff, rectified

CELLS = np.array([(M, r) for M in (128, 256, 512) for r in (1, 2, 4, 8)], float).T


def rows(seeds=3, sd=0.01, kappa=0.1):
    """Cells of a rectified law in n_eff with noise: questions, budgets and errors."""
    M, r = np.repeat(CELLS, seeds, axis=1)
    noise = np.random.default_rng(0).normal(0, sd, M.size)
    return M, r, rectified(n_eff(M, r, kappa), 0.15, 180.0, 240.0, 0.85) + noise


def width(ahead, **options):
    return np.diff(ahead.interval(**options), axis=0)[0]


@pytest.fixture(scope="module")
def nano(shared_data):
    """control -> (questions, budgets, errors) of the two-axis experiment, two replicates per cell."""
    with (shared_data / "nano_two_axis.csv").open() as file:
        table = list(csv.DictReader(file))
    names = ("questions", "budget", "error")
    return {
        control: np.array([[float(row[name]) for name in names] for row in table if row["control"] == control]).T
        for control in ("epochs", "steps")
    }


@pytest.mark.parametrize("control", ["epochs", "steps"])
def test_the_largest_pool_is_forecast_from_the_smaller_ones(nano, control):
    M, r, y = nano[control]
    small, far = M < 1024, np.array([1.0, 2, 4, 8])
    ahead = forecast_surface(M[small], r[small], y[small], 1024, far)
    seen = np.array([y[(M == 1024) & (r == budget)].mean() for budget in far])
    low, high = ahead.interval(rows=2)
    assert np.all((low <= seen) & (seen <= high)) and np.abs(ahead.mean - seen).max() < 0.05
    assert ahead.questions.tolist() == [1024] * 4 and ahead.budgets.tolist() == far.tolist()
    assert 0.01 <= np.quantile(ahead.kappa, 0.05) < np.quantile(ahead.kappa, 0.95) <= 1


def test_the_truth_lies_inside_and_distance_widens():
    M, r = np.array([512.0, 1024, 2048]), np.array([16.0, 16, 16])
    ahead = forecast_surface(*rows(), M, r)
    low, high = ahead.interval()
    truth = rectified(n_eff(M, r, 0.1), 0.15, 180.0, 240.0, 0.85)
    assert np.all((low < truth) & (truth < high)) and np.all(np.diff(ahead.mean) < 0)
    near, far = (width(forecast_surface(*rows(), m, 8))[0] for m in (1024, 4096))
    assert far > near
    assert "questions 4 times, budget 2" not in ahead.notes[0] and "questions 4 times" in ahead.notes[0]


def test_order_seeds_and_units_of_questions_change_nothing():
    M, r, y = rows()
    order = np.random.default_rng(1).permutation(M.size)
    plain = forecast_surface(M, r, y, 1024, [4, 8])
    assert np.array_equal(plain.curve, forecast_surface(M, r, y, 1024, [4, 8]).curve)
    for other in (
        forecast_surface(M[order], r[order], y[order], 1024, [4, 8]),
        forecast_surface(M * 7, r, y, 1024 * 7, [4, 8]),
    ):
        assert other.interval() == pytest.approx(plain.interval(), abs=1e-4)
        assert other.weights == pytest.approx(plain.weights, abs=1e-5)


def test_replicates_narrow_and_without_them_a_nugget_stands_for_the_noise():
    few, many = (width(forecast_surface(*rows(seeds, 0.02), 1024, 8, sd=0.02))[0] for seeds in (2, 24))
    assert many < few
    assert any("no noise is known" in note for note in forecast_surface(*rows(1), 1024, 8).notes)


@pytest.mark.parametrize(
    ("questions", "budgets", "ahead", "message"),
    [
        ([128] * 6, [1, 2, 4, 8, 16, 32], (256, 8), "1 question counts and 6 budgets"),
        ([128, 256] * 2, [1, 1, 2, 2], (256, 8), "4 cells"),
        ([128, 0, 256, 512, 128, 256], [1, 2, 4, 1, 2, 4], (256, 8), "questions must be above 0, got 0"),
        ([128, 256, 512] * 2, [1, 1, 1, 2, 2, 2], (512 * 17, 1), "questions 8704 is 17 times"),
        ([128, 256, 512] * 2, [1, 1, 1, 2, 2, 2], (512, 64), "budget 64 is 32 times"),
        ([128, 256, 512] * 2, [1, 1, 1, 2, 2, 2], ([512, 600], [1, 2, 4]), "ahead_questions has 2 values"),
    ],
)
def test_what_cannot_be_forecast_is_named(questions, budgets, ahead, message):
    errors = np.linspace(0.9, 0.4, len(questions))
    with pytest.raises(ValueError, match=re.escape(message)):
        forecast_surface(questions, budgets, errors, *ahead)
