"""What a corpus tells of its source: pass@k exactly, and forecasts against the hidden upper half of a ladder."""

import warnings
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.laws.coverage.forecast import (
    FarForecast,
    count_paths,
    expected_new,
    forecast_paths,
    model_paths,
    pass_at_k,
)
from toolkit.laws.coverage.solutions import PathModel

TRUTHS = {
    "broad paths": {"theta": 5.0, "sigma": 0.5, "accept": (1, 2)},
    "one way": {"theta": 0.3, "sigma": 0.1, "accept": (3, 1)},
    "middling": {"theta": 1.0, "sigma": 0.3, "accept": (2, 2)},
}


def corpus(questions: int, draws: int, rng: np.random.Generator, *, theta: float, sigma: float, accept: tuple):
    """labels[question][draw]: a Pitman-Yor path for an accepted response, None for a rejected one."""
    labels = []
    for _ in range(questions):
        accepted, sample, sizes = rng.random(draws) < rng.beta(*accept), [], []
        for index in range(int(accepted.sum())):
            if rng.random() * (theta + index) < theta + sigma * len(sizes):
                sizes.append(0)
                path = len(sizes) - 1
            else:
                share = np.array(sizes) - sigma
                path = int(rng.choice(len(sizes), p=share / share.sum()))
            sizes[path] += 1
            sample.append(path)
        paths = iter(sample)
        labels.append([next(paths) if yes else None for yes in accepted])
    return labels


def hidden_half(name: str, visible: int, times: int, seed: int):
    labels = corpus(256, visible * times, np.random.default_rng(seed), **TRUTHS[name])
    return count_paths([sample[:visible] for sample in labels]), count_paths(labels)


@given(st.integers(1, 12), st.data())
def test_pass_at_k_is_the_mean_over_all_subsets(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    subsets = list(combinations(range(n), k))
    brute = np.mean([any(index < c for index in subset) for subset in subsets])
    assert pass_at_k(n, c, k) == pytest.approx(brute, abs=1e-12)


def test_pass_at_k_keeps_precision_and_broadcasts():
    exact = 1 - comb(9970, 5000) / comb(10000, 5000)
    assert pass_at_k(10000, 30, 5000) == pytest.approx(exact, rel=1e-12)
    table = pass_at_k([16, 16, 8], [0, 16, 4], np.array([[1], [8]]))
    assert table == pytest.approx(np.array([[0, 1, 0.5], [0, 1, 1]]))


def test_pass_at_k_is_unbiased():
    rng, p, n = np.random.default_rng(0), 0.2, 10
    estimates = pass_at_k(n, rng.binomial(n, p, 40_000), 4)
    assert estimates.mean() == pytest.approx(1 - (1 - p) ** 4, abs=5 * estimates.std() / 200)


@pytest.mark.parametrize(("n", "c", "k"), [(8, 9, 1), (8, -1, 1), (8, 2, 0), (8, 2, 9)])
def test_pass_at_k_refuses_impossible_counts(n, c, k):
    with pytest.raises(ValueError, match="0 <= right <= responses"):
        pass_at_k(n, c, k)


def test_counting_paths():
    counts = count_paths([["x", "x", None, "y"], [None] * 4, [1, 2, 3, 4]])
    assert counts.frequencies.tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [4, 0, 0, 0]]
    assert counts.accepted.tolist() == [3, 0, 4]
    assert counts.distinct.tolist() == [2, 0, 4]
    with pytest.raises(ValueError, match="same number of responses, got 4 and 3"):
        count_paths([["x"] * 4, ["x"] * 3])
    with pytest.raises(ValueError, match="at least one question"):
        count_paths([])


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("visible", [4, 8, 16])
def test_doubling_is_foreseen_within_six_percent(name, visible):
    """Good-Toulmin on the lower half of a ladder, against the whole of it: mean of four sources."""
    paths, covered = [], []
    for seed in range(4):
        counts, whole = hidden_half(name, visible, 2, seed)
        forecast = forecast_paths(counts, 2 * visible, resamples=20)
        assert forecast.method == "good-toulmin" and forecast.warning is None
        paths.append(forecast.paths.point / whole.distinct.sum())
        covered.append(forecast.covered.point / (whole.accepted > 0).sum())
    assert np.mean(paths) == pytest.approx(1, abs=0.06)
    assert np.mean(covered) == pytest.approx(1, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize(("visible", "times"), [(4, 2), (8, 2), (4, 4), (8, 4)])
def test_intervals_hold_what_is_counted_later(name, visible, times):
    """90 % intervals over 40 sources: at least 70 % of them (a nominal one has fewer once in 30,000), paths and
    questions alike; the truths of paths and acceptance are those of the far model."""
    content = np.zeros(2)
    for seed in range(40):
        counts, whole = hidden_half(name, visible, times, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FarForecast)
            forecast = forecast_paths(counts, visible * times, resamples=100)
        content += [
            forecast.paths.low <= whole.distinct.sum() <= forecast.paths.high,
            forecast.covered.low <= (whole.accepted > 0).sum() <= forecast.covered.high,
        ]
    assert np.all(content / 40 >= 0.7)


def test_beyond_a_doubling_it_warns_and_still_comes_close():
    counts, whole = hidden_half("middling", 8, 4, 0)
    with pytest.warns(FarForecast, match="32 responses from 8"):
        forecast = forecast_paths(counts, 32)
    assert forecast.method == "pitman-yor" and "model" in str(forecast.warning)
    assert forecast.paths.point == pytest.approx(whole.distinct.sum(), rel=0.15)
    assert forecast.paths.low < forecast.paths.point < forecast.paths.high
    assert forecast.covered.point == pytest.approx((whole.accepted > 0).sum(), abs=10)


def test_a_question_with_few_paths_runs_out_of_them():
    """Six equal paths per question: sigma < 0 knows that they end, where an endless law would go a third too far."""
    ratios = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        labels = np.where(
            rng.random((256, 32)) < rng.beta(2, 1, (256, 1)), rng.integers(0, 6, (256, 32)), None
        ).tolist()
        counts, whole = count_paths([sample[:8] for sample in labels]), count_paths(labels)
        model = model_paths(counts)
        assert model.theta / -model.sigma == pytest.approx(6, abs=1)
        far = counts.distinct + model.new_paths(counts.distinct, counts.accepted, 8, 24)
        ratios.append(far.sum() / whole.distinct.sum())
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)


