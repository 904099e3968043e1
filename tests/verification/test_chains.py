import pytest

from toolkit.verification.chains import chains_of, comes_near, is_label, rounds_to
from toolkit.verification.latex import plain


@pytest.mark.parametrize(
    ("text", "chains"),
    [
        ("2 \\cdot 3 = 6", [("", ["2 \\cdot 3", "6"], [])]),
        ("\\frac{22}{7} \\approx 3.14", [("", ["\\frac{22}{7}"], ["3.14"])]),
        ("A = 3 \\cdot 4 = 12", [("A", ["3 \\cdot 4", "12"], []), ("", ["A", "3 \\cdot 4", "12"], [])]),
        ("a+b = 12", [("a+b", ["12"], [])]),
        ("\\approx 12", [("", [], ["12"])]),
        ("x", []),
        ("x = 1, y = 2", []),
        ("1 < x = 2", []),
        ("1 = (2 = 2)", []),
        ("1 == 2", []),
        ("=".join("1" * 20), []),
    ],
)
def test_a_chain_is_its_label_its_members_and_what_comes_near(text: str, chains: list[tuple[object, ...]]) -> None:
    assert [tuple(chain) for chain in chains_of(plain(text), is_gold=False)] == chains


@pytest.mark.parametrize(
    ("label", "result", "of_gold", "of_answer"),
    [
        ("S_{MBCN}:S", "7:32", True, True),
        ("S_{MBCN}:S", "7", False, False),
        ("\\frac{AB}{CD}", "\\frac{2}{3}", True, True),
        ("\\frac{dy}{dx}", "2x", True, True),
        ("|AB| \\cdot |CD|", "12", True, True),
        ("\\sin A", "\\frac{3}{5}", True, True),
        ("f(3)", "11", True, True),
        ("P(A \\cap B)", "1", True, True),
        ("x", "1", True, True),
        ("a+b", "12", False, True),
        ("a_{1}+a_{2}", "12", False, True),
        ("x^{2}", "12", False, False),
        ("2x+y", "12", False, False),
        ("\\pi", "3.14", False, False),
        ("3", "3", False, False),
    ],
)
def test_a_label_has_no_numbers_and_in_a_gold_answer_no_small_letters(
    label: str, result: str, of_gold: bool, of_answer: bool
) -> None:
    assert (is_label(label, result, is_gold=True), is_label(label, result, is_gold=False)) == (of_gold, of_answer)


@pytest.mark.parametrize(
    ("exact", "near", "is_near", "is_rounded"),
    [
        ("\\frac{22}{7}", "3.14", True, True),
        ("\\frac{22}{7}", "3.15", True, False),
        ("\\frac{22}{7}", "3.16", False, False),
        ("\\pi", "\\frac{22}{7}", True, False),
        ("\\pi", "\\frac{7}{2}", False, False),
        ("1234", "1.2\\times 10^{3}", True, True),
        ("1234", "1200", True, True),
        ("1234", "1300", True, False),
        ("1234", "1400", False, False),
        ("42", "43", False, False),
        ("x", "3", False, False),
        ("3", "x", False, False),
    ],
)
def test_an_approximation_is_less_than_one_off_in_its_last_digit(
    exact: str, near: str, is_near: bool, is_rounded: bool
) -> None:
    assert (comes_near(exact, near), rounds_to(exact, near)) == (is_near, is_rounded)
