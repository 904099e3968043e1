"""Two axes: the real nano table, recovery of kappa on its generative story, and what additive truths look like."""

import csv
import re

import numpy as np
import pytest

from toolkit.laws import SurfaceFit, fit_surface, surface_table, verdict
from toolkit.laws.coverage.simulate import simulate_surface
from toolkit.laws.curve.forms import n_eff, rectified

CELLS = np.array([(M, r) for M in (128, 256, 512, 1024) for r in (1, 2, 4, 8, 16, 32) if M * r <= 8192], float).T


@pytest.fixture(scope="module")
def nano(shared_data):
    """control -> (questions, budgets, errors) of the two-axis experiment, two replicates per cell."""
    with (shared_data / "nano_two_axis.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {
        control: np.array(
            [[float(row[key]) for key in ("questions", "budget", "error")] for row in rows if row["control"] == control]
        ).T
        for control in ("epochs", "steps")
    }


@pytest.mark.parametrize(("control", "kappa", "chi_square"), [("epochs", 0.09, 18.5), ("steps", 0.175, 26.0)])
def test_form_two_predicts_the_largest_pool_and_beats_its_rivals(nano, control, kappa, chi_square):
    fit = fit_surface(*nano[control], sd=0.02, max_beta=3)
    table = {row.form: row for row in surface_table(fit)}
    assert table["effective"].largest_M <= 0.02
    for rival in ("additive", "total only", "power"):
        assert table[rival].largest_M > 2 * table["effective"].largest_M
        assert table[rival].chi_square > 3 * table["effective"].chi_square
    assert table["effective"].chi_square == pytest.approx(chi_square, abs=0.1)
    low, high = fit.kappa_interval()
    assert fit.kappa == pytest.approx(kappa, abs=0.01) and low < kappa < high and high - low < 0.05


def test_reading_in_words(nano):
    text = fit_surface(*nano["epochs"], sd=0.02, max_beta=3).reading(16)
    assert "response 16 is worth 0.17 of a new question" in text
    assert "no number of responses makes a question worth more than 11" in text
    assert re.search(r"kappa 0\.089 \(90% interval 0\.0\d\d to 0\.\d+\)", text)


@pytest.mark.parametrize("kappa", [0.0, 0.05, 0.3, 0.8])
def test_noise_free_surfaces_are_recovered(kappa):
    M, r = CELLS
    y = rectified(n_eff(M, r, kappa), 0.15, 180.0, 240.0, 0.85)
    fit = fit_surface(M, r, y)
    assert fit.parameters == pytest.approx([0.15, 180.0, 240.0, 0.85, kappa], rel=1e-4, abs=1e-6)
    assert fit.predict(2048, 16).point == pytest.approx(
        float(rectified(n_eff(2048, 16, kappa), 0.15, 180, 240, 0.85)), abs=1e-6
    )


def test_draws_are_paired_and_broadcast(nano):
    fit = fit_surface(*nano["epochs"], sd=0.02, max_beta=3)
    assert fit.draws.shape == (2000, 5)
    errors = fit.error(np.array([512, 1024]), np.array([[8], [16], [32]]))
    assert errors.shape == (2000, 3, 2)
    E, B, D0, beta, kappa = fit.draws[7]
    assert errors[7, 1, 0] == pytest.approx(float(rectified(n_eff(512, 16, kappa), E, B, D0, beta)))
    assert fit.error(512, 8).shape == (2000,)
    gap = fit.error(1024, 8) - fit.error(512, 8)
    assert gap.std() < 0.8 * np.hypot(fit.error(1024, 8).std(), fit.error(512, 8).std())
    assert set(fit.questions) == {128, 256, 512, 1024} and set(fit.budgets) == {1, 2, 4, 8, 16, 32}


def test_forecasts_are_labelled_far_out_and_refused_further(nano):
    fit = fit_surface(*nano["steps"], sd=0.02, max_beta=3)
    inside, outside = fit.predict(1024, 8), fit.predict([2048, 4096], 8)
    assert inside.notes == () and inside.low_new < inside.low < inside.mean < inside.high < inside.high_new
    assert "questions 4 times" in outside.notes[0] and outside.mean.shape == (2,)
    assert outside.questions.tolist() == [2048, 4096] and outside.r.tolist() == [8, 8]
    with pytest.raises(ValueError, match="beyond 16 times"):
        fit.predict(1024 * 17, 1)


def test_json_round_trip(nano):
    for options in ({"sd": 0.02}, {}):
        fit = fit_surface(*nano["epochs"], max_beta=3, **options)
        back = SurfaceFit.from_json(fit.to_json())
        assert back.predict(700, 5) == fit.predict(700, 5)
        assert back.to_json() == fit.to_json() and back.warnings == fit.warnings
    with pytest.raises(ValueError, match="not a saved surface"):
        SurfaceFit.from_json('{"kind": "law"}')


def coverage_of_kappa(count, seed):
    """Share of simulated coverage experiments whose 90 % interval holds kappa."""
    rng, inside = np.random.default_rng(seed), []
    M, r = CELLS
    for _ in range(count):
        kappa, beta, D0 = rng.uniform(0.03, 0.6), rng.uniform(0.5, 1.0), rng.uniform(40, 200)
        errors = simulate_surface(
            M, r, kappa=kappa, beta=beta, B=0.75 * D0, D0=D0, E=0.15, quanta=2000, replicates=3, items=1000, rng=rng
        )
        low, high = fit_surface(np.tile(M, 3), np.tile(r, 3), errors.ravel(), draws=1000).kappa_interval()
        inside.append(low <= kappa <= high)
    return float(np.mean(inside))


def test_kappa_of_simulated_coverage_data_lies_in_its_interval():
    assert coverage_of_kappa(12, seed=1) >= 0.66


@pytest.mark.slow
def test_kappa_is_recovered_at_the_stated_rate():
    assert 0.85 <= coverage_of_kappa(200, seed=2) <= 0.97


def test_additive_truths_are_distinguished():
    M, r = CELLS
    y = 0.1 + 0.5 * (M / 128) ** -0.5 + 0.35 / (1 + (r / 4) ** 0.8)
    y = y + np.random.default_rng(0).normal(0, 0.01, y.size)
    fit = fit_surface(M, r, y, sd=0.01)
    table = surface_table(fit)
    assert verdict(table) == "every comparison prefers the additive form"
    assert any("form does not fit" in note for note in fit.warnings)


def test_verdict_says_where_comparisons_disagree(nano):
    text = verdict(surface_table(fit_surface(*nano["steps"], sd=0.02, max_beta=3)))
    assert text.startswith("the comparisons disagree") and "largest M prefers the effective form" in text


@pytest.mark.parametrize(
    ("questions", "budgets", "errors", "options", "message"),
    [
        ([128] * 6, [1, 2, 4, 8, 16, 32], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], {}, "1 question counts and 6 budgets"),
        ([128, 256] * 2, [1, 1, 2, 2], [0.9, 0.8, 0.7, 0.6], {}, "4 cells"),
        ([128, 0, 256, 512, 128, 256], [1, 2, 4, 1, 2, 4], [0.9] * 5 + [0.8], {}, "questions must be above 0, got 0"),
        ([128, 256, 512] * 2, [1, 1, 1, 2, 2, 2], [90, 80, 70, 60, 50, 40], {}, "divide percent by 100"),
        ([128, 256, 512] * 2, [1, 1, 1, 2, 2, 2], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], {"max_beta": 9}, "max_beta must lie"),
    ],
)
def test_bad_input_is_named(questions, budgets, errors, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fit_surface(questions, budgets, errors, **options)
