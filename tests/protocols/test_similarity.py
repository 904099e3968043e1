"""ROUGE-L where numbers and signs are words: known values, an independent implementation, and what maths needs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from toolkit.protocols.similarity import (
    is_similar,
    jaccard,
    rouge_l,
    says_something,
    stock_filter,
    stock_words,
    values,
    words,
)

TOM = "Tom has {} apples and buys {} more. How many apples has Tom?"
KNOWN = [
    ("the cat sat on the mat", "the cat lay on the mat", 0.8333),
    ("a b c d", "b c d e", 0.75),
    ("police killed the gunman", "police kill the gunman", 0.75),
    (TOM.format(3, 5), TOM.format(8, 2), 0.8462),
]


@pytest.mark.parametrize(("one", "other", "f1"), KNOWN)
def test_known_values(one, other, f1):
    assert rouge_l(words(one), words(other)) == pytest.approx(f1, abs=5e-5)
    assert rouge_l(stock_words(one), stock_words(other)) == pytest.approx(f1, abs=5e-5)


@given(*[st.lists(st.sampled_from(["a", "bb", "7", "+", "-", "x2"]), min_size=1, max_size=12).map(" ".join)] * 2)
def test_the_stock_filter_s_measure_is_that_of_rouge_score(one, other):
    mine = stock_words(one), stock_words(other)
    expected = RougeScorer(["rougeL"]).score(one, other)["rougeL"].fmeasure
    assert all(mine) is False or rouge_l(*mine) == pytest.approx(expected)


DIFFERENT = [
    ("Compute 12 + 7.", "Compute 12 - 7."),
    ("Compute 12 − 7.", "Compute 12 × 7."),
    ("Solve 2x+3=7 for x.", "Solve 2x-3=7 for x."),
    ("What is the derivative of x²?", "What is the derivative of x³?"),
    (r"What is $12 \times 7$ in total?", r"What is $12 \div 7$ in total?"),
    ("What is the value of √5 to 3 digits?", "What is the value of 5 to 3 digits?"),
    ("How many digits has 25! in base ten?", "How many digits has 25 in base ten?"),
    (TOM.format(3, 5), TOM.format(8, 2)),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_number_or_sign_makes_another_question(one, other):
    assert words(one) != words(other)
    assert not is_similar(0.7)(one, [other])
    assert stock_filter(0.7)(one, [other])  # what it would have done to the pool


def test_the_same_question_in_almost_the_same_words_is_similar():
    drops = is_similar(0.7)
    assert drops("Tom has 3 apples and gets 5 more. How many apples has Tom?", ["1 + 1", TOM.format(3, 5)])
    assert not drops("Tom has 3 apples and gets 5 more. How many apples has Tom?", [])
    assert is_similar(0.7, same_values=False)(TOM.format(8, 2), [TOM.format(3, 5)])


def test_equality_with_the_threshold_is_kept():
    assert not is_similar(0.75)("a b c d", ["b c d e"]) and is_similar(0.74)("a b c d", ["b c d e"])


def test_a_hyphen_in_a_compound_and_the_marks_of_a_sentence_are_no_words():
    assert words("A well-known fact: x-y is 3.5, (or) 1,000!") == words("A well known fact x-y is 3.5 (or) 1,000!")
    assert words("Wow! Is it 3?") == ("wow", "is", "it", "3")
    assert [word for word in words("( 3 ∞ x") if says_something(word)] == ["3", "∞", "x"]


def test_jaccard():
    assert jaccard("a b c", "b c d") == 0.5
    ten = "one two three four five six seven eight nine ten"
    assert jaccard(ten, ten.removesuffix(" ten")) == 0.9
    assert jaccard("", "") == 0


TEXTS = st.lists(st.sampled_from(["a", "b", "c", "7", "8", "+"]), max_size=7).map(" ".join)


@given(st.lists(st.tuples(TEXTS, st.booleans())), st.sampled_from([0.0, 0.5, 0.7, 1.0]), st.booleans())
def test_a_filter_that_follows_a_growing_list_says_the_same_as_all_pairs(texts, most, same_values):
    drops, known = is_similar(most, same_values=same_values), []
    for text, kept in texts:
        pairs = [other for other in known if not same_values or values(other) == values(text)]
        assert drops(text, known) == any(rouge_l(words(text), words(other)) > most for other in pairs)
        known += [text] * kept
    assert drops("a b", ["a b"]) == (most < 1) and not drops("a b", [])
