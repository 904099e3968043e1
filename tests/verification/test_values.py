from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.verification.latex import plain
from toolkit.verification.values import is_float_of, number_of

INTEGERS = st.integers(-(10**30), 10**30)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0.0", 0),
        ("1,234.5", Fraction("1234.5")),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("1e3", 1000),
        ("6.67E-11", Fraction("6.67e-11")),
        ("10^{3}", 1000),
        ("-10^3", -1000),
        ("6.67\\times10^{-11}", Fraction("6.67e-11")),
        ("6.67×10⁻¹¹", Fraction("6.67e-11")),
        ("6.67 x 10^-11", Fraction("6.67e-11")),
        ("2.5 10^4", 25000),
        ("3*10**2", 300),
        ("\\frac{1}{2}", Fraction(1, 2)),
        ("\\frac12", Fraction(1, 2)),
        ("-\\dfrac{-3}{4}", Fraction(3, 4)),
        ("3/4", Fraction(3, 4)),
        ("5 1/2", Fraction(11, 2)),
        ("-5\\frac{1}{2}", Fraction(-11, 2)),
        ("-(7)", -7),
    ],
)
def test_finished_numbers_are_read_exactly(text: str, value: Fraction | int) -> None:
    assert number_of(plain(text)) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "3+9", "3 \\cdot 4", "2^{5}", "\\sqrt{4}", "1/0", "\\frac{1}{0}", "1,00", "1,2", "1.2.3", "1e1000"),
        *("1e9999", "5 -1/2", "5\\frac{-1}{2}", "--5", "10^{10^{10}}", "9" * 401, "1 2", "0x10", "١٢x", "inf", "nan"),
        "1_000",
    ],
)
def test_anything_else_is_no_finished_number(text: str) -> None:
    assert number_of(plain(text)) is None


@given(INTEGERS)
def test_a_whole_number_keeps_its_value_in_every_spelling(value: int) -> None:
    spellings = [
        f"{value}",
        f"{value:,}",
        f"{value}.0",
        f"{value}e0",
        f"{value} \\times 10^{{0}}",
        f"\\frac{{{value}}}{{1}}",
    ]
    spellings += [f"{value:,}".replace(",", mark) for mark in ("{,}", "\\,", ",\\!", " ")]
    assert {number_of(plain(text)) for text in spellings} == {Fraction(value)}


@given(st.integers(0, 10**6), st.integers(1, 10**4), st.integers(1, 10**4))
def test_mixed_numbers_add_up(whole: int, above: int, below: int) -> None:
    value = whole + Fraction(above, below)
    assert number_of(plain(f"{whole}\\frac{{{above}}}{{{below}}}")) == value
    assert number_of(plain(f"-{whole} {above}/{below}")) == -value


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**6), max_value=10**6),
    st.integers(-99, 99),
)
def test_scientific_notation_is_exact(mantissa: object, exponent: int) -> None:
    value = Fraction(str(mantissa)) * Fraction(10) ** exponent
    for spelling in ("{}e{}", "{}E{:+}", "{} \\times 10^{{{}}}", "{} \\cdot 10^{{{}}}", "{}*10**{}", "{} x 10^{}"):
        assert number_of(plain(spelling.format(f"{mantissa:f}", exponent))) == value


@pytest.mark.parametrize(
    ("text", "value", "is_noise"),
    [
        ("0.7000000000000001", "0.7", True),
        ("0.30000000000000004", "0.3", True),
        ("6.022000000000001e+23", "6.022e23", True),
        ("0.7000000000000001", "0.6999", False),
        ("0.7000000000000002", "0.7", False),
        ("1.0000000000000002", "1", False),
        ("0.1234567890123456", "0.123456789012345", False),
        ("0.333333333333333333333", "0.333333333333333", False),
        ("9007199254740993", "9007199254740992", False),
        ("0.7", "0.7", False),
    ],
)
def test_a_float_that_missed_a_decimal_by_its_last_bit(text: str, value: str, is_noise: bool) -> None:
    assert is_float_of(text, Fraction(value)) is is_noise
