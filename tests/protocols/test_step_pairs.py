"""Pairs of stage 2: where the prompt ends, where both sides begin, and when there is none."""

from toolkit.prompt import contents
from toolkit.protocols.contract import Question
from toolkit.protocols.step_pairs import Correction, first_wrong_step, step_pair
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
