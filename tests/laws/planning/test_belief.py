"""What one more student leaves of a doubt: against the textbook's conditional Gaussian, and against simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.laws.planning.belief import Belief, believe, chance_right


def belief_of(seed: int, count: int = 4) -> tuple[Belief, np.ndarray]:
    """A belief on so many cells, and the covariance of their errors and of what is asked."""
    root = np.random.default_rng(seed).normal(size=(count + 1, count + 1))
    covariance = root @ root.T
    noise = np.random.default_rng(seed + 1).uniform(0.1, 2, count)
    return Belief(covariance[:-1, :-1], covariance[:-1, -1], float(covariance[-1, -1]), noise), covariance


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_students_one_after_another_leave_what_conditioning_on_all_of_them_does(seed, students):
    belief, covariance = belief_of(seed)
    design = np.eye(5)[students]
    seen = design @ covariance @ design.T + np.diag(belief.noise[students])
    cross = covariance @ design.T
    exact = covariance - cross @ np.linalg.solve(seen, cross.T)
    for index in students:
        before, removed = belief.variance, belief.gain[index]
        belief = belief.after(index)
        assert belief.variance == pytest.approx(before - removed, abs=1e-9)
    assert belief.variance == pytest.approx(exact[-1, -1], rel=1e-6, abs=1e-9)
    np.testing.assert_allclose(belief.cells, exact[:-1, :-1], rtol=1e-6, atol=1e-8)


def test_no_reweighted_posterior_leaves_more_than_the_belief_says():
    """Draws of two populations, which no Gaussian describes, weighted by every outcome that they could give."""
    rng = np.random.default_rng(0)
    group = rng.random(2000) < 0.3
    curve = np.where(group, 0.3, 0.5) + rng.normal(0, 0.02, 2000)
    wanted = np.where(group, 0.1, 0.4) + rng.normal(0, 0.01, 2000)
    outcomes = curve[:400] + rng.normal(0, 0.05, 400)
    weights = np.exp(-(((outcomes[:, None] - curve) / 0.05) ** 2) / 2)
    weights /= weights.sum(axis=1, keepdims=True)
    left = float(np.mean(weights @ wanted**2 - (weights @ wanted) ** 2))
    belief = believe(curve[:, None], wanted, np.array([0.05**2]))
    expected = belief.after(0).variance
    assert left < expected < 0.4 * belief.variance


@pytest.mark.parametrize("mean", [0.0, 0.02, 0.05])
def test_the_chance_to_be_right_is_that_of_simulated_choices(mean):
    rng = np.random.default_rng(0)
    before, after, margin = 0.04**2, 0.02**2, 0.01
    truth = rng.normal(mean, 0.04, 400_000)
    share = 1 - after / before
    seen = mean + share * (truth - mean) + rng.normal(0, np.sqrt(share * (1 - share) * before), truth.size)
    right = np.where(seen > 0, truth > -margin, truth < margin).mean()
    draws = np.sort(rng.normal(mean, 0.04, 20_000))
    assert chance_right(draws, after, margin) == pytest.approx(right, abs=0.01)


def test_the_chance_begins_at_what_the_draws_say_and_ends_at_certainty():
    draws = np.sort(np.random.default_rng(0).exponential(1.0, 1000) - 0.5)  # far from Gaussian
    chances = [chance_right(draws, share * draws.var(ddof=1), 0.1) for share in (1, 0.5, 0.1, 0)]
    assert chances == sorted(chances) and chances[0] == pytest.approx(np.mean(draws > -0.1)) and chances[-1] == 1
