"""Intervals from halves of the questions: they cover what they should, also where the bootstrap would not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.corpora.metrics import wording
from toolkit.statistics.intervals import accuracy_interval
from toolkit.statistics.metric import HALVES, Metric, by_question, from_interval, with_interval

ITEMS = st.dictionaries(
    st.text(max_size=3), st.lists(st.integers(-9, 9), min_size=1, max_size=4), min_size=2, max_size=9
)


@given(items=ITEMS, seed=st.integers(0, 99))
def test_an_interval_holds_its_value_keeps_its_bounds_and_ignores_the_order_of_questions(items, seed):
    metric = with_interval(wording.mean, items, "points", (-9, 9), seed=seed, resamples=20)
    assert metric.value == pytest.approx(np.mean([item for group in items.values() for item in group]))
    assert -9 <= metric.low <= metric.value <= metric.high <= 9
    assert (metric.unit, metric.method, metric.count) == ("points", HALVES, len(items))
    turned = dict(reversed(items.items()))
    assert with_interval(wording.mean, turned, "points", (-9, 9), seed=seed, resamples=20) == metric


def drawn_corpus(rng, questions):
    """A question's texts share a word of its own; the others are drawn from one skewed vocabulary."""
    vocabulary = rng.zipf(1.6, size=(questions, 3, 8))
    return {str(q): [np.append(text, -q - 1) for text in texts] for q, texts in enumerate(vocabulary)}


def mean_of_questions(items):
    return float(np.mean(items))


def covered(metric, corpora, truth):
    intervals = [with_interval(metric, corpus, "share", resamples=100) for corpus in corpora]
    return np.mean([each.low <= truth <= each.high for each in intervals])


def test_the_interval_of_a_mean_covers_the_truth_although_rows_of_a_question_agree():
    rng = np.random.default_rng(0)
    corpora = [{str(q): rng.normal(size=1).repeat(4).tolist() for q in range(40)} for _ in range(300)]
    assert 0.9 <= covered(mean_of_questions, corpora, 0.0) <= 0.98


def test_the_interval_of_distinct_n_covers_its_expectation_at_that_size():
    rng = np.random.default_rng(1)
    corpora = [drawn_corpus(rng, 40) for _ in range(300)]
    pooled = [[text for texts in corpus.values() for text in texts] for corpus in corpora]
    truth = np.mean([wording.distinct_n(texts) for texts in pooled])
    assert covered(wording.distinct_n, corpora, truth) >= 0.9
    # the bootstrap repeats questions, and so would miss the value that it stands for
    resampled = [pooled[0][3 * q + k] for q in rng.integers(40, size=40) for k in range(3)]
    assert wording.distinct_n(resampled) < with_interval(wording.distinct_n, corpora[0], "share").low


def test_one_question_has_no_spread():
    with pytest.raises(ValueError, match="at least 2, got 1: give rows of more questions"):
        with_interval(wording.mean, {"a": [1, 2]}, "points")


def test_items_are_grouped_in_order():
    assert by_question("abab", [1, 2, 3, 4]) == {"a": [1, 3], "b": [2, 4]}


def test_a_metric_reads_as_a_value_and_its_bounds():
    assert str(from_interval(accuracy_interval(7, 200), "share", 200)) == "0.035 (0.0171 to 0.0705)"
    assert str(Metric(12.0, 10.0, 15.5, "tokens", HALVES, 9)) == "12 (10 to 15.5)"
