"""Metrics of texts: the values worked by hand, the libraries that define them, and what must hold for any texts."""

import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from toolkit.corpora.metrics import overlap, wording
from toolkit.corpora.metrics.sample import draw_rows, shuffled

FOUR = ["the cat sat on the mat", "the cat sat on the mat", "the cat lay on the mat", "a dog ran in the park"]
WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "1", "2", "+"]), min_size=1, max_size=9).map(" ".join)
TEXTS = st.lists(WORDS, min_size=2, max_size=12)


def grams(texts, n=1):
    return wording.coded_grams([text.split() for text in texts], n)


def test_distinct_n_of_four_sentences():
    assert [wording.distinct_n(grams(FOUR, n)) for n in (1, 2, 3)] == [11 / 24, 12 / 20, 11 / 16]


def test_expectation_adjusted_distinct_by_hand():
    ten_of_24 = [np.array([*range(10), *range(10), 0, 1, 2, 3])]
    assert wording.expectation_adjusted_distinct(ten_of_24, 20) == pytest.approx(0.70620, abs=5e-6)
    with pytest.raises(ValueError, match="10 distinct tokens of a vocabulary of 9"):
        wording.expectation_adjusted_distinct(ten_of_24, 9)


def test_even_draws_from_a_vocabulary_are_as_distinct_as_expected_at_any_length():
    rng = np.random.default_rng(0)
    for count in (50, 500, 5000):
        assert wording.expectation_adjusted_distinct([rng.integers(200, size=count)], 200) == pytest.approx(1, abs=0.12)


def test_lengths_have_a_mean_a_median_and_a_tail():
    lengths = [1, 2, 3, 4, 10]
    assert wording.mean(lengths) == 4
    assert [wording.quantile(lengths, share) for share in (0.5, 0.9)] == pytest.approx([3, 7.6])


@given(texts=TEXTS, seed=st.integers(0, 99))
def test_what_is_pooled_does_not_depend_on_the_order_and_keeps_its_range(texts, seed):
    other = shuffled(texts, seed)
    assert sorted(other) == sorted(texts)
    for n in (1, 2, 3):
        assert 0 <= wording.distinct_n(grams(texts, n)) == wording.distinct_n(grams(other, n)) <= 1
    assert wording.compression_ratio(texts, seed) == wording.compression_ratio(other, seed) > 0


@given(texts=TEXTS)
def test_repeated_texts_are_less_distinct_and_compress_better(texts):
    assert wording.distinct_n(grams(texts * 2)) == wording.distinct_n(grams(texts)) / 2
    assert wording.compression_ratio(texts * 50) > wording.compression_ratio(texts)


def test_text_fifty_times_compresses_better_than_once_and_random_letters_hardly():
    once = ["Tom has 3 apples and buys 5 more. 3 + 5 = 8"]
    assert wording.compression_ratio(once * 50) > 5 * wording.compression_ratio(once)


@pytest.mark.parametrize(
    "metric",
    [
        lambda: wording.mean([]),
        lambda: wording.quantile([], 0.5),
        lambda: wording.distinct_n([]),
        lambda: wording.expectation_adjusted_distinct([], 5),
        lambda: wording.compression_ratio([]),
    ],
)
def test_an_empty_corpus_is_refused(metric):
    with pytest.raises(ValueError, match="the corpus is empty; keep at least one response"):
        metric()


def test_self_bleu_of_four_sentences():
    alone = [sacrebleu.sentence_bleu(text, FOUR[:at] + FOUR[at + 1 :]).score for at, text in enumerate(FOUR)]
    assert alone == pytest.approx([100, 100, 37.992, 8.117], abs=5e-4)
    assert overlap.self_bleu(FOUR) == pytest.approx(61.527, abs=5e-4)


@given(texts=st.lists(st.one_of(WORDS, st.text(max_size=12)), min_size=2, max_size=8), data=st.data())
def test_self_bleu_is_sacrebleus_for_any_subset(texts, data):
    chosen = data.draw(st.lists(st.sampled_from(range(len(texts))), min_size=2, unique=True))
    some = [texts[place] for place in chosen]
    expected = [sacrebleu.sentence_bleu(text, some[:at] + some[at + 1 :]).score for at, text in enumerate(some)]
    assert overlap.SelfBleu(texts).mean(chosen) == pytest.approx(np.mean(expected), abs=1e-9)


