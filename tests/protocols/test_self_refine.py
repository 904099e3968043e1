"""Self-Refine: how often it asks, what it hands over, and what a review that cannot be read changes."""

from pathlib import Path

import pytest

from tests.protocols.scripted import respond
from toolkit.prompt import contents
from toolkit.protocols import load_protocol, self_refine
from toolkit.protocols.options import OptionError

FIX = "Step 1 is wrong.\nSolution:\nso \\boxed{2}"
RIGHT = "All fine.\nEvery step is right.\nSolution:\nindeed \\boxed{2}"


def loaded(**options):
    return load_protocol("self_refine", "Solve: {{ question }}", options)


def test_wrong_then_right_takes_three_calls_and_hands_over_the_last_rewrite(tmp_path):
    made = respond(tmp_path / "rows", loaded(), ["\\boxed{3}", FIX, RIGHT])
    assert made.steps == ["draft", "review", "review"]
    assert made.response.text == "indeed \\boxed{2}" and made.response.parents == ("review:1",)
    assert [row.parents for row in made.rows[:3]] == [(), ("draft:0",), ("draft:0", "review:0")]


def test_a_critic_that_is_never_satisfied_takes_one_call_and_four(tmp_path):
    assert respond(tmp_path / "rows", loaded(), ["\\boxed{3}", FIX]).steps == ["draft", *["review"] * 4]
    assert respond(tmp_path / "two", loaded(rounds=2), ["\\boxed{3}", FIX]).steps == ["draft", "review", "review"]


def test_each_review_reads_question_attempt_and_the_whole_exchange(tmp_path):
    first, second, third = respond(tmp_path / "rows", loaded(), ["\\boxed{3}", FIX, RIGHT]).read
    assert contents(first) == "Solve: 1 + 1?"
    assert "1 + 1?" in contents(second) and "\\boxed{3}" in contents(second) and "Review 1" not in contents(second)
    assert FIX in contents(third) and "Current solution:\nso \\boxed{2}\n" in contents(third)
    for text in (self_refine.SATISFIED, self_refine.SOLUTION):
        assert f"\n{text}\n" in contents(second)


@pytest.mark.parametrize("review", ["It is wrong.", "Solution:\n", "Solution: 2", "Solution:\nhalf of"])
def test_a_review_that_cannot_be_read_keeps_the_text_before(tmp_path, review):
    made = respond(tmp_path / "rows", loaded(rounds=1), ["\\boxed{3}", review], cut=("Solution:\nhalf of",))
    assert made.steps == ["draft", "review"] and made.response.text == "\\boxed{3}"
    assert (made.response.parents, made.response.completion_tokens) == (("draft:0",), 1)


def test_a_draft_that_was_cut_stays_cut_unless_it_is_rewritten(tmp_path):
    kept = respond(tmp_path / "kept", loaded(rounds=1), ["cut", "?"], cut=("cut",))
    mended = respond(tmp_path / "mended", loaded(rounds=1), ["cut", FIX], cut=("cut",))
    assert (kept.response.finish_reason, mended.response.finish_reason) == ("length", "stop")


@pytest.mark.parametrize("rounds", [0, 64, True, "four"])
def test_rounds_have_a_range(rounds):
    with pytest.raises(OptionError, match=r"^rounds: input should be"):
        loaded(rounds=rounds)


def test_its_prompt_is_a_file_of_the_package():
    assert Path(self_refine.__file__).with_name("self_refine.review.jinja").is_file()
