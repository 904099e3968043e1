"""Signs before numbers: ladders that rise or start flat are called by name."""

import numpy as np
import pytest

from toolkit.laws import fit_law

X = np.array([1.0, 2, 4, 8, 16])


def test_repetition_that_hurts_is_said_and_not_fitted():
    fit = fit_law(X, [0.6, 0.5, 0.42, 0.47, 0.55], sd=0.01)
    forecast = fit.predict(32)
    assert fit.shape.refused and not fit.shape.decreasing
    assert "rises by 0.13 from budget 4 to 16" in fit.warnings[0] and "repetition hurts" in forecast.notes[0]
    assert np.isnan([forecast.point, forecast.mean, forecast.low, forecast.high]).all()


def test_a_doubtful_rise_is_said_beside_the_forecast():
    fit = fit_law(X, [0.6, 0.5, 0.42, 0.38, 0.43], sd=0.0105)
    assert not fit.shape.decreasing and not fit.shape.refused
    forecast = fit.predict(32)
    assert "the data contradict" in forecast.notes[0] and forecast.low < forecast.mean < forecast.high


def test_flat_start_is_called_a_threshold():
    fit = fit_law(X, [0.90, 0.895, 0.60, 0.35, 0.28], sd=0.01)
    assert fit.shape.decreasing and not fit.shape.convex
    assert "threshold or of format learning" in fit.predict(32).notes[0]


@pytest.mark.parametrize("sd", [0.003, 0.02])
def test_lawful_ladders_rarely_raise_an_alarm(sd):
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(60):
        y = 0.3 + 0.5 / (1 + (X / 3) ** 0.6) + rng.normal(0, sd, X.size)
        shape = fit_law(X, y, sd=sd, draws=100).shape
        alarms += not (shape.decreasing and shape.convex)
    assert alarms <= 4


def test_without_noise_nothing_is_tested():
    assert fit_law(X, [0.6, 0.5, 0.42, 0.47, 0.40]).shape.notes == ()
