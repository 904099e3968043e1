"""Critique-guided distillation with a teacher probe: the trace of calls, their parents, and both prompts."""

import pytest

from tests.protocols.scripted import draft_of, respond
from toolkit.prompt import contents
from toolkit.protocols import load_protocol, reading_options
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
    arms = [respond(tmp_path / arm, loaded(critique=arm), TEXTS) for arm in ("shown", "shuffled", "none")]
    assert arms[0] == arms[1] == arms[2]
    assert reading_options("critique_guided") == {"critique"} and not reading_options("self_refine")


def test_only_the_control_swaps_a_step_and_only_a_student_s_probe_is_the_student_s():
    assert loaded().swapped == loaded(critique="none").swapped == "" and loaded().by_student == ()
    control = loaded(critique="shuffled", probe="student")
    assert (control.swapped, control.by_student, control.most_steps) == ("critique", ("probe",), 2)


@pytest.mark.parametrize("probe", ["never </critique> closed <b>", "{{ question }} {% if", ""])
def test_texts_with_tags_that_nobody_closed_are_data(tmp_path, probe):
    made = respond(tmp_path / "rows", loaded(), [probe, "<b>\nConclusion: right</b>", TEXTS[2]])
    assert made.response.text == TEXTS[2] and probe in contents(made.read[2])


def test_nobody_is_shown_the_known_answer(tmp_path):
    """A question as protocols see it has no answer, so that no prompt can hold one."""
    assert Question._fields == ("question_id", "text")
    texts = ["first", "Something is missing.\nConclusion: wrong", "\\boxed{41}"]
    assert not any("41" in contents(messages) for messages in respond(tmp_path / "rows", loaded(), texts).read)


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


@pytest.mark.parametrize(("option", "value"), [("critique", "mixed"), ("probe", "nobody")])
def test_an_unknown_control_or_probe_is_refused(option, value):
    with pytest.raises(OptionError, match=f"{option}: input should be .*, not '{value}'"):
        loaded(**{option: value})
