"""Critique-guided distillation with a teacher probe: the trace of calls, their parents, and both prompts."""

import pytest

from tests.protocols.scripted import draft_of, respond
from toolkit.prompt import contents
from toolkit.protocols import load_protocol
from toolkit.protocols.contract import Question
from toolkit.protocols.critique_guided import conclusion
from toolkit.protocols.options import OptionError

TEXTS = ["first \\boxed{3}", "The sum is wrong.\nConclusion: wrong", "refined \\boxed{2}"]


def loaded(**options):
    return load_protocol("critique_guided", "Solve: {{ question }}", options)


def test_three_records_a_response_each_with_its_parents(tmp_path):
    made = respond(tmp_path / "rows", loaded(), TEXTS)
    assert [(row.step, row.parents, row.final) for row in made.rows] == [
        ("probe", (), False),
        ("critique", ("probe:0",), False),
        ("refine", ("probe:0", "critique:0"), True),
    ]
    assert made.response.text == TEXTS[2]


def test_each_step_reads_what_it_builds_on(tmp_path):
    probe, critique, refine = map(contents, respond(tmp_path / "rows", loaded(), TEXTS).read)
    assert probe == "Solve: 1 + 1?"
    assert "1 + 1?" in critique and TEXTS[0] in critique and "Conclusion: right\nor\nConclusion: wrong" in critique
    assert all(text in refine for text in ("1 + 1?", *TEXTS[:2]))


def test_the_student_reads_all_three_in_training_and_the_control_the_question_alone():
    question = Question("q", "1 + 1?")
    shown = contents(draft_of(loaded(), question, 0, TEXTS).prompt)
    assert all(text in shown for text in ("1 + 1?", *TEXTS[:2])) and TEXTS[2] not in shown
    control = draft_of(loaded(critique="none"), question, 0, TEXTS)
    assert control.prompt is None and control.text == TEXTS[2]


def test_the_arms_ask_the_same(tmp_path):
    arms = [respond(tmp_path / arm, loaded(critique=arm), TEXTS) for arm in ("shown", "none")]
    assert arms[0] == arms[1]


@pytest.mark.parametrize(
    ("critique", "said"),
    [
        ("Fine.\nConclusion: right", "right"),
        ("Conclusion: Wrong.\n", "wrong"),
        ("Conclusion: right\nThough I am not sure.", None),
        ("right", None),
        ("", None),
    ],
)
def test_a_conclusion_is_the_last_line_or_none(critique, said):
    assert conclusion(critique) == said


def test_an_arm_that_one_question_cannot_give_is_refused():
    with pytest.raises(OptionError, match="critique: input should be 'shown' or 'none', not 'shuffled'"):
        loaded(critique="shuffled")
