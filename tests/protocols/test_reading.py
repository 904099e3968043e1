"""Questions in completions: lists that go on, tags that do not close, and what is never changed in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.protocols.reading import collapsed, numbered, numbered_items, tagged
from toolkit.teachers.completion import Completion


def completion(text, reason="stop"):
    return Completion(text, reason, 1, 1, "scripted@1")


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("9. What is 1 + 1?\n10. What is 2 + 2?", ["What is 1 + 1?", "What is 2 + 2?"]),
        (
            "Sure!\n\n9) π is near which integer?\n\n10) And √2?\n\nI hope these help.",
            ["π is near which integer?", "And √2?"],
        ),
        (
            "9. Steps:\n1. add\n2. double 3.\nWhat comes out?\n10. Next?",
            ["Steps: 1. add 2. double 3. What comes out?", "Next?"],
        ),
        ("9. 12.5 and 10.5: what is the sum?", ["12.5 and 10.5: what is the sum?"]),
        ("9.\n10. Only this?", ["", "Only this?"]),
        ("1. A list from the start\n2. that never comes to nine", []),
        ("no list at all", []),
        ("", []),
        ("9.5 is a number", []),
    ],
)
def test_a_list_goes_on_from_its_number(text, items):
    assert numbered_items(text, 9) == items


@given(st.text())
def test_any_text_can_be_read(text):
    assert all(isinstance(item, str) for item in numbered_items(text, 1))
    assert tagged(completion(text), "question") == (text.strip(), "unreadable")
    kept = text.strip() and "question>" not in text
    assert not kept or tagged(completion(f"<question>{text}</question>"), "question") == (text.strip(), "")


def test_examples_are_numbered_and_lose_white_space_and_a_last_colon_alone():
    assert numbered(["  Find  X,\nnot x: ", "π and kN?"]) == "1. Find X, not x\n2. π and kN?"
    assert collapsed(" \\Delta  x ") == "\\Delta x"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("<question> Is <b>x</b> > 3? </question>", ("Is <b>x</b> > 3?", "")),
        ("Here it is:\n<question>\nA?\n</question>\nDone.", ("A?", "")),
        ("<question>A?", ("<question>A?", "unreadable")),
        ("A?</question>", ("A?</question>", "unreadable")),
        ("</question>A?<question>", ("</question>A?<question>", "unreadable")),
        (
            "<question>A?</question><question>B?</question>",
            ("<question>A?</question><question>B?</question>", "unreadable"),
        ),
        ("<question><question>A?</question>", ("<question><question>A?</question>", "unreadable")),
        ("<question> </question>", ("<question> </question>", "unreadable")),
        ("", ("", "unreadable")),
    ],
)
def test_a_text_stands_between_one_pair_of_tags_or_cannot_be_read(text, read):
    assert tagged(completion(text), "question") == read


def test_a_completion_that_was_cut_is_dropped_whole():
    whole = "<question>A?</question> and"
    assert tagged(completion(whole, "length"), "question") == (whole, "cut")
