"""The integrated walk: its covariance in closed form, conditioning, and rungs too few to carry residuals from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.laws.forecast.discrepancy import covariance, walk

T = np.arange(6.0)


@given(st.floats(0, 9), st.floats(0, 9))
def test_covariance_is_the_integral_of_two_ramps(s, t):
    """Cov = integral over u of (s - u)+ (t - u)+, by Gauss-Legendre, which is exact for a square."""
    nodes, weights = np.polynomial.legendre.leggauss(4)
    low = min(s, t)
    u = low * (nodes + 1) / 2
    expected = low / 2 * np.sum(weights * (s - u) * (t - u))
    assert covariance(np.array([s]), np.array([t]))[0, 0] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_variance_is_a_third_of_the_cube_and_simulation_agrees():
    assert np.diag(covariance(T, T)) == pytest.approx(T**3 / 3)
    rng, step = np.random.default_rng(0), 1 / 64
    slope = np.cumsum(rng.normal(0, step**0.5, (4000, 64 * 5)), axis=1)
    level = (np.cumsum(slope, axis=1) * step)[:, 63::64]
    assert np.cov(level.T) == pytest.approx(covariance(T[1:], T[1:]), rel=0.12)


def test_below_the_origin_the_walk_is_another_one():
    assert covariance(np.array([-2.0]), np.array([3.0]))[0, 0] == 0
    assert covariance(np.array([-2.0]), np.array([-1.0]))[0, 0] == covariance(np.array([2.0]), np.array([1.0]))[0, 0]


def test_noise_free_rungs_are_met_and_distance_widens():
    octaves = walk([T[:5]], [np.array([2.0, 5.0, 6.0, 7.0])])
    gain, root = octaves.given(0.5, np.full(5, 1e-12))
    residuals = np.array([0.0, 0.1, -0.2, 0.3, 0.1])
    assert (gain @ residuals)[0] == pytest.approx(-0.2, abs=1e-6)
    variance = np.sum(root**2, axis=1)
    assert variance[0] == pytest.approx(0, abs=1e-9) and np.all(np.diff(variance) > 0)


def test_four_rungs_carry_nothing_over_and_keep_the_whole_variance():
    octaves = walk([T[:4]], [np.array([4.0, 5.0])])
    gain, root = octaves.given(0.5, np.full(4, 1e-4))
    assert not gain.any()
    assert root @ root.T == pytest.approx(0.25 * covariance(np.array([4.0, 5.0]), np.array([4.0, 5.0])))


def test_axes_add():
    both = walk([T[:5], T[:5]], [np.array([5.0]), np.array([0.0])])
    one = walk([T[:5]], [np.array([5.0])])
    assert both.fitted == pytest.approx(2 * one.fitted) and both.ahead == pytest.approx(one.ahead)
