"""What critics did, counted by hand; the intervals are Wilson's."""

import pytest

from toolkit.corpora.metrics.critics import (
    Criticised,
    Refined,
    Share,
    critique_shares,
    pooled,
    refinement_shares,
)

REVIEWED = [
    Refined((True, True), True, 0),  # left alone
    Refined((True, False, False), False, 1),  # spoiled, then not read
    Refined((False, False, True), True, 0),  # put right in the second round
    Refined((False, False), False, 1),
    Refined((False, True), True, 0),
]


def counts(shares):
    return {name: share[:2] for name, share in shares.items()}


def test_reviews_are_counted_by_what_they_changed():
    assert counts(refinement_shares(REVIEWED, 2)) == {
        "right to right": (1, 2),
        "right to wrong": (1, 2),
        "wrong to right": (2, 3),
        "wrong to wrong": (1, 3),
        "right after round 0": (2, 5),
        "right after round 1": (2, 5),
        "right after round 2": (3, 5),
        "stopped by the critic": (3, 5),
        "unparsable reviews": (2, 7),
    }


def test_a_critic_that_always_objects_stops_nothing():
    shares = refinement_shares([Refined((True, False, False), False, 0)] * 4, 2)
    assert shares["stopped by the critic"].hits == 0 and shares["right to wrong"][:2] == (4, 4)
    assert "wrong to right" not in shares  # no draft was wrong, and a share of nothing is none


CRITICISED = [
    Criticised(True, True, "right", True),
    Criticised(True, False, "wrong", False),
    Criticised(False, True, "wrong", True),
    Criticised(False, False, "wrong", False),
]


def test_critiques_are_counted_by_their_conclusion_and_by_what_they_give_away():
    assert counts(critique_shares(CRITICISED)) == {
        "right after conclusion right": (1, 1),
        "right after conclusion wrong": (1, 3),
        "answer in a critique": (2, 4),
        "answer in a critique of a wrong answer": (1, 2),
    }
    none = critique_shares([Criticised(True, True, None, False)])
    assert none["right after conclusion none"][:2] == (1, 1)


def test_shares_have_wilson_s_interval_and_add_up():
    metric = Share(7, 200, "share of responses").metric()
    assert (metric.value, metric.count, metric.method) == (0.035, 200, "wilson")
    assert (metric.low, metric.high) == pytest.approx((0.01705, 0.07050), abs=5e-5)
    both = pooled([{"a": Share(1, 2, "u")}, {"a": Share(2, 3, "u"), "b": Share(0, 1, "v")}])
    assert both == {"a": Share(3, 5, "u"), "b": Share(0, 1, "v")}


def test_nothing_has_no_shares():
    assert refinement_shares([], 4) == {} and critique_shares([]) == {}
