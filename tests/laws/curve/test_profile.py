"""Profile likelihood: agrees with linear theory, covers, and refuses without noise."""

import numpy as np
import pytest

from toolkit.laws import fit_law, profile_interval
from toolkit.laws.coverage.ladders import simulate_ladders
from toolkit.laws.curve.profile import best_cost

X = np.array([1.0, 2, 3, 4, 6, 8, 12, 16])


def test_best_cost_is_least_at_the_least_squares_curve():
    y = 0.3 + 0.45 / (1.5 + X**0.6) + np.random.default_rng(0).normal(0, 0.003, X.size)
    fit = fit_law(X, y, sd=0.003)
    point = fit.predict(32).point
    cost = best_cost(fit, 32.0, np.array([point - 0.02, point, point + 0.02]))
    assert cost[1] == pytest.approx(float(np.sum((fit.residuals / 0.003) ** 2)), abs=1e-6)
    assert cost[0] > cost[1] and cost[2] > cost[1]


def test_inside_the_data_it_is_the_interval_of_linear_theory():
    y = 0.2 + 0.6 / (1 + X / 4)
    fit = fit_law(X, y, sd=1e-4)
    low, high = profile_interval(fit, 4.0)
    step = 1e-6
    basis = [0.2, 0.6, 4.0, 1.0]

    def curve(p, x):
        return p[0] + p[1] / (1 + (x / p[2]) ** p[3])

    def slopes(x):
        return np.array(
            [
                (curve(np.add(basis, step * e), x) - curve(np.subtract(basis, step * e), x)) / (2 * step)
                for e in np.eye(4)
            ]
        )

    information = slopes(X) @ slopes(X).T / 1e-8
    at = slopes(np.array([4.0]))[:, 0]
    half = 1.645 * np.sqrt(at @ np.linalg.solve(information, at))
    # beta = 1 is the bound: half of the directions are cut off, never more than the whole width.
    assert 0.5 * half < (high - low) / 2 < 1.1 * half
    assert low <= curve(basis, 4.0) <= high


@pytest.mark.slow
def test_it_covers_the_curve():
    inside = []
    for ladder in simulate_ladders("prior", 400, seed=3):
        low, high = profile_interval(fit_law(ladder.budgets, ladder.errors), ladder.ahead)
        inside.append(low <= ladder.expected <= high)
    assert 0.84 <= np.mean(inside) <= 0.96


def test_bad_requests():
    fit = fit_law(X, 0.2 + 0.6 / (1 + X / 4))
    with pytest.raises(ValueError, match="no noise is known"):
        profile_interval(fit, 32)
    with pytest.raises(ValueError, match="times the largest one fitted"):
        profile_interval(fit, 1000)
    with pytest.raises(ValueError, match="level"):
        profile_interval(fit, 32, level=90)
