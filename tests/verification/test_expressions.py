"""A difference that is shown must be one: whatever is equal by construction is never said to differ."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.verification.expressions import agree, differ, factor_sign, value_near
from toolkit.verification.latex import plain


@pytest.mark.parametrize(
    ("first", "second", "different"),
    [
        ("2\\sqrt{3}", "\\sqrt{12}", False),
        ("2\\sqrt{3}", "3.4641016", True),
        ("\\frac{\\pi}{2}", "1.570796326794896", True),
        ("(x+1)(x-1)", "x^2-1", False),
        ("(x+1)(x-1)", "x^2+1", True),
        ("2x", "x2", False),
        ("x", "y", True),
        ("xy", "yx", False),
        ("-x^2", "(-x)^2", True),
        ("1/2x", "\\frac{1}{2}x", False),
        ("--x", "x", False),
        ("i^2", "-1", False),
        ("\\sqrt{-1}", "2", False),
        ("\\frac{1}{x-x}", "2", False),
        ("x^{-1}", "\\frac{1}{x}", False),
        ("\\sqrt[3]{8}", "2", False),
        ("\\sqrt[3]{8}", "3", True),
        ("\\sin x", "\\cos x", True),
        ("\\log 2", "\\ln 2", False),
        ("f(2)", "2f", False),
        ("10^{10^{10}}", "1", False),
        ("(" * 300 + "1" + ")" * 300, "2", False),
        ("x +", "y", False),
    ],
)
def test_only_what_is_read_and_surely_differs_differs(first: str, second: str, different: bool) -> None:
    assert differ(plain(first), plain(second)) is different
    assert differ(plain(second), plain(first)) is different


LEAVES = st.one_of(
    st.integers(0, 99).map(lambda n: (str(n), str(n))),
    st.sampled_from([("x", "(0+x)"), ("y", "(y)"), ("\\pi", "\\frac{2\\pi}{2}"), ("e", "\\frac{e}{1}")]),
)


def grow(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    """Build pairs of spellings with the same value from smaller ones."""
    both = st.tuples(inner, inner)
    return st.one_of(
        both.map(lambda p: (f"({p[0][0]}+{p[1][0]})", f"({p[1][1]}+{p[0][1]})")),
        both.map(lambda p: (f"({p[0][0]}-{p[1][0]})", f"(-({p[1][1]}-{p[0][1]}))")),
        both.map(lambda p: (f"({p[0][0]}\\cdot {p[1][0]})", f"({p[1][1]})({p[0][1]})")),
        both.map(lambda p: (f"\\frac{{{p[0][0]}}}{{{p[1][0]}}}", f"({p[0][1]})/({p[1][1]})")),
        inner.map(lambda p: (f"({p[0]})^{{2}}", f"({p[1]})({p[1]})")),
        inner.map(lambda p: (f"\\sqrt{{4\\cdot({p[0]})^2}}", f"\\sqrt{{(2({p[1]}))^{{2}}}}")),
    )


@given(st.recursive(LEAVES, grow, max_leaves=12))
def test_equal_formulas_are_never_said_to_differ(pair: tuple[str, str]) -> None:
    assert not differ(plain(pair[0]), plain(pair[1]))


@given(st.recursive(LEAVES, grow, max_leaves=6), st.integers(1, 400))
def test_what_is_equal_agrees_until_a_tiny_number_is_added(pair: tuple[str, str], exponent: int) -> None:
    one, other = plain(pair[0]), plain(pair[1])
    assert agree(one, other) in (True, None)
    assert agree(one, plain(f"{other} + 10^{{-{exponent}}}")) in (False, None)


@given(st.integers(1, 10**40), st.integers(1, 300), st.integers(1, 300))
def test_powers_agree_exactly_when_their_exponents_do(base: int, first: int, second: int) -> None:
    one, other = f"\\frac{{1}}{{{base + 1}^{{{first}}}}}", f"{base + 1}^{{-{second}}}"
    assert agree(one, other) is (first == second)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("\\pi+10^{-5000}", "\\pi", False),
        ("e^{-100}", "e^{-101}", False),
        ("2^{100}-1", "2^{100}", False),
        ("e^{\\pi\\sqrt{163}}", "262537412640768744", False),
        ("\\sqrt{10^{1000}+1}-10^{500}", "0", False),
        ("\\tan 15^\\circ", "2-\\sqrt{3}", True),
        ("\\cos 13^\\circ", "\\sin 77^\\circ", True),
        ("\\sin 2x", "2\\sin x\\cos x", True),
        ("\\sin^2 x + \\cos^2 x", "1", True),
        ("\\frac{\\ln 3}{\\ln 2}", "\\log_2 3", True),
        ("\\sqrt[3]{-8}", "-2", True),
        ("\\binom{10}{3}", "120", True),
        ("\\sqrt{\\frac{1}{n}}", "\\frac{1}{\\sqrt{n}}", True),
        ("\\sqrt{\\frac{a}{b}}", "\\frac{\\sqrt a}{\\sqrt b}", True),
        ("\\sqrt{x^2}", "|x|", True),
        ("\\sqrt{x^2}", "x", False),
        ("a_1+a_2", "a_2+a_1", True),
        ("a_1", "a_2", False),
        ("14-i", "14.0+-1.0i", True),
        ("e^{i\\pi/3}", "\\frac{1+i\\sqrt{3}}{2}", True),
        ("e^{i\\pi}", "1", False),
        ("9^{9^{9^{9}}}", "1", None),
        ("((9!)!)!", "1", None),
        ("\\sin 10^{1000000}", "1", None),
        ("(" + "(2^{1000000})^{1000000}" * 30 + ")", "1", None),
        ("2^{1000000}" + "^{1000000}" * 60, "1", None),
        ("\\sqrt{x}\\sqrt{-x-1}", "x", None),
        ("2\\frac{1}{2}\\pi", "\\pi", None),
        ("1.5e3\\pi", "\\pi", None),
        ("f(2)", "2f", None),
        ("\\log 2", "\\ln 2", None),
        ("\\sum x", "x", None),
    ],
)
def test_formulas_agree_where_it_can_be_told(first: str, second: str, same: bool | None) -> None:
    assert agree(plain(first), plain(second)) is same
    assert agree(plain(second), plain(first)) is same


@pytest.mark.parametrize(
    ("first", "second", "sign"),
    [
        ("y-2x-1", "2y-4x-2", 1),
        ("y-2x-1", "4x-2y+2", -1),
        ("y-2x-1", "y-2x+1", 0),
        ("y-\\frac{1}{x}", "xy-1", 0),
        ("x-x", "y", None),
        ("2", "4", None),
        ("ix", "x", None),
    ],
)
def test_one_formula_may_be_the_other_times_a_number(first: str, second: str, sign: int | None) -> None:
    assert factor_sign(plain(first), plain(second)) == sign


@given(st.fractions(-1000, 1000, max_denominator=10**4), st.fractions(-1000, 1000, max_denominator=10**4))
def test_fractions_differ_unless_equal(first: Fraction, second: Fraction) -> None:
    one, other = (f"x + {value.numerator}/{value.denominator}" for value in (first, second))
    assert differ(one, other) == (first != second)


def test_values_of_closed_formulas() -> None:
    assert value_near("-\\pi") == pytest.approx(-3.141592653589793)
    assert value_near("\\frac{8 \\pi}{\\sqrt{64 \\pi^{2}+1}}") == pytest.approx(0.9992093669)
    assert value_near("e^{-1}") == pytest.approx(0.36787944117)
    assert [value_near(text) for text in ("3+9", "\\pi x", "\\sin \\pi", "\\pi +")] == [None] * 4
