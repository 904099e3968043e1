"""Pairs of stage 2: where the prompt ends, where both sides begin, and when there is none."""

from tests.protocols.scripted import respond
from toolkit.prompt import contents
from toolkit.protocols.contract import Question
from toolkit.protocols.step_pairs import (
    Correction,
    Mistake,
    correcting,
    first_wrong_step,
    read_correction,
    read_location,
    step_pair,
)
from toolkit.students.pairs import Pair

QUESTION = Question("q", "What is 2 (3 + 4) + 1?")
STEPS = ["3 + 4 = 7", "2 * 7 = 14", "14 + 1 = 16", "The answer is 16."]
TEACHER, STUDENT = Correction("One was added twice.", "14 + 1 = 15"), Correction("None.", "14 + 1 = 16")


def test_the_prompt_ends_before_the_first_wrong_step_and_both_sides_begin_with_it():
    pair = step_pair(QUESTION, STEPS, TEACHER, STUDENT)
    assert contents(pair.prompt) == (
        "What is 2 (3 + 4) + 1?\n<step1>\n3 + 4 = 7\n</step1>\n<step2>\n2 * 7 = 14\n</step2>"
    )
    assert pair.chosen == "<step3>\n<cause>\nOne was added twice.\n</cause>\n14 + 1 = 15\n</step3>"
    assert pair.rejected.startswith("<step3>\n") and "14 + 1 = 16" in pair.rejected
    assert Pair(*pair)._asdict() == pair._asdict()


def test_a_first_step_that_is_wrong_leaves_the_question_alone():
    assert contents(step_pair(QUESTION, STEPS[2:], TEACHER, STUDENT).prompt) == QUESTION.text


def test_there_is_no_pair_without_an_error_or_a_better_step():
    assert step_pair(QUESTION, STEPS[:2], TEACHER, STUDENT) is None
    assert step_pair(QUESTION, [], TEACHER, STUDENT) is None
    assert step_pair(QUESTION, STEPS, STUDENT, TEACHER) is None
    assert step_pair(QUESTION, STEPS, TEACHER, TEACHER) is None


def test_somebody_else_may_say_which_step_is_wrong():
    assert first_wrong_step(STEPS) == 3 and first_wrong_step(["so x = 5", "3 + = 2"]) == 2
    assert first_wrong_step(STEPS, lambda step: "answer" in step) == 4
    assert step_pair(QUESTION, STEPS, TEACHER, STUDENT, lambda step: step == STEPS[1]).chosen.startswith("<step2>")


def test_a_step_that_somebody_else_found_is_the_one_that_is_paired():
    assert step_pair(QUESTION, STEPS, TEACHER, STUDENT, number=4).chosen.startswith("<step4>")


def test_the_teacher_is_asked_for_the_step_with_all_of_them(tmp_path):
    said = ["Step: 3", "<cause>c</cause>\n14 + 1 = 15"]
    made = respond(tmp_path / "j.jsonl", correcting({"q": Mistake(tuple(STEPS))}), said)
    asked, corrected = map(contents, made.read)
    assert all(step in asked for step in STEPS) and made.steps == ["locate", "correct"]
    assert "14 + 1 = 16" in corrected and STEPS[3] not in corrected
    assert made.response.parents == ("locate:0",) and read_correction(made.response.text) == Correction(
        "c", "14 + 1 = 15"
    )


def test_a_step_that_is_not_found_is_not_corrected(tmp_path):
    made = respond(tmp_path / "j.jsonl", correcting({"q": Mistake(tuple(STEPS))}), ["I see none."])
    assert made.steps == ["locate"] and read_correction(made.response.text) is None


def test_a_location_is_a_number_of_a_step_on_a_line_of_its_own():
    assert read_location("First\n**Step 2.**", 4) == 2 and read_location("step: 2\nStep: 3", 4) == 3
    assert read_location("Step: 5", 4) is None and read_location("Step: 0", 4) is None
    assert read_location("the step before 3 is right", 4) is None


def test_a_correction_is_asked_for_with_the_steps_before_alone(tmp_path):
    made = respond(tmp_path / "j.jsonl", correcting({"q": Mistake(tuple(STEPS), 3)}), ["<cause>c</cause>\n14 + 1 = 15"])
    (read,) = made.read
    assert "2 * 7 = 14" in contents(read) and "14 + 1 = 16" in contents(read) and STEPS[3] not in contents(read)
    assert read_correction(made.response.text) == Correction("c", "14 + 1 = 15")


def test_a_correction_that_anything_would_have_to_be_guessed_of_is_none():
    bare, cause = "14 + 1 = 15", "<cause>c</cause>"
    for text in (bare, f"<cause></cause>{bare}", cause, f"so {cause}{bare}", f"{cause}<step3>{bare}</step3>"):
        assert read_correction(text) is None
