"""Simulated ladders: intervals cover what they say, and no baseline is better where the prior holds."""

import numpy as np
import pytest

from toolkit.laws import fit_law, predict_baselines
from toolkit.laws.coverage.ladders import LADDERS, TRUTHS, simulate_ladders


def measure(truth, count, seed):
    """(covers a new run (L,), squared error by form (forms, L)) over `count` ladders."""
    covered, squares = [], []
    for ladder in simulate_ladders(truth, count, seed):
        fit = fit_law(ladder.budgets, ladder.errors)
        forecast = fit.predict(ladder.ahead)
        covered.append(forecast.low_new <= ladder.new <= forecast.high_new)
        rivals = predict_baselines(fit, np.array([ladder.ahead]))
        predicted = [forecast.mean, *(values[0] for values in rivals.values())]
        squares.append((np.array(predicted) - ladder.expected) ** 2)
    return np.array(covered), np.array(squares).T


@pytest.mark.parametrize("truth", TRUTHS)
def test_truths_are_laws_of_coverage_and_ladders_have_the_stated_designs(truth):
    x = np.arange(1.0, 60)
    curve = TRUTHS[truth](np.random.default_rng(0), np.array(LADDERS[5], float))
    y = curve(x)
    assert np.all((y >= 0) & (y <= 1)) and np.all(np.diff(y) <= 0) and np.all(np.diff(y, 2) >= -1e-12)
    ladders = list(simulate_ladders(truth, 6, seed=1))
    assert sorted(
        {(len(np.unique(one.budgets)), one.budgets.size // len(np.unique(one.budgets))) for one in ladders}
    ) == [(rungs, seeds) for rungs in LADDERS for seeds in (3, 4)]
    assert all(one.ahead == 32 for one in ladders)


def test_intervals_cover_on_a_small_sample():
    covered = []
    for ladder in simulate_ladders("prior", 120, seed=2):
        forecast = fit_law(ladder.budgets, ladder.errors).predict(ladder.ahead)
        covered.append(forecast.low_new <= ladder.new <= forecast.high_new)
    assert 0.8 <= np.mean(covered) <= 0.98  # 90 % within four standard errors


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
def test_intervals_cover_a_new_run_and_no_baseline_is_better_on_prior_truths(seed):
    covered, squares = measure("prior", 1000, seed)
    assert 0.87 <= covered.mean() <= 0.93
    for rival in squares[1:]:
        gap = rival - squares[0]
        assert gap.mean() > -2 * gap.std(ddof=1) / gap.size**0.5


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["sd", "sd_df", "known", "items"])
def test_intervals_cover_for_every_way_to_state_the_noise(noise):
    rng, covered = np.random.default_rng(5), []
    for index in range(600):
        seeds, x = 3 + index // 3 % 2, np.array(list(LADDERS.values())[index % 3], float)
        truth, sd = TRUTHS["prior"](rng, x), np.exp(rng.uniform(np.log(1e-4), np.log(0.014)))
        expected = truth(np.array([32.0]))[0]
        if noise == "items":
            errors, new = rng.binomial(1319, truth(x)) / 1319, rng.binomial(1319, expected) / 1319
            options = {"n": 1319}
        else:
            runs = np.clip(truth(x)[:, None] + rng.normal(0, sd, (x.size, seeds)), 0, 1)
            errors, new = runs.mean(axis=1), np.clip(rng.normal(expected, sd / seeds**0.5), 0, 1)
            estimated = np.maximum(runs.std(axis=1, ddof=1), 1e-9) / seeds**0.5
            options = {
                "sd": {"sd": estimated},
                "sd_df": {"sd": estimated, "sd_df": seeds - 1},
                "known": {"sd": sd / seeds**0.5},
            }[noise]
        forecast = fit_law(x, errors, **options).predict(32)
        covered.append(forecast.low_new <= new <= forecast.high_new)
    assert 0.86 <= np.mean(covered) <= 0.94  # .90 within three and a half standard errors


@pytest.mark.slow
def test_intervals_cover_when_the_noise_grows_with_the_budget():
    rng, covered = np.random.default_rng(6), []
    for index in range(600):
        x = np.array(list(LADDERS.values())[index % 3], float)
        truth, sd, slope = TRUTHS["prior"](rng, x), np.exp(rng.uniform(np.log(1e-3), np.log(0.01))), rng.normal(0, 0.4)
        budgets = np.repeat(x, 4)
        errors = np.clip(truth(budgets) + rng.normal(0, sd * (budgets / 4) ** slope), 0, 1)
        new = np.clip(rng.normal(truth(np.array([32.0]))[0], sd * 8**slope), 0, 1)
        forecast = fit_law(budgets, errors).predict(32)
        covered.append(forecast.low_new <= new <= forecast.high_new)
    assert 0.86 <= np.mean(covered) <= 0.94
