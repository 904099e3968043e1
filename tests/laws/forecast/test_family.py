"""The family of curves: its named members, what h means, and the bounds and shares of its prior."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma

from toolkit.laws.coverage.hazards import positive_stable
from toolkit.laws.curve.forms import FORMS
from toolkit.laws.forecast.family import KINDS, MIN_Q, library, shape

X = np.geomspace(0.1, 500, 60)
halves, bends, tails = st.floats(0.05, 500), st.floats(0.1, 2), st.floats(1e-6, 3)


@given(halves, st.floats(0.1, 1))
def test_q_of_one_is_the_rectified_law(h, m):
    rectified = FORMS["rectified"].shape(X, np.array([[np.log(h), m]]))[0]
    assert shape(np.log(X / h), m, 1.0) == pytest.approx(rectified, rel=1e-9)


@given(halves, tails)
def test_m_of_one_is_lomax(h, q):
    c = h / np.expm1(q * np.log(2))
    assert shape(np.log(X / h), 1.0, q) == pytest.approx((1 + X / c) ** (-1 / q), rel=1e-6, abs=1e-12)


@given(halves, bends)
def test_q_towards_zero_is_exponential(h, m):
    assert shape(np.log(X / h), m, MIN_Q) == pytest.approx(np.exp(-np.log(2) * (X / h) ** m), abs=1e-5)


@given(halves, bends, tails)
def test_half_is_won_at_h_and_every_member_falls_from_one_to_zero(h, m, q):
    assert shape(0.0, m, q) == pytest.approx(0.5, rel=1e-9)
    S = shape(np.log(X / h), m, q)
    assert np.all(np.diff(S) <= 0) and np.all((S >= 0) & (S <= 1))
    assert shape(-800.0 / m, m, q) == pytest.approx(1.0) and shape(800.0 * max(q, 1) / m, m, q) < 1e-6


@pytest.mark.parametrize(("m", "q"), [(0.5, 0.4), (0.8, 2.0), (1.0, 0.7)])
def test_members_up_to_m_of_one_are_laws_of_coverage(m, q):
    """The hazards of the docstring, sampled: c^(1/m) G^(1/m) T with G ~ Gamma(1/q) and T positive stable."""
    rng, h = np.random.default_rng(0), 3.0
    c = (2**q - 1) / h**m
    hazards = (c * gamma.rvs(1 / q, size=200_000, random_state=rng)) ** (1 / m) * positive_stable(200_000, rng, m)
    for r in (1.0, 3.0, 20.0):
        assert np.exp(-hazards * r).mean() == pytest.approx(float(shape(np.log(r / h), m, q)), abs=0.005)


@pytest.mark.parametrize("max_m", [1.0, 2.0])
def test_prior_is_three_equal_thirds_within_its_bounds(max_m):
    points = library(256, max_m)
    assert np.bincount(points.third).tolist() == [256] * 3
    first, second, free = (points.third == third for third in range(3))
    assert points.m[first].min() >= 0.1 and points.m[first].max() <= max_m and np.all(points.q[first] == 1)
    assert points.m[first].mean() == pytest.approx((0.1 + max_m) / 2, abs=0.02)
    assert np.all(points.m[second] == 1) and points.q[second].max() <= 3
    assert points.m[free].min() >= 0.3 and points.m[free].max() <= 1.5
    # q = 3 u^3: half of the points below 3 / 8, an eighth above 3 x (7 / 8)^3.
    assert np.mean(points.q[second] < 3 / 8) == pytest.approx(0.5, abs=0.01)
    assert np.mean(points.q[free] > 3 * (7 / 8) ** 3) == pytest.approx(1 / 8, abs=0.01)
    assert points.log_kappa.min() >= np.log(0.01) and points.log_kappa.max() <= 0
    log_half = points.log_half(-1.0, 4.0)
    assert log_half.min() >= -1 and log_half.max() <= 4 and log_half.mean() == pytest.approx(1.5, abs=0.02)


def test_kinds_say_what_a_member_is_like():
    points = library(256, 2.0)
    kinds = points.kinds()
    assert set(kinds) == set(KINDS)
    assert np.array_equal(kinds == "threshold", points.m > 1.2)
    sooner = kinds == "sooner"
    assert np.all(points.m[sooner] / points.q[sooner] > 1) and not np.any(points.third[sooner] == 0)


def test_shapes_take_positions_per_member():
    points, log_x = library(64, 1.0), np.log([1.0, 8.0])
    alone = points.shapes(log_x, -1.0, 3.0)
    assert alone.shape == (192, 2)
    assert np.array_equal(alone, points.shapes(np.tile(log_x, (192, 1)), -1.0, 3.0))
