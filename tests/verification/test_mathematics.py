"""The decisions of the mathematical policy, each where math-verify says otherwise, and what holds for all numbers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.recipe.sections import Verification
from toolkit.verification.judge import Judge
from toolkit.verification.mathematics import SAME, compare, joined

# Decided without math-verify, against what math-verify 0.5.2 or 0.9.0 says.
DECISIONS = [
    ("1000", "1e3", True),
    ("1", "1e3", False),
    ("6.67e-11", "6.67", False),
    ("6.67e-11", "6.67 \\times 10^{-11}", True),
    ("0.0000001", "0.0000002", False),
    ("50", "50\\%", True),
    ("50\\%", "50", True),
    ("50\\%", "0.5", True),
    ("50\\%", "5", False),
    ("5\\text{ inches}", "5\\text{ feet}", False),
    ("5\\text{ feet}", "60\\text{ inches}", True),
    ("11/2", "5 1/2", True),
    ("51/2", "5 1/2", False),
    ("(1,2)", "(1, 2)", True),
    ("(1,2)", "(2,1)", False),
    ("(1,2)", "\\{1,2\\}", False),
    ("A", "\\text{A}", True),
    ("A", "B", False),
    ("12", "3+9", False),
    ("3+9", "12", None),
    ("5", "4, no wait 5", False),
    ("3", "10**10**10", False),
    ("1010_2", "1010", False),
    ("3:4", "\\frac{3}{4}", False),
    ("12", "x^2=12", False),
    ("\\pi", "3.14159265", False),
]


@pytest.mark.parametrize(("gold", "answer", "same"), DECISIONS)
def test_decisions_where_math_verify_errs(gold: str, answer: str, same: bool | None) -> None:
    """Expect None for two formulas that may have the same value, which math-verify then compares."""
    pairs = compare(gold, answer)
    assert pairs is not None if same is None else (pairs == SAME) is same


@given(st.fractions(max_denominator=1000), st.fractions(max_denominator=1000))
def test_numbers_are_the_same_exactly_when_their_values_are(first: Fraction, second: Fraction) -> None:
    gold = f"\\frac{{{first.numerator}}}{{{first.denominator}}}"
    assert (compare(gold, f"{second.numerator}/{second.denominator}") == SAME) is (first == second)
    assert compare(gold, f"x = {first.numerator}/{first.denominator}\\text{{ m}}") == SAME


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_order_counts_in_tuples_and_not_in_sets(values: list[int], random: object) -> None:
    turned = list(values)
    random.shuffle(turned)  # type: ignore[attr-defined]
    one, other = (", ".join(map(str, each)) for each in (values, turned))
    assert compare(f"\\{{{one}\\}}", f"\\{{{other}\\}}") == SAME
    assert compare(one, other) == SAME
    if len(values) > 1:
        assert (compare(f"({one})", f"({other})") == SAME) is (values == turned)
        assert compare(f"({one})", f"[{one}]") is None
        assert compare(one, ", ".join(map(str, values[1:]))) is None


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_is_only_data(first: str, second: str) -> None:
    assert compare(first, first) == SAME
    assert isinstance(compare(first, second), tuple | None)
    assert compare(first + " ", first) == SAME


PIECES = [
    "\\frac",
    "{",
    "}",
    "\\sqrt",
    "(",
    ")",
    "[",
    "]",
    "\\{",
    "\\}",
    ",",
    "+",
    "-",
    "=",
    "<",
    "^",
    "_",
    "%",
    "\\$",
    ":",
]
PIECES += [
    "\\text{",
    "\\pi",
    "x",
    "e",
    "1",
    "23",
    "4.5",
    " ",
    "\\pm",
    "\\cup",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "&",
]
PIECES += ["\\\\", "°", "\\le", "\\in", "\\cdot", "10^", "/", "and", " m", "\\left", "\\right", "million", "\x00", "‏"]


@given(
    st.lists(st.sampled_from(PIECES), max_size=60).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=60).map("".join),
)
def test_scraps_of_latex_are_compared_without_a_fault(first: str, second: str) -> None:
    assert compare(first, first) == SAME
    assert isinstance(compare(first, second), tuple | None)


def test_formulas_go_to_math_verify_and_come_back_right() -> None:
    rows = [
        ("(x+1)(x-1)", "x^2-1", True),
        ("\\frac{\\sqrt{3}}{3}", "\\frac{1}{\\sqrt{3}}", True),
        ("\\sqrt{\\frac{1}{n}}", "\\frac{1}{\\sqrt{n}}", True),
        ("\\cos 13^\\circ", "\\sin 77^\\circ", True),
        ("4x-5y=-50", "5y-4x=50", True),
        ("\\cos 13^\\circ", "\\sin 76^\\circ", False),
        ("4x-5y=-50", "5y-4x=-50", False),
        ("1+2i", "1-2i", False),
    ]
    with Judge(Verification()) as judge:
        judged = list(judge.judge((gold, f"\\boxed{{{answer}}}", "stop") for gold, answer, _ in rows))
        quick = [judge.quick(gold, f"\\boxed{{{answer}}}", "stop") for gold, answer, _ in rows]
    assert [each.verdict == "accepted" for each in judged] == [same for *_, same in rows]
    assert all(known is None if same else not known for known, (*_, same) in zip(quick, rows, strict=True))


@pytest.mark.parametrize(
    ("gold", "answers", "answer"),
    [
        ("1, -2", ["1", "-2"], "1, -2"),
        ("(2,1),(1,2)", ["(1,2)", "(2,1)"], "(1,2), (2,1)"),
        ("k = 45, n = 2", ["k = 45", "n = 2"], "k = 45, n = 2"),
        ("1\\pm\\sqrt5", ["1+\\sqrt5", "1-\\sqrt5"], "1+\\sqrt5, 1-\\sqrt5"),
        ("1, -2", ["1", "-2", "1"], "1, -2"),
        ("1, -2", ["1", "-2", "3"], None),
        ("1, -2", ["1", "1, -2"], None),
        ("1, -2", ["1"], None),
        ("1", ["1", "2"], None),
        ("(1,2)", ["1", "2"], None),
        ("[1,2]", ["1", "2"], None),
        ("1, 2", ["1" * 600, "2" * 600], None),
        ("1, 2", ["(" * 50 + "1", "2"], None),
    ],
)
def test_several_answers_are_one_list_when_the_gold_one_has_as_many_parts(
    gold: str, answers: list[str], answer: str | None
) -> None:
    assert joined(gold, answers) == answer


def test_names_give_an_order_to_values_without_names() -> None:
    assert compare("x=1, y=2", "1, 2") == SAME
    assert compare("x=1, y=2", "(1,2)") == SAME
    assert compare("x=1, y=2", "2, 1") is None
    assert compare("x_1=1, x_2=2", "2, 1") == SAME  # roots of one equation
    assert compare("(1,2)", "x=1, y=2") is None


def test_nesting_without_end_is_refused() -> None:
    deep = "(1," * 200 + "1" + ")" * 200
    assert compare(deep, deep) == SAME
    assert compare(deep, deep.replace("1)", "2)")) is None