@pytest.mark.parametrize(
    ("left", "right", "f1"),
    [
        ("the cat sat on the mat", "the cat lay on the mat", 0.8333),
        ("a b c d", "b c d e", 0.75),
        ("police killed the gunman", "police kill the gunman", 0.75),
        (
            "Tom has 3 apples and buys 5 more. How many apples has Tom?",
            "Tom has 8 apples and buys 2 more. How many apples has Tom?",
            0.8462,
        ),
    ],
)
def test_rouge_l_by_hand_and_by_its_own_package(left, right, f1):
    assert overlap.homogenisation([left, right]) == pytest.approx(f1, abs=5e-5)
    theirs = RougeScorer(["rougeL"]).score(left, right)["rougeL"].fmeasure
    assert overlap.homogenisation([left, right]) == pytest.approx(theirs)


def test_rouge_l_sees_signs_where_the_usual_tokens_do_not():
    left, right = "Compute 12 + 7.", "Compute 12 - 7."
    assert RougeScorer(["rougeL"]).score(left, right)["rougeL"].fmeasure == 1
    assert overlap.homogenisation([left, right]) == 0.75


@given(texts=TEXTS, seed=st.integers(0, 99))
def test_pairs_do_not_depend_on_the_order_and_keep_their_range(texts, seed):
    matrix = overlap.rouge_l(texts)
    assert (matrix == matrix.T).all() and (np.diag(matrix) == 1).all()
    assert matrix.min() >= 0 and matrix.max() <= 1
    other = shuffled(texts, seed)
    assert overlap.homogenisation(other) == overlap.homogenisation(texts)
    assert overlap.self_bleu(other) == overlap.self_bleu(texts)
    assert 0 <= overlap.self_bleu(texts) <= 100 + 1e-9


@given(text=WORDS, copies=st.integers(2, 5))
def test_copies_are_as_homogeneous_as_can_be(text, copies):
    assert overlap.homogenisation([text] * copies) == pytest.approx(1)
    assert overlap.self_bleu([text] * copies) == pytest.approx(100)


def test_pairs_are_bounded_and_need_two_texts():
    many = [f"text number {place}" for place in range(overlap.MOST + 5)]
    assert 0 < overlap.homogenisation(many) < 1
    with pytest.raises(ValueError, match="1,005 texts to compare in pairs: give at least 2, and draw 1,000 at most"):
        overlap.rouge_l(many)
    for metric in (overlap.self_bleu, overlap.homogenisation):
        with pytest.raises(ValueError, match="1 texts to compare in pairs"):
            metric(["alone"])


def rows(texts):
    return [{"question_id": f"q{place % 3}", "response": text} for place, text in enumerate(texts)]


@given(texts=TEXTS, data=st.data())
def test_a_draw_of_rows_ignores_their_order_and_nests(texts, data):
    given_rows = rows(texts)
    count = data.draw(st.integers(2, len(texts)))
    drawn = draw_rows(given_rows, count, seed=3)
    assert draw_rows(data.draw(st.permutations(given_rows)), count, seed=3) == drawn
    assert draw_rows(iter(given_rows), len(texts), seed=3)[:count] == drawn


def test_every_row_is_drawn_equally_often_copies_too():
    corpus = rows(["same", "x", "y", "same", "z", "u"])  # the two copies answer one question
    drawn = [row["response"] for seed in range(600) for row in draw_rows(corpus, 2, seed)]
    assert {text: round(drawn.count(text) / 200, 1) for text in "xyzu"} == pytest.approx(
        dict.fromkeys("xyzu", 1), abs=0.2
    )
    assert drawn.count("same") == pytest.approx(400, abs=50)


@pytest.mark.parametrize(("count", "message"), [(7, "7 asked for, and the corpus has 3"), (1, "draw at least 2")])
def test_fewer_rows_than_asked_are_refused(count, message):
    with pytest.raises(ValueError, match=message):
        draw_rows(rows("abc"), count)
