"""Orca: which system message a response gets, and what of it the student reads."""

from collections import Counter
from math import sqrt

import pytest

from tests.protocols.scripted import draft_of, respond
from toolkit.prompt import user_turn
from toolkit.protocols import load_protocol, orca
from toolkit.protocols.contract import Question

DRAWS = 6_000


def loaded(**options):
    return load_protocol("orca", "{{ question }}", options)


@pytest.mark.parametrize(("choices", "count"), [(True, 16), (False, 14)])
def test_the_messages_are_drawn_evenly(choices, count):
    styles = orca.STYLES + orca.CHOICE_STYLES * choices
    drawn = Counter(orca.style_of(0, f"q{at}", index, styles) for at in range(DRAWS // 4) for index in range(4))
    assert len(styles) == len(drawn) == count and orca.PLAIN in drawn
    spread = 3 * sqrt(DRAWS / count * (1 - 1 / count))
    assert all(abs(times - DRAWS / count) < spread for times in drawn.values())


def test_the_message_of_a_response_depends_on_seed_question_and_index_alone():
    styles = [orca.style_of(0, "q", index, orca.STYLES) for index in range(32)]
    assert styles[:16] == [orca.style_of(0, "q", index, orca.STYLES) for index in range(16)]
    assert styles != [orca.style_of(1, "q", index, orca.STYLES) for index in range(32)]
    assert styles != [orca.style_of(0, "p", index, orca.STYLES) for index in range(32)]


def test_every_style_but_the_plain_one_has_a_message_of_its_own():
    answer = loaded(choices=True).steps["answer"]
    read = {style: answer(question="q", style=style) for style in orca.STYLES + orca.CHOICE_STYLES}
    assert read.pop(orca.PLAIN) == user_turn("q")
    assert all([message["role"] for message in messages] == ["system", "user"] for messages in read.values())
    assert len({messages[0]["content"] for messages in read.values()}) == 15


def test_the_student_reads_the_message_unless_it_is_erased(tmp_path):
    at = next(index for index in range(50) if orca.style_of(0, "q", index, orca.STYLES) == "plan")
    plain = next(index for index in range(50) if orca.style_of(0, "q", index, orca.STYLES) == orca.PLAIN)
    kept = draft_of(loaded(), Question("q", "1 + 1?"), at, ["2"])
    assert [message["role"] for message in kept.prompt] == ["system", "user"] and "plan" in kept.prompt[0]["content"]
    assert kept.prompt[1:] == user_turn("1 + 1?")
    assert draft_of(loaded(erase=True), Question("q", "1 + 1?"), at, ["2"]).prompt is None
    assert draft_of(loaded(), Question("q", "1 + 1?"), plain, ["2"]).prompt is None


def test_a_response_is_one_call_written_as_by_rejection_sampling(tmp_path):
    made = respond(tmp_path / "rows", loaded(), ["\\boxed{2}"])
    (row,) = made.rows
    assert (row.step, row.final, row.text) == ("", False, "\\boxed{2}") and len(made.read) == 1
