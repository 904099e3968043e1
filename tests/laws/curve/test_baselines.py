"""Baselines: what they predict, and the table that stands beside every forecast."""

import numpy as np
import pytest

from toolkit.laws import fit_law, forecast_table, predict_baselines
from toolkit.laws.curve.forms import FORMS, Form

X = np.array([1.0, 2, 4, 8, 16])
SIMPLE = ["log-linear", "log-linear, last three", "last value"]
BASELINES = [*SIMPLE, "power", "exponential saturation", "Lomax", "Beta coverage"]  # of the rectified law


def test_straight_lines_and_last_value():
    y = 0.8 - 0.1 * np.log2(X)
    fit = fit_law(X, y)
    predicted = predict_baselines(fit, np.array([32.0, 4096.0]))
    assert list(predicted) == BASELINES
    assert predicted["log-linear"] == pytest.approx([0.3, 0.0], abs=1e-12)  # an error cannot be negative
    assert predicted["log-linear, last three"][0] == pytest.approx(0.3)
    assert predicted["last value"] == pytest.approx([0.4, 0.4])


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("power", lambda x: 0.2 + 0.5 * x**-0.7),
        ("exponential saturation", lambda x: 0.2 + 0.5 * np.exp(-x / 5)),
        ("Lomax", lambda x: 0.2 + 0.5 * (1 + x / 3) ** -1.4),
        ("Beta coverage", lambda x: 0.1 + 0.6 * 3 / (3 + x)),
    ],
)
def test_each_curve_recovers_its_own_kind(name, truth):
    ahead = np.array([32.0, 64.0])
    assert predict_baselines(fit_law(X, truth(X)), ahead)[name] == pytest.approx(truth(ahead), abs=1e-7)


def test_table_has_the_held_out_miss_and_the_top_rung_left_out():
    x = np.repeat(np.append(X, 32), 3)
    y = 0.2 + 0.6 / (1 + (x / 3) ** 0.6) + np.tile([-0.001, 0, 0.001], 6)
    table = {row.form: row for row in forecast_table(fit_law(x, y, fit_max=16))}
    assert list(table) == ["law", "law, least squares", *BASELINES]
    held_out = 0.2 + 0.6 / (1 + (32 / 3) ** 0.6)
    last, before = (0.2 + 0.6 / (1 + (r / 3) ** 0.6) for r in (16, 8))
    assert table["last value"].miss == pytest.approx([last - held_out])
    assert table["last value"].top_rung_miss == pytest.approx(before - last)
    assert abs(table["law, least squares"].miss[0]) < 1e-6
    assert abs(table["law, least squares"].top_rung_miss) < 1e-6
    assert abs(table["law"].miss[0]) < abs(table["log-linear"].miss[0])


def test_four_rungs_leave_no_law_to_leave_one_out():
    rows = forecast_table(fit_law(X[:4], [0.6, 0.5, 0.43, 0.38], sd=0.01))
    assert np.isnan(rows[0].top_rung_miss) and rows[0].predicted.size == 0
    assert np.isfinite(rows[-1].top_rung_miss)


def test_a_rising_ladder_has_no_law_in_its_table():
    rows = {
        row.form: row
        for row in forecast_table(fit_law(np.append(X, 32), [0.6, 0.5, 0.42, 0.47, 0.55, 0.5], sd=0.01, fit_max=16))
    }
    assert np.isnan(rows["law"].predicted).all() and np.isnan(rows["law"].miss).all()
    assert rows["last value"].miss == pytest.approx([0.05])


def test_rivals_are_all_other_forms_whatever_form_is_fitted(monkeypatch):
    halving = Form(lambda x, phi: np.exp2(1 - x ** phi[:, :1]), ("tail",), ("gamma",), "E + A 2^(1 - x^gamma)")
    monkeypatch.setitem(FORMS, "halving", halving)
    truth = 0.2 + 0.5 * np.exp2(1 - X**0.6)
    assert list(predict_baselines(fit_law(X, truth), 32)) == [*BASELINES, "halving"]
    assert predict_baselines(fit_law(X, truth), 32)["halving"] == pytest.approx(0.2 + 0.5 * np.exp2(1 - 32**0.6))
    others = [*SIMPLE, "exponential saturation", "Lomax", "Beta coverage", "rectified", "halving"]
    assert list(predict_baselines(fit_law(X, truth, form="power"), 32)) == others
