"""The one reader of boxes: with braces, without, several, and none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.boxed import all_boxed, extract_boxed


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("our answer is $\\boxed 2$.", "2"),
        ("so $\\boxed2$", "2"),
        ("so \\boxed\\text{7}", "\\text{7}"),
        ("The answer is $\\fbox{42}$.", "42"),
        ("\\framebox{42}", "42"),
        ("\\boxed {7}", "7"),
        ("$\\boxed 2\\sqrt{3}$ is it", "2\\sqrt{3}"),
        ("\\boxed\\frac{1}{2}$", "\\frac{1}{2}"),
        ("\\boxed 12, so", "12"),
        ("\\boxed -3.5.", "-3.5"),
        ("\\boxed 2 is the answer", "2"),
        ("**\\boxed 4**", "4"),
        ("{\\boxed 2}", "2"),
        ("\\(\\boxed 5\\)", "5"),
        ("\\boxed(1,2)$", "(1,2)"),
        ("\\boxed\\{1, 2\\}$", "\\{1, 2\\}"),
        ("\\boxed x", "x"),
        ("\\\\boxed{7}", "7"),
        ("\\boxed{3}: it stands in a \\boxed form, in a box", "3"),
        ("write it in \\boxed form", None),
        ("\\boxed", None),
        ("\\boxed " + "1" * 500, None),
        ("in a box", None),
    ],
)
def test_boxes_are_read_with_and_without_braces(text: str, answer: str | None) -> None:
    assert extract_boxed(text) == answer
    assert all_boxed(text)[-1:] == ([answer] if answer else [])


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("\\boxed{1}, $\\boxed 2$ and \\fbox{\\{3\\}}", ["1", "2", "\\{3\\}"]),
        ("\\boxed{\\boxed{1}, \\boxed{2}} \\boxed{}", ["1", "2"]),
        ("\\boxed{1} \\boxed{2", ["1"]),
        ("none", []),
    ],
)
def test_all_boxes_come_in_their_order(text: str, answers: list[str]) -> None:
    assert all_boxed(text) == answers


@given(
    st.lists(st.sampled_from(["\\boxed", "\\fbox{", "{", "}", "\\", " ", "1", "$", "\\boxed{", "x", "\\{", ".", "\n"]))
)
def test_every_box_is_a_piece_of_the_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    boxes = all_boxed(text)
    assert all(answer and answer in text and answer == answer.strip() for answer in boxes)
    assert sum(map(len, boxes)) <= len(text)
    assert extract_boxed(text) is None or extract_boxed(text) in text


@pytest.mark.parametrize(
    "text",
    [
        "\\boxed{" * 150_000,
        "\\boxed{" * 75_000 + "}" * 75_000,
        "\\boxed" * 150_000,
        "\\boxed{}" * 120_000,
        "\\boxed (" * 100_000,
        "\\boxed 1" + " a" * 400_000,
    ],
    ids=["open", "nested", "bare", "empty", "parentheses", "spaces"],
)
def test_a_megabyte_of_boxes_is_read_in_linear_time(text: str) -> None:
    assert extract_boxed(text) in (None, "1")
    assert all_boxed(text) in ([], ["1"])
    assert all_boxed(text + " \\boxed{5}")[-1] == "5"
