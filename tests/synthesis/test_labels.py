"""Majority labels: votes joined by what they mean, ties, thresholds, and labels against a known truth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.recipe.sections import Verification
from toolkit.synthesis.journal import Response
from toolkit.synthesis.labels import Label, gold_label, label_precision, label_responses, majority_label
from toolkit.verification.judge import Judge


@pytest.fixture(scope="module")
def judge():
    with Judge(Verification()) as judge:
        yield judge


def same_text(one, other):
    return one == other


@pytest.mark.parametrize(
    ("answers", "label"),
    [
        (["1/2", "0.5", "3"], Label("1/2", "majority", 3, 2 / 3)),
        (["3", "3", "4", "5", "5"], Label(None, "none", 5, 0.4)),
        ([r"\frac{1}{2}", "3", "0.50", ".5"], Label(r"\frac{1}{2}", "majority", 4, 0.75)),
        (["12", "3+9", "7"], Label("12", "majority", 3, 2 / 3)),
        (["3+9", "12", "7"], Label("3+9", "majority", 3, 2 / 3)),
        (["(x+1)^2", "x^2+2x+1", "x"], Label("(x+1)^2", "majority", 3, 2 / 3)),
        ([None, "4", None, "4"], Label("4", "majority", 2, 1.0)),
        ([None, "4"], Label(None, "none", 1, 1.0)),
        (["4", "5"], Label(None, "none", 2, 0.5)),
        (["4", "4", "5", "6"], Label(None, "none", 4, 0.5)),
        ([None, None], Label(None, "none", 0, 0.0)),
        ([], Label(None, "none", 0, 0.0)),
    ],
)
def test_votes(judge, answers, label):
    assert majority_label(answers, judge.same) == label


def test_the_thresholds_are_settings():
    answers = ["4", "4", "5", "6"]
    assert majority_label(answers, same_text, least_share=0.4).label == "4"
    assert majority_label(answers, same_text, least_share=0.4, least_votes=3).label is None
    assert majority_label(["4"], same_text, least_votes=1).label == "4"
    assert majority_label(["3", "3", "4", "5", "5"], same_text, least_share=0.0).label is None  # a tie at any share


@given(st.lists(st.sampled_from([None, "1", "2", "3"])))
def test_a_label_is_the_answer_of_more_than_half(answers):
    label, votes = majority_label(answers, same_text), [answer for answer in answers if answer]
    assert label.votes == len(votes) and (label.label is None) == (label.label_kind == "none")
    counts = {answer: votes.count(answer) for answer in votes}
    assert label.share == (max(counts.values()) / len(votes) if votes else 0)
    expected = [answer for answer, count in counts.items() if count >= 2 and 2 * count > len(votes)]
    assert [label.label] == (expected or [None])


def row(index, text, reason="stop"):
    return Response("q", index, text, reason, 1, 1, 5)


def test_responses_vote_with_the_answer_that_is_in_them(judge):
    responses = [
        row(3, r"so \boxed{6}"),
        row(0, r"so \boxed{1/3}"),
        row(1, r"it is \boxed{\frac13}"),
        row(2, r"cut \boxed{6}", "length"),
        row(4, "nothing in a box"),
        row(5, "", "error"),
    ]
    assert label_responses(judge, responses) == Label("1/3", "majority", 3, 2 / 3)
    assert label_responses(judge, responses, least_share=0.7) == Label(None, "none", 3, 2 / 3)


def test_an_answer_that_could_be_no_gold_one_does_not_vote():
    with Judge(Verification(answer_kind="choice")) as judge:
        responses = [
            row(index, text) for index, text in enumerate([r"\boxed{B}", r"\boxed{b}", r"\boxed{none of them}"])
        ]
        assert label_responses(judge, responses) == Label("B", "majority", 2, 1.0)


def test_precision_is_of_labels_whose_truth_is_known(judge):
    labels = [Label(text, "majority", 3, 1.0) for text in ("0.5", "7", "8")] + [Label(None, "none", 3, 0.3)]
    counted = label_precision(zip(labels, ["1/2", "6", None, "3"], strict=True), judge.same)
    assert counted == (2, 1) and counted.precision == 0.5
    assert label_precision([], judge.same).precision is None
    assert gold_label("4") == Label("4", "gold", 0, 1.0)
