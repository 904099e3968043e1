"""Dispersion and Vendi score: the values worked by hand, and what must hold for any vectors."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.corpora.metrics.vectors import dispersion, unit_rows, vendi_score

FOUR = [(1, 0), (1, 0), (0, 1), (-1, 0)]
HALF = [(1, 0), (0.5, math.sqrt(0.75))]  # their inner product is one half


def random_rows(seed, size, width):
    return unit_rows(np.random.default_rng(seed).normal(size=(size, width)))


def test_dispersion_by_hand():
    assert dispersion(FOUR) == pytest.approx(1.16667, abs=5e-6)
    assert dispersion([(1, 0)] * 3) == 0
    assert dispersion([(1, 0), (-1, 0)]) == 2


@pytest.mark.parametrize(
    ("vectors", "order", "score"),
    [
        (FOUR, 1, 1.75477),
        (np.eye(4), 1, 4),
        ([(1, 0), (1, 0), (0, 1)], 1, 1.88988),
        (HALF, 1, 1.75477),
        (HALF, 2, 1.6),
        (HALF, math.inf, 1 / 0.75),
    ],
)
def test_vendi_score_by_hand(vectors, order, score):
    assert vendi_score(vectors, order) == pytest.approx(score, abs=5e-6)


@given(seed=st.integers(0, 10**6), size=st.integers(2, 12), width=st.integers(2, 12))
def test_both_are_those_of_all_pairs_in_range_and_without_order(seed, size, width):
    rows = random_rows(seed, size, width)
    gram = rows @ rows.T
    assert dispersion(rows) == pytest.approx((1 - gram)[~np.eye(size, dtype=bool)].mean())
    assert 0 <= dispersion(rows) <= size / (size - 1) + 1e-9
    shares = np.clip(np.linalg.eigvalsh(gram / size), 1e-300, None)
    assert vendi_score(rows) == pytest.approx(math.exp(-np.sum(shares * np.log(shares))))
    assert 1 - 1e-9 <= vendi_score(rows) <= min(size, width) + 1e-9
    other = np.random.default_rng(seed).permutation(rows)
    assert dispersion(other) == pytest.approx(dispersion(rows)) and vendi_score(other) == pytest.approx(
        vendi_score(rows)
    )


@given(seed=st.integers(0, 10**6), size=st.integers(2, 8))
def test_vendi_falls_with_its_order_and_ignores_copies_of_all(seed, size):
    rows = random_rows(seed, size, 5)
    scores = [vendi_score(rows, order) for order in (0.5, 1, 2, math.inf)]
    assert all(high >= low - 1e-9 for high, low in itertools.pairwise(scores))
    assert vendi_score(np.tile(rows, (3, 1))) == pytest.approx(vendi_score(rows))


def test_what_has_no_direction_or_length_is_refused():
    with pytest.raises(ValueError, match="not of length 1"):
        dispersion([(2, 0), (0, 1)])
    with pytest.raises(ValueError, match="embed at least one text"):
        vendi_score(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="order: 0"):
        vendi_score(FOUR, 0)
    with pytest.raises(ValueError, match="no direction"):
        unit_rows([(0, 0), (1, 0)])
