"""Hazards of quanta: samplers against the exact curves, and the two-axis simulator against form (2)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from toolkit.laws.coverage.hazards import expected_error, mittag_leffler, positive_stable, sampled_error
from toolkit.laws.coverage.simulate import simulate_surface
from toolkit.laws.curve.forms import n_eff, rectified

BUDGETS = np.array([0, 1, 2, 4, 8, 32, 256])
FAMILIES = [
    ("mittag-leffler", {"beta": 0.6, "D0": 1.5}),
    ("mittag-leffler", {"beta": 0.2, "D0": 4.0}),
    ("mittag-leffler", {"beta": 1.0, "D0": 1.5}),
    ("beta", {"a": 0.5, "c": 3.0}),
    ("beta", {"a": 2.0, "c": 0.01}),
    ("gamma", {"a": 0.5, "c": 3.0}),
    ("zipf", {"s": 1.4, "count": 5000}),
]


@pytest.mark.parametrize(("family", "parameters"), FAMILIES)
def test_sampled_curves_meet_the_exact_ones(family, parameters):
    """40,000 quanta: five standard errors of a mean of numbers in [0, 1] are at most .0125."""
    sampled = sampled_error(BUDGETS, family, quanta=40_000, rng=np.random.default_rng(0), floor=0.1, **parameters)
    exact = expected_error(BUDGETS, family, floor=0.1, **parameters)
    assert np.abs(sampled - exact).max() < 0.0125
    assert exact[0] == pytest.approx(1.0)


@given(st.floats(0.1, 1.0), st.floats(0.1, 50.0), st.floats(0, 0.5), st.floats(0.5, 1.0))
def test_mittag_leffler_hazards_give_the_rectified_law(beta, D0, floor, top):
    law = rectified(BUDGETS, floor, (top - floor) * D0, D0, beta)
    assert expected_error(BUDGETS, "mittag-leffler", floor=floor, top=top, beta=beta, D0=D0) == pytest.approx(law)


def test_beta_one_is_the_exponential_law():
    draws = mittag_leffler(20_000, np.random.default_rng(1), beta=1.0, D0=2.0)
    assert kstest(draws, "expon", args=(0, 0.5)).pvalue > 1e-3


def test_half_stable_draws_are_levy():
    """At beta = 1/2 the positive stable law is Levy's with scale 1/2, in closed form."""
    draws = positive_stable(20_000, np.random.default_rng(2), 0.5)
    assert kstest(draws, "levy", args=(0, 0.5)).pvalue > 1e-3


@pytest.mark.parametrize(("family", "parameters"), FAMILIES)
def test_curves_of_coverage_fall_ever_more_slowly(family, parameters):
    curve = expected_error(np.arange(0, 40), family, **parameters)
    assert np.all(np.diff(curve) < 0)
    assert np.all(np.diff(curve, 2) > -1e-12)


def test_zipf_tail_has_michauds_exponent():
    errors = expected_error(np.array([300.0, 3000.0]), "zipf", s=1.5, count=1_000_000)
    assert np.log10(errors[0] / errors[1]) == pytest.approx(1 - 1 / 1.5, abs=0.02)


@pytest.mark.parametrize("kappa", [0.0, 0.09, 0.5, 1.0])
def test_simulated_surfaces_average_to_form_2(kappa):
    questions, budgets = (axis.ravel() for axis in np.meshgrid([16, 64, 256], [1, 2, 8, 32]))
    law = {"beta": 0.7, "B": 12.0, "D0": 15.0, "E": 0.1}
    rng = np.random.default_rng(3)
    errors = simulate_surface(questions, budgets, kappa=kappa, **law, quanta=2000, replicates=60, rng=rng)
    exact = rectified(n_eff(questions, budgets, kappa), law["E"], law["B"], law["D0"], law["beta"])
    standard_error = errors.std(axis=0, ddof=1) / np.sqrt(60)
    assert np.all(np.abs(errors.mean(axis=0) - exact) < 4.5 * standard_error)


def test_simulated_ladders_are_nested():
    questions, budgets = (axis.ravel() for axis in np.meshgrid([8, 32, 128], [1, 4, 16], indexing="ij"))
    law = {"kappa": 0.3, "beta": 0.7, "B": 12.0, "D0": 15.0}
    errors = simulate_surface(questions, budgets, **law, quanta=500, replicates=5, rng=np.random.default_rng(4))
    grid = errors.reshape(5, 3, 3)
    assert np.all(np.diff(grid, axis=1) <= 0) and np.all(np.diff(grid, axis=2) <= 0)


def one_draw_at_a_time(m: int, r: int, hazard: float, rho: float, rng: np.random.Generator) -> bool:
    """The story told literally: routes to each question, a probability to each route, responses one by one."""
    routes = rng.poisson(hazard * (1 + rho), size=m)
    reveal = rng.beta(1, rho, size=routes.sum())
    return bool((rng.random((r, reveal.size)) < reveal).any())


@pytest.mark.parametrize(("m", "r"), [(1, 1), (3, 1), (2, 4), (5, 3)])
def test_the_literal_story_leaves_unseen_what_n_eff_says(m, r):
    rng, hazard, rho = np.random.default_rng(5), 0.12, 4.0
    record = np.mean([one_draw_at_a_time(m, r, hazard, rho, rng) for _ in range(6000)])
    exact = 1 - np.exp(-hazard * n_eff(m, r, 1 / (1 + rho)))
    assert abs(record - exact) < 4.5 * np.sqrt(exact * (1 - exact) / 6000)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 400))
def test_item_noise_is_binomial(seed, items):
    law = {"kappa": 0.2, "beta": 0.7, "B": 12.0, "D0": 15.0}
    rng = np.random.default_rng(seed)
    errors = simulate_surface([64], [4], **law, quanta=200, replicates=3, items=items, rng=rng)
    assert errors * items == pytest.approx(np.round(errors * items))
    assert np.all((errors >= 0) & (errors <= 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: expected_error(1, "weibull"), "choose one of mittag-leffler, beta, gamma, zipf"),
        (lambda rng: expected_error(-1, "gamma", a=1, c=1), "budgets must not be negative, got -1"),
        (lambda rng: expected_error(1, "gamma", floor=0.9, top=0.5, a=1, c=1), "floor 0.9 and top 0.5"),
        (lambda rng: positive_stable(3, rng, 1.3), r"beta must lie in \(0, 1\], got 1.3"),
        (lambda rng: mittag_leffler(3, rng, beta=0.5, D0=0), "D0 must be above 0, got 0"),
        (lambda rng: expected_error(1, "zipf", s=0.9), "Zipf quanta need s > 1"),
        (lambda rng: simulate_surface([8], [2, 4], kappa=0.1, beta=1, B=1, D0=2, rng=rng), "got 1 and 2 values"),
        (lambda rng: simulate_surface([8], [1.5], kappa=0.1, beta=1, B=1, D0=2, rng=rng), "whole numbers .* got 1.5"),
        (lambda rng: simulate_surface([8], [2], kappa=1.1, beta=1, B=1, D0=2, rng=rng), "kappa must lie in"),
        (lambda rng: simulate_surface([8], [2], kappa=0.1, beta=1, B=3, D0=2, rng=rng), "must not exceed 1, got 1.5"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))
