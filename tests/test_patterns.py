"""Expressions that a stranger wrote: found to be none, or cut off, never run for ever."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.patterns import Pattern, PatternError

ENDLESS = [
    (r"((?:a|aa)+)$", "a" * 4000 + "!"),
    (r"(a+)+$", "a" * 4000 + "!"),  # with one group
    (r"^(\w+\s?)*$", "word " * 300 + "?"),
    (r"((?:.*,){40})P", "1," * 200),
    (r"(x*)*y", "x" * 5000),
    (r"^(?:(?=(a+))a)*b", "a" * 20000),
]


@pytest.mark.parametrize(("pattern", "text"), ENDLESS)
def test_an_expression_that_backtracks_for_ever_is_cut_off_and_named(pattern, text):
    compiled = Pattern(pattern, "response_pattern", seconds=0.05)
    try:
        compiled.last(text)
    except PatternError as error:
        assert str(error).startswith(f"response_pattern: {pattern!r} takes longer than 0.05 s")
        assert "repeats inside repeats" in str(error)


def test_the_one_that_froze_sampling_is_cut_off():
    with pytest.raises(PatternError, match=r"^response_pattern: .*takes longer than"):
        Pattern(r"((?:a|aa)+)$", "response_pattern", seconds=0.05).last("a" * 4000 + "!")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a", "is not a regular expression: missing )"),
        ("a)(b", "is not a regular expression"),
        ("(?P<1>a)", "is not a regular expression"),
        ("(a){99999999999999}", "is not a regular expression"),
        ("(?:" * 330 + "a", "is not a regular expression"),
        ("(" * 999, "is not a regular expression"),
        ("*", "is not a regular expression"),
        ("[", "is not a regular expression"),
        ("\\", "is not a regular expression"),
        ("a", "has 0 groups; put one around the answer"),
        ("(a)(b)", "has 2 groups"),
        ("(a)" + "b" * 1000, "has 1,003 characters; write it with 1,000 at most"),
    ],
)
def test_what_is_no_expression_with_one_group_is_refused(pattern, message):
    with pytest.raises(PatternError, match=r"^answer_pattern: ") as refused:
        Pattern(pattern, "answer_pattern")
    assert message in str(refused.value) and len(str(refused.value)) < 500


ORDINARY = [
    r"####\s*(.+)",
    r"The answer is\s*:?\s*([^.\n]+)",
    r"(?i)answer: \(?([a-j])\)?",
    r"(?m)^= (\S+)$",
    r"(\d+)(?!.*\d)",
    r"<answer>(.*?)</answer>",
    "(a|b)?",
    "x{2}(y)",
]


@pytest.mark.parametrize("pattern", ORDINARY)
@given(text=st.text("ab xX12y\n#=.AN<>/answer:()", max_size=60))
def test_an_expression_finds_what_python_finds(pattern, text):
    matches = re.findall(pattern, text)
    assert Pattern(pattern, "answer_pattern").last(text) == ((matches[-1].strip() or None) if matches else None)


def test_a_nul_in_an_expression_is_a_character():
    assert Pattern("\0(a)", "answer_pattern").last("b\0a") == "a"
