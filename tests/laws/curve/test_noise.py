"""Noise from a handful of seeds: the trend, its moderation, and what is read off given sds."""

import numpy as np
import pytest

from toolkit.laws.curve.data import reduce_rows
from toolkit.laws.curve.noise import KNOWN, PRIOR_DF, Rungs, estimate_noise, fit_trend, freedom_from_scatter, row_sd

X = np.array([1.0, 2, 4, 8, 16])


def test_trend_recovers_a_growing_sd():
    rng = np.random.default_rng(0)
    x, df = np.geomspace(1, 100, 200), np.full(200, 3.0)
    sd = 0.01 * x**0.4
    variance = sd**2 * rng.chisquare(3, 200) / 3
    (level, slope, centre), cov = fit_trend(x, variance, df)
    assert slope == pytest.approx(0.4, abs=4 * cov[1, 1] ** 0.5)
    assert np.exp(level + slope * (np.log(10) - centre)) == pytest.approx(0.01 * 10**0.4, rel=0.1)


def test_a_rung_whose_seeds_agree_by_chance_keeps_some_noise():
    rungs = Rungs(X, np.zeros(5), np.full(5, 3.0), np.array([0.0, 0.01, 0.01, 0.01, 0.01]), np.full(5, 2.0))
    noise = estimate_noise(rungs, "seeds")
    assert 0.2 < noise.scale[0] / noise.scale[2] < 1
    assert np.all(noise.df == PRIOR_DF + 2)


def test_moderation_lies_between_the_rung_and_the_trend():
    sd = np.array([0.01, 0.01, 0.05, 0.01, 0.01])
    noise = estimate_noise(Rungs(X, np.zeros(5), np.full(5, 4.0), sd, np.full(5, 3.0)), "seeds")
    assert 0.01 < noise.scale[2] * 2 < 0.05


@pytest.mark.parametrize("seeds", [3, 6])
def test_freedom_is_read_off_the_scatter_of_sds(seeds):
    rng = np.random.default_rng(1)
    x = np.geomspace(1, 1000, 400)
    sd = 0.01 * np.sqrt(rng.chisquare(seeds - 1, 400) / (seeds - 1))
    assert freedom_from_scatter(x, sd) == pytest.approx(seeds - 1, rel=0.25)


def test_smooth_sds_are_taken_as_known():
    assert freedom_from_scatter(X, 0.01 * X**0.2) == KNOWN
    rungs = Rungs(X, np.zeros(5), np.ones(5), 0.01 * X**0.2, np.full(5, KNOWN))
    noise = estimate_noise(rungs, "sd")
    assert noise.scale == pytest.approx(0.01 * X**0.2)
    assert row_sd(noise, np.array([32.0]), np.zeros((1, 2)))[0, 0] == pytest.approx(0.01 * 32**0.2, rel=1e-3)


def test_sources_in_order_of_preference():
    x, index = X, np.repeat(np.arange(5), 2)
    y = np.tile([0.4, 0.42], 5)
    n = np.full(10, 100.0)
    assert reduce_rows(x, index, y, np.full(10, 0.02), n, None)[1] == "sd"
    rungs, source = reduce_rows(x, index, y, None, n, None)
    assert source == "seeds" and rungs.sd == pytest.approx(0.02 / 2**0.5)
    rungs, source = reduce_rows(x, np.arange(5), np.full(5, 0.4), None, np.full(5, 600.0), None)
    assert source == "items" and rungs.sd == pytest.approx(0.02, rel=1e-3)
    assert reduce_rows(x, np.arange(5), np.full(5, 0.4), None, None, None)[1] == "none"
