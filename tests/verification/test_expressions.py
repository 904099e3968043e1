"""A difference that is shown must be one: whatever is equal by construction is never said to differ."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.verification.expressions import differ, value_near
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
    """Pairs of spellings with the same value, from smaller ones."""
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


@given(st.fractions(-1000, 1000, max_denominator=10**4), st.fractions(-1000, 1000, max_denominator=10**4))
def test_fractions_differ_unless_equal(first: Fraction, second: Fraction) -> None:
    one, other = (f"x + {value.numerator}/{value.denominator}" for value in (first, second))
    assert differ(one, other) == (first != second)


def test_values_of_closed_formulas() -> None:
    assert value_near("-\\pi") == pytest.approx(-3.141592653589793)
    assert value_near("\\frac{8 \\pi}{\\sqrt{64 \\pi^{2}+1}}") == pytest.approx(0.9992093669)
    assert value_near("e^{-1}") == pytest.approx(0.36787944117)
    assert [value_near(text) for text in ("3+9", "\\pi x", "\\sin \\pi", "\\pi +")] == [None] * 4