def test_a_tiny_corpus_never_loses_paths():
    labels = [[0, 1], [0, None], [None, 0], [1, 0], [None, None], [0, 0]]
    counts = count_paths(labels)
    with pytest.warns(FarForecast):
        output = forecast_paths(counts, 4, resamples=200)
    assert counts.distinct.sum() <= output.paths.low <= output.paths.point
    few = PathModel(theta=2.0, sigma=-1.0, a=1.0, c=1.0)  # two paths a question, and one with three was seen
    assert few.new_paths(np.array([3]), np.array([5]), draws=8, more=8) == [0.0]


def test_too_few_draws_are_left_to_the_model():
    counts, _ = hidden_half("middling", 2, 2, 0)
    with pytest.warns(FarForecast, match="fewer than 4"):
        assert forecast_paths(counts, 4, resamples=10).method == "pitman-yor"


def test_forecasts_never_pass_what_can_be_drawn():
    everything = count_paths([list(range(8)) for _ in range(50)])
    forecast = forecast_paths(everything, 16, resamples=20)
    assert 400 < forecast.paths.point <= 800
    assert forecast.covered == (50, 50, 50)
    nothing = count_paths([[None] * 8] * 50)
    forecast = forecast_paths(nothing, 16, resamples=20)
    assert (forecast.paths.point, forecast.covered.point) == (0, 0)


def test_stop_rule_counts_what_the_next_responses_bring():
    """Averaged over sources, what is expected of the next four responses is what they bring, pool and question."""
    expected, brought, by_model = [], [], []
    for seed in range(12):
        labels = corpus(128, 12, np.random.default_rng(seed), **TRUTHS["broad paths"])
        counts, later = count_paths([sample[:8] for sample in labels]), count_paths(labels)
        expected.append(float(expected_new(counts.frequencies.sum(axis=0), 8, 4)))
        by_model.append(model_paths(counts).new_paths(counts.distinct, counts.accepted, 8, 4))
        brought.append(later.distinct - counts.distinct)
    assert np.mean(expected) == pytest.approx(np.sum(brought) / 12, rel=0.06)
    assert np.mean(by_model) == pytest.approx(np.mean(brought), rel=0.06)
    # Per question the model knows which are worth asking again: its upper half brings at least twice the lower half.
    order = np.argsort(np.ravel(by_model))
    low, high = np.array_split(np.ravel(brought)[order], 2)
    assert high.mean() > 2 * low.mean()


def test_stop_rule_is_zero_where_nothing_is_new_and_refuses_to_look_far():
    stale = np.zeros(8)
    stale[7] = 1  # one path, seen in all eight responses
    assert expected_new(stale, 8, 8) == pytest.approx(0, abs=0.02)
    fresh = np.zeros((3, 8))
    fresh[:, 0] = [1, 4, 8]
    assert expected_new(fresh, 8, 1) == pytest.approx(np.array([1, 4, 8]) / 8, rel=0.05)
    with pytest.raises(ValueError, match="no further than a doubling"):
        expected_new(stale, 8, 9)
    with pytest.raises(ValueError, match="one column for each of 4 responses"):
        expected_new(stale, 4, 1)


def test_forecast_refuses_budgets_already_drawn_and_bad_levels():
    counts = count_paths([["x", None, "y", "z"]])
    with pytest.raises(ValueError, match="already has 4 responses"):
        forecast_paths(counts, 4)
    with pytest.raises(ValueError, match="level must lie"):
        forecast_paths(counts, 8, level=1.5)
