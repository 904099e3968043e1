import json
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.corpora.decontamination import LeakError, assert_clean, find_leaks, leak_finder
from toolkit.domains.mathematics import generate

QUESTION = "Anna had 43 books, bought 16 more and gave 48 to David. How many books does Anna have now?"
SHORT = "Compute 6 * (39 - 25)."
HELD_OUT = {"long": QUESTION, "short": SHORT, "other": "A hall has 9 rows of 2 chairs. How many chairs are there?"}
CLEAN = ["Ben walked to the market and back.", "Compute 6 * (39 - 26).", "How many books does Anna have now?"]


def kinds(text, **options):
    return [(leak.kind, leak.held_out_id) for leak in find_leaks(HELD_OUT, [*CLEAN, text], **options)]


@pytest.mark.parametrize("procedural", [False, True])
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (QUESTION, "exact"),
        (QUESTION.upper().replace(" ", "\n  "), "exact"),
        (QUESTION.replace(",", " -").replace("?", " ...").replace(" -", ""), "exact"),
        (QUESTION.replace("A", "Ａ").replace("4", "４"), "exact"),
        (QUESTION.replace("Anna had", "Emma had"), "near"),
        (f"Here is a task for you. {QUESTION} Take your time. Anna has 11.", "near"),
    ],
)
def test_planted_copies_of_a_long_question_are_found(text, kind, procedural):
    assert kinds(text, procedural=procedural) == [(kind, "long")]
    leaks = leak_finder(HELD_OUT, procedural=procedural)
    assert leaks(text) and not any(map(leaks, CLEAN))


@pytest.mark.parametrize(
    ("text", "kind"),
    [("compute  6*(39-25)", "exact"), ("Compute 6 × (39 − 25)", "exact"), (f"Task: {SHORT} It is 84.", "near")],
)
def test_planted_copies_of_a_short_question_are_found(text, kind):
    assert kinds(text) == [(kind, "short")]


@given(st.lists(st.integers(0, 10**6), min_size=23, max_size=40, unique=True), st.data())
def test_one_changed_word_is_always_found_from_23_words_on(numbers, data):
    words = [str(number).translate(str.maketrans("0123456789", "abcdefghij")) for number in numbers]
    changed = list(words)
    changed[data.draw(st.integers(0, len(words) - 1))] = "zzz"
    assert [leak.kind for leak in find_leaks({"q": " ".join(words)}, [" ".join(changed)])] == ["near"]


def test_one_changed_word_of_a_short_question_is_found_by_its_numbers():
    assert kinds(QUESTION.replace("David", "Emma"), procedural=True) == [("numbers", "long")]


def test_the_same_numbers_in_another_order_are_found_in_procedural_texts():
    reordered = "Anna had 48 books, bought 43 more and gave 16 to David. How many books does Anna have now?"
    story = "A truck carried 16 boxes for 48 miles and then 43 crates through the rain to town without any stop."
    assert kinds(reordered, procedural=True) == [("numbers", "long")]
    assert kinds(story, procedural=True) == []


def test_the_same_wording_with_other_numbers_is_a_leak_of_prose_only():
    filled = QUESTION.replace("43", "42")
    assert kinds(filled) == [("near", "long")]
    assert kinds(filled, procedural=True) == []


@pytest.mark.parametrize(
    "text", ["Compute 6 * (39 + 25).", "Compute 6 * (39 - 25) * 2.", "Compute 6 * 39 - 25.", "Compute 6 * (39 - 2)."]
)
def test_another_expression_of_the_same_words_is_no_copy(text):
    assert kinds(text) == []


def test_a_leak_names_text_and_place_and_each_question_once():
    leaks = find_leaks(HELD_OUT, iter([*CLEAN, QUESTION, QUESTION + " Yes.", QUESTION]))
    assert leaks[0] == ("exact", "long", QUESTION, 3)
    assert [(leak.kind, leak.where) for leak in leaks] == [("exact", 3), ("near", 4)]
    assert len(find_leaks(HELD_OUT, [QUESTION + " so" * 500])[0].text) == 200


@given(st.lists(st.sampled_from("abcdefghij"), min_size=9, max_size=20), st.integers(0, 10), st.integers(0, 10))
def test_an_embedded_question_is_always_found(words, before, after):
    text = " ".join(["x"] * before + words + ["y"] * after)
    leaks = find_leaks({"q": " ".join(words)}, [text])
    assert [leak.kind for leak in leaks] == ["near" if before or after else "exact"]


@given(st.lists(st.text(), max_size=5))
def test_any_text_can_be_searched(texts):
    assert find_leaks({"q": "one two three four five six seven eight nine"}, texts) == []


def test_assert_clean_says_what_is_where():
    assert_clean(HELD_OUT, CLEAN, "the pool")
    with pytest.raises(LeakError, match=r"the pool: 1 held-out questions .* long \(exact\) in text 3: 'Anna had 43"):
        assert_clean(HELD_OUT, [*CLEAN, QUESTION], "the pool")


def test_a_question_without_words_is_refused():
    with pytest.raises(ValueError, match=r"held-out question 'q' has no words to compare: '\?!'"):
        find_leaks({"q": "?!"}, [])


def test_the_procedural_splits_are_clean_of_each_other():
    held_out = {str(number): question.text for number, question in enumerate(islice(generate("test", 0), 300))}
    assert_clean(
        held_out, (question.text for question in islice(generate("pool", 0), 1000)), "the pool", procedural=True
    )
    assert len(find_leaks(held_out, held_out.values(), procedural=True)) >= len(held_out)


def test_gsm8k_has_one_question_of_its_test_set_in_near_copy_in_train(shared_data):
    def questions(split):
        lines = (shared_data / "gsm8k" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["question"] for line in lines]

    test = {str(number): text for number, text in enumerate(questions("test"))}
    leaks = [(leak.kind, leak.held_out_id, leak.where) for leak in find_leaks(test, questions("train"))]
    assert leaks == [("near", "602", 1314)]  # a train instead of a plane, with other numbers
