"""Shapes: limits, monotony, and their plain formulas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.laws.curve.fit import fit_law
from toolkit.laws.curve.forms import FORMS, Form, form_of, n_eff, phi_box, rectified
from toolkit.reports.fit_report import describe

LADDER = np.array([1.0, 2, 4, 8, 16])


@pytest.mark.parametrize("form", FORMS)
@given(share=st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_every_shape_falls_and_is_convex_for_coverage(form, share):
    box = phi_box(form, LADDER, max_beta=1.0)
    phi = box[:, 0] + np.array(share[: len(box)]) * (box[:, 1] - box[:, 0])
    x = np.arange(1.0, 200)
    S = FORMS[form].shape(x, phi[None])[0]
    assert np.all(S >= 0) and S[0] <= 1 + 1e-12
    assert np.all(np.diff(S) <= 1e-12)
    assert np.all(np.diff(S, 2) >= -1e-12)


def test_rectified_shape_is_the_printed_law():
    E, B, D0, beta = 0.2, 0.9, 1.8, 0.6
    phi = np.array([[np.log(D0) / beta, beta]])
    curve = E + B / D0 * FORMS["rectified"].shape(LADDER, phi)[0]
    assert curve == pytest.approx(rectified(LADDER, E, B, D0, beta), abs=1e-14)


def test_beta_shape_at_one_is_hyperbolic_and_survives_large_budgets():
    S = FORMS["beta"].shape(np.array([1.0, 9.0, 1e12]), np.array([[np.log(3.0), 1.0]]))[0]
    assert pytest.approx([3 / 4, 3 / 12, 3e-12], rel=1e-9) == S


@pytest.mark.parametrize(("kappa", "expected"), [(0.0, 512.0), (1.0, 128.0), (1 / 3, 128 * 4 / 2)])
def test_effective_questions(kappa, expected):
    assert n_eff(128, 4, kappa) == pytest.approx(expected)


def test_effective_questions_never_exceed_their_limit():
    r = np.geomspace(1, 1e9, 50)
    assert np.all(n_eff(100, r, 0.1) < 100 / 0.1)
    assert n_eff(100, 1e12, 0.1) == pytest.approx(1000, rel=1e-6)


def test_a_form_of_ones_own_is_fitted_forecast_and_named_everywhere(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    halving = Form(lambda x, phi: np.exp2(1 - x ** phi[:, :1]), ("tail",), ("gamma",), "E + A 2^(1 - x^gamma)")
    monkeypatch.setitem(FORMS, "halving", halving)
    budgets = np.repeat([1.0, 2, 4, 8, 16], 3)
    noise = np.tile([-0.004, 0.0, 0.004], 5)
    fit = fit_law(budgets, 0.3 + 0.5 * np.exp2(1 - budgets**0.6) + noise, form="halving")
    assert fit.names == ("E", "L0", "gamma")
    assert fit.parameters["gamma"] == pytest.approx(0.6, abs=0.05)
    assert fit.draws.shape == (2000, 3)
    assert fit.predict(32).low < 0.3 + 0.5 * np.exp2(1 - 32**0.6) < fit.predict(32).high
    report = describe(fit, [32])
    assert report["form"] == "E + A 2^(1 - x^gamma)"
    assert report["parameters"]["gamma"]["low"] < 0.6 < report["parameters"]["gamma"]["high"]


def test_every_form_names_what_each_of_its_shape_parameters_is() -> None:
    for form in FORMS.values():
        assert len(form.phi) == len(form.names)
        assert form.formula_in("r").count("x") == form.formula.count("exp")


def power(x: np.ndarray, phi: np.ndarray) -> np.ndarray:
    return x ** -phi[:, :1]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            Form(power, ("exponent",), ("a",), ""),
            r"phi \('exponent',\): name one or two columns, each 'scale' or 'tail'",
        ),
        (Form(power, ("tail", "tail", "tail"), ("a", "b", "c"), ""), "name one or two columns"),
        (Form(power, ("tail",), ("a", "b"), ""), r"1 columns of phi and the names \('a', 'b'\): give each column one"),
        (Form(lambda x, phi: x / 0, ("tail",), ("a",), ""), r"not finite|gives \(25,\) for 9 cells"),
        (Form(lambda x, phi: power(x, phi)[0], ("tail",), ("a",), ""), r"gives \(25,\) for 9 cells and 25 budgets"),
        (Form(lambda x, phi: phi[:, 5:6] * x, ("tail",), ("a",), ""), r"raised ValueError|gives"),
        (Form(lambda x, phi: power(x, phi) - 0.5, ("tail",), ("a",), ""), "is negative at phi"),
        (Form(lambda x, phi: 1 - power(x, phi), ("tail",), ("a",), ""), "rises with x at phi"),
        (Form(lambda x, phi: 1 / (1 + (x / 9) ** phi[:, :1]), ("tail",), ("a",), ""), "is not convex in x at phi"),
        (Form(lambda x, phi: np.full((9, 25), np.nan), ("tail",), ("a",), ""), "is not finite at phi"),
    ],
)
def test_a_form_that_breaks_its_contract_is_refused_by_name(monkeypatch, form, said) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(FORMS, "mine", form)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=f"the form 'mine' has .*({said})"):
        fit_law([1, 2, 4, 8, 16], [0.9, 0.8, 0.7, 0.65, 0.62], form="mine")


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_that_come_along_keep_it(form: str) -> None:
    assert form_of(form) is FORMS[form]
