"""Rank correlation over protocols: the limits of few of them, its bootstrap, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from toolkit.statistics.correlation import smallest_significant_correlation, smallest_visible_correlation, spearman


@pytest.mark.parametrize(
    ("n", "visible", "significant"),
    [(6, 0.92, 0.81), (8, 0.85, 0.71), (10, 0.79, 0.63), (12, 0.73, 0.58), (14, 0.69, 0.53)],
)
def test_the_limits_of_a_few_protocols(n, visible, significant):
    assert round(smallest_visible_correlation(n), 2) == visible
    assert round(smallest_significant_correlation(n), 2) == significant


@given(n=st.integers(4, 10_000))
def test_the_limits_fall_with_the_protocols_and_visible_lies_above_significant(n):
    assert 0 < smallest_significant_correlation(n + 1) < smallest_significant_correlation(n) < 1
    assert smallest_significant_correlation(n) < smallest_visible_correlation(n) < 1


def test_the_significance_limit_is_pearsons():
    x = np.arange(8.0)
    y = np.array([0, 3, 1, 2, 6, 4, 7, 5.0])
    assert (stats.pearsonr(x, y).pvalue < 0.05) == (
        stats.pearsonr(x, y).statistic > smallest_significant_correlation(8)
    )


@given(seed=st.integers(0, 10**6), n=st.integers(4, 12), replicates=st.integers(1, 5))
def test_the_estimate_is_scipys_and_ignores_monotone_changes_and_the_order_of_protocols(seed, n, replicates):
    rng = np.random.default_rng(seed)
    metric, result = rng.normal(size=(2, n, replicates))
    found = spearman(metric, result, resamples=20)
    assert found.estimate == pytest.approx(stats.spearmanr(metric.mean(1), result.mean(1)).statistic)
    assert -1 <= found.low <= found.high <= 1 and found.n == n
    order = rng.permutation(n)
    assert spearman(metric[order], result[order], resamples=20).estimate == pytest.approx(found.estimate)
    assert spearman(3 * metric + 1, -result, resamples=20).estimate == pytest.approx(-found.estimate)


def test_replicates_that_agree_give_no_width_and_those_that_differ_do():
    metric, result = np.repeat(np.arange(6.0)[:, None], 4, 1), np.repeat(np.arange(6.0)[:, None], 4, 1)
    exact = spearman(metric, result)
    assert (exact.low, exact.estimate, exact.high) == (1, 1, 1)
    noisy = spearman(metric, result + np.random.default_rng(0).normal(0, 2, (6, 4)))
    assert noisy.low < noisy.estimate <= noisy.high
    assert spearman(metric, noisy_again()) == spearman(metric, noisy_again())


def noisy_again():
    return np.arange(6.0)[:, None] + np.random.default_rng(1).normal(0, 2, (6, 4))


@pytest.mark.parametrize(
    ("metric", "result", "message"),
    [
        (np.ones((3, 2)), np.ones((3, 2)), "over 3 protocols"),
        (np.ones((5, 2)), np.ones((5, 3)), r"shape \(5, 2\) and result \(5, 3\)|\(5, 2\)"),
        (np.ones(5), np.ones(5), "protocols, replicates"),
        (np.ones((5, 2)), np.arange(10.0).reshape(5, 2), "no order"),
        (np.full((5, 2), np.nan), np.ones((5, 2)), "missing or infinite"),
    ],
)
def test_what_has_no_correlation_is_refused(metric, result, message):
    with pytest.raises(ValueError, match=message):
        spearman(metric, result)
    with pytest.raises(ValueError, match="over 3 protocols"):
        smallest_visible_correlation(3)
