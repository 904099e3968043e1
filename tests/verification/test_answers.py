import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.boxed import extract_boxed
from toolkit.recipe.sections import Verification
from toolkit.verification.judge import Judge
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
    extract = extractor(Verification(response_pattern=r"####\s*(.+)"))
    assert extract("#### 1\n#### 2 \n") == "2"
    assert extract("none") is None
    assert extractor(Verification(response_pattern="(x)?#"))("#### 1") is None


def test_a_pattern_that_backtracks_for_ever_ends_judging_with_its_name() -> None:
    with (
        Judge(Verification(response_pattern="((?:a|aa)+)$")) as judge,
        pytest.raises(ValueError, match=r"^response_pattern: .* takes longer"),
    ):
        list(judge.judge([("1", "a" * 4000 + "!", "stop")]))


@pytest.mark.parametrize(
    ("pattern", "message"), [("(", "is not a regular expression"), ("a", "has 0 groups"), ("(a)(b)", "has 2 groups")]
)
def test_a_pattern_without_its_group_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"response_pattern: .*{message}"):
        extractor(Verification(response_pattern=pattern))
