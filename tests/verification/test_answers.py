import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.recipe import Verification
from toolkit.verification.answers import compile_pattern, extract_boxed, extract_match
from toolkit.verification.policies import extractor


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("so \\boxed{12}", "12"),
        ("\\boxed{1} or \\boxed{2}", "2"),
        ("\\boxed{\\frac{1}{2}} is it", "\\frac{1}{2}"),
        ("\\boxed { 7 }", "7"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("\\boxed{3} and then \\boxed{4", "3"),
        ("\\boxed{1 \\boxed{2}}", "2"),
        ("\\boxed{a}} b}", "a"),
        ("no box", None),
        ("\\boxed{}", None),
        ("\\boxed{", None),
        ("", None),
    ],
)
def test_answer_is_the_last_closed_box(text: str, answer: str | None) -> None:
    assert extract_boxed(text) == answer


@given(st.text(alphabet="{}\\boxed 1", max_size=60))
def test_a_box_holds_balanced_braces(text: str) -> None:
    answer = extract_boxed(text)
    if answer is not None:
        bare = re.sub(r"\\[^a-zA-Z]", "", answer)
        assert bare.count("{") == bare.count("}")
        assert answer in text


@pytest.mark.parametrize(
    "text",
    ["\\boxed{" * 1_000_000, "\\boxed{" + "{" * 1_000_000, "\\boxed" * 1_000_000, "\\" * 1_000_000, "}" * 1_000_000],
    ids=["open", "braces", "bare", "escapes", "closed"],
)
def test_a_million_open_boxes_hold_no_answer(text: str) -> None:
    assert extract_boxed(text) is None
    assert extract_boxed("\\boxed{5}" + text) in ("5", None)
    assert extract_boxed(text + " \\boxed{5}") == "5"


def test_pattern_takes_its_last_match() -> None:
    pattern = compile_pattern(r"####\s*(.+)")
    assert extract_match("#### 1\n#### 2 \n", pattern) == "2"
    assert extract_match("none", pattern) is None
    assert extract_match("#### 1", compile_pattern("(x)?#")) is None


@pytest.mark.parametrize(
    ("pattern", "message"), [("(", "is no regular expression"), ("a", "has 0 groups"), ("(a)(b)", "has 2 groups")]
)
def test_a_pattern_without_its_group_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"response_pattern: .*{message}"):
        extractor(Verification(response_pattern=pattern))
