import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.verification.steps import wrong_step


@pytest.mark.parametrize(
    ("response", "answer", "wrong"),
    [
        ("12 + 35 = 47. 47 + 8 = 55. \\boxed{55}", "55", False),
        ("12 + 35 = 46. 46 + 9 = 55. \\boxed{55}", "55", True),
        ("3 * (4 + 5) = 3 * 4 + 3 * 5 = 12 + 15 = 27", "27", False),
        ("3 * (4 + 5) = 3 * 4 + 5 = 27", "27", True),
        ("x = 84 / 7 = 12, x = 12", "12", False),
        ("84 / 7 = 12\n12 + 1 = 13", "13", False),
        ("2 + 2 = 4. \\boxed{55}", "55", True),
        ("\\boxed{55}", "55", False),
        ("7 / 0 = 1", "1", True),
        ("7 + = 7", "7", True),
    ],
)
def test_wrong_steps_are_found(response, answer, wrong):
    assert wrong_step(response, answer) is wrong


@given(st.integers(0, 999), st.integers(0, 999), st.integers(-3, 3))
def test_only_true_equalities_pass(a, b, off):
    assert wrong_step(f"{a} * {b} = {a * b + off}", str(a * b + off)) is (off != 0) or a * b + off < 0


@pytest.mark.parametrize(
    "text", ["(" * 100_000 + " = 1", "9" * 1_000_000 + " = 9", "1 = " * 200_000, "9 * " * 60 + "9 = 9"]
)
def test_hostile_arithmetic_is_a_wrong_step(text):
    assert wrong_step(text, "9") is True
