"""Corpora against students: points with intervals, and what a rank correlation over so few arms shows."""

import numpy as np
import pytest
from scipy import stats

from tests.reports.simulated_arms import BASE, arms, corpora
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.rules.gains import compare_arms
from toolkit.reports.transfer import correlation_lines, transfer, transfer_text

RULES = DecisionRules()
GAINS = {"a": 0.0, "b": 0.05, "c": 0.1, "d": 0.15}
SHIFTS = {name: {"distinct_2": 100 * gain, "flat": 0.0} for name, gain in GAINS.items()}


@pytest.fixture(scope="module")
def found():
    return compare_arms(arms(GAINS, items=200, replicates=3), corpora(SHIFTS, draws=3), RULES)


def test_a_point_per_arm_has_the_mean_of_its_corpora_and_its_students(found):
    points = {point.label: point for point in transfer(found, "distinct_2", RULES)}
    assert list(points) == [BASE, *GAINS] and points[BASE].gain is None
    for name, point in points.items():
        draws = [*found.ledger.of(name, "responses", 8)["distinct_2"].values()]
        half = stats.t.ppf(0.95, 2) * stats.sem(draws)  # the wider of the two methods with three draws
        assert point.corpus.estimate == pytest.approx(np.mean(draws))
        assert (point.corpus.low, point.corpus.high) == pytest.approx((np.mean(draws) - half, np.mean(draws) + half))
        assert point.error.estimate == pytest.approx(found.contests[0].errors[name].mean())
        assert point.error.low < point.error.estimate < point.error.high
    gains = {gain.arm: gain.estimate for gain in found.gains}
    assert {name: points[name].gain.estimate for name in GAINS} == pytest.approx(gains)
    assert points["a"].error.estimate == pytest.approx(points[BASE].error.estimate - points["a"].gain.estimate)


def test_the_correlation_is_told_with_what_four_arms_can_show(found):
    (line,) = correlation_lines(found, "distinct_2")
    assert "correlation of distinct_2 with the gain is 1.00 over 4 arms (95 % interval over replicates" in line
    assert f"±{np.tanh(2.80):.2f} or beyond would show (80 % power)" in line


def test_too_few_arms_and_no_order_are_told():
    few = compare_arms(arms({"a": 0.0}, items=50, replicates=2), corpora({"a": {"m": 1.0}}, draws=2), RULES)
    (line,) = correlation_lines(few, "m")
    assert line.endswith(": 1 arm with this metric in every draw; a rank correlation needs 4.")


def test_the_text_has_the_points_and_an_unknown_metric_is_refused(found):
    text = transfer_text(found, "flat", RULES)
    assert "flat (share), 90 % interval" in text and "| rs " in text
    with pytest.raises(ValueError, match="no corpus has the metric 'nope'; they have distinct_2, flat"):
        transfer(found, "nope", RULES)
