import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.verification.answers import extract_answer, normalise_answer, number_of, same_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("so \\boxed{12}", "12"),
        ("\\boxed{1} or \\boxed{2}", "2"),
        ("\\boxed{\\frac{1}{2}} is it", "\\frac{1}{2}"),
        ("\\boxed { 7 }", "7"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("\\boxed{3} and then \\boxed{4", "3"),
        ("no box", None),
        ("\\boxed{}", None),
        ("", None),
    ],
)
def test_answer_is_the_last_closed_box(text, answer):
    assert extract_answer(text) == answer


@pytest.mark.parametrize(
    ("gold", "answer", "same"),
    [
        ("1000", "1,000", True),
        ("7", "7.0", True),
        ("0.5", "2/4", True),
        ("-3", "−3", True),
        ("$18", "18", True),
        ("12.", "12", True),
        ("  4 ", "4", True),
        ("x + 1", "x + 1", True),
        ("12", "21", False),
        ("1000", "1,00", False),
        ("1/2", "1/0", False),
        ("50", "50%", False),
        ("12", "12x", False),
        ("0.0000001", "0.0000002", False),
        ("6.67", "1e3", False),
        ("1,2", "12", False),
    ],
)
def test_same_answer(gold, answer, same):
    assert same_answer(gold, answer) is same
    assert same_answer(answer, gold) is same


@given(st.integers(-(10**30), 10**30))
def test_a_number_survives_thousands_separators(value):
    assert number_of(f"{value:,}") == value
    assert same_answer(str(value), f"{value:,}")
    assert not same_answer(str(value), str(value + 1))


@given(st.text(max_size=200))
def test_any_text_is_only_data(text):
    assert same_answer(text, text)
    assert normalise_answer(normalise_answer(text)) == normalise_answer(text)
    boxed = extract_answer(f"\\boxed{{{text}}}")
    assert boxed is None or isinstance(boxed, str)


@pytest.mark.parametrize("text", ["\\boxed{" * 200_000, "\\boxed{" + "9" * 1_000_000 + "}", "\\boxed{" + "{" * 10_000])
def test_hostile_text_costs_linear_time(text):
    assert same_answer("1", extract_answer(text) or "") is False
