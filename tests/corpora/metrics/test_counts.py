"""What is counted: the values worked by hand, and what must hold for any draws."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.corpora.metrics import counts
from toolkit.corpora.metrics.counts import DrawTally, LabelVotes

VERDICTS = ["accepted", "rejected", "unparsable", "truncated", "failed", "leaked"]


def draw(question, response, verdict="accepted"):
    return {"question_id": question, "response": response, "verdict": verdict}


def test_acceptance_divides_by_all_draws_and_paths_ignore_white_space():
    draws = [
        draw("a", "2 + 2"),
        draw("a", "2  + 2\n"),
        draw("a", "4"),
        *(draw("b", "?", verdict) for verdict in VERDICTS),
    ]
    tallies = counts.tally_draws(draws)
    assert counts.acceptance(list(tallies.values())) == 4 / 9
    assert sorted(tallies["a"].paths.values()) == [1, 2]


def test_coverage_at_k_by_hand():
    assert [round(counts.chance_seen(4, right, 2), 4) for right in range(5)] == [0, 0.5, 0.8333, 1, 1]


def test_distinct_paths_by_hand():
    texts = ["x", "x", "y"]
    tally = counts.tally_draws([*(draw("a", text) for text in texts), draw("a", "", "failed")])["a"]
    assert counts.distinct_paths(tally, 2) == pytest.approx(1.3333, abs=5e-5)
    assert counts.distinct_paths(tally, 4) == 2
    with pytest.raises(ValueError, match="k = 5 of 4 draws"):
        counts.distinct_paths(tally, 5)


@given(st.lists(st.sampled_from(["x", "y", "z", None]), min_size=1, max_size=7), st.data())
def test_rarefied_paths_are_the_mean_over_all_subsets_and_grow_with_k(paths, data):
    tally = counts.tally_draws(draw("a", path or "", "accepted" if path else "rejected") for path in paths)["a"]
    k = data.draw(st.integers(1, len(paths)))
    subsets = [len(set(subset) - {None}) for subset in combinations(paths, k)]
    assert counts.distinct_paths(tally, k) == pytest.approx(sum(subsets) / len(subsets))
    assert counts.distinct_paths(tally, k) <= counts.distinct_paths(tally, len(paths)) + 1e-9


def test_false_positives_by_hand():
    rate = counts.false_positives([True] * 7 + [False] * 193 + [None] * 50)
    assert (rate.estimate, round(rate.low, 3), round(rate.high, 3)) == (0.035, 0.017, 0.070)


def test_majority_share_counts_votes_without_an_answer():
    assert counts.majority_share(["5", "5", "6", None]) == 0.5
    assert counts.majority_share([None, None]) == 0


def test_label_precision_is_of_labels_whose_truth_is_known():
    assert counts.label_precision([LabelVotes(1.0, True), LabelVotes(0.6, False), LabelVotes(0.9)]).estimate == 0.5


@pytest.mark.parametrize(
    ("accepted", "name"),
    [(0, "0"), (0.01, "(0, .25]"), (0.25, "(0, .25]"), (0.5, "(.25, .5]"), (0.75, "(.5, .75]"), (0.99, "(.75, 1)"),
     (1, "1"), (None, "new")],
)  # fmt: skip
def test_bins_of_difficulty(accepted, name):
    assert counts.difficulty_bin(accepted) == name


def test_the_difficulty_profile_weighs_questions_by_their_rows():
    profile = counts.difficulty_profile({"a": 6, "b": 1, "c": 3}, {"a": 1.0, "b": 0.5, "unused": 0.0})
    assert {name: share for name, share in profile.items() if share} == {"1": 0.6, "(.25, .5]": 0.1, "new": 0.3}


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(1, 9), st.floats(0, 1)), min_size=1))
def test_a_profile_sums_to_one(questions):
    rows = {name: count for name, (count, _) in questions.items()}
    assert sum(
        counts.difficulty_profile(rows, {name: a for name, (_, a) in questions.items()}).values()
    ) == pytest.approx(1)


def test_coverage_counts_seed_questions_only():
    assert counts.coverage(["a", "b", "c", "d"], ["a", "a", "new", "b"]) == 0.5


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (lambda: counts.tally_draws([]), "no draws to count"),
        (lambda: counts.acceptance([DrawTally()]), "acceptance of no draws"),
        (lambda: counts.false_positives([None]), "judge with `check_steps: true`"),
        (lambda: counts.majority_share([]), "no votes"),
        (lambda: counts.label_precision([LabelVotes(1.0)]), "no label whose truth is known"),
        (lambda: counts.difficulty_bin(1.5), "acceptance 1.5"),
        (lambda: counts.difficulty_profile({}, {}), "corpus is empty"),
        (lambda: counts.coverage([], ["a"]), "name the seed questions"),
    ],
)
def test_what_cannot_be_counted_is_refused(metric, message):
    with pytest.raises(ValueError, match=message):
        metric()
