"""Quantities: units as real books spell them, conversion, tolerance."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from toolkit.verification.numeric import is_quantity, same_quantity
from toolkit.verification.units import unit_of

TOLERANCE = 0.01


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("m/s^2", "\\mathrm{~m} \\cdot \\mathrm{s}^{-2}"),
        ("kJ/mol", "$\\mathrm{~kJ} \\mathrm{~mol}^{-1}$"),
        ("J/(mol K)", "\\frac{J}{mol \\cdot K}"),
        ("N m^2/C", "N·m²/C"),
        ("µC", "\\mu\\text{C}"),
        ("cm^2", "square centimeters"),
        ("mph", "miles per hour"),
        ("Torr", "mmHg"),
        ("N", "kg m s^-2"),
        ("rad/s", "rad \\cdot s^{-1}"),
        ("J/mol·K", "J/(mol K)"),
        ("m", "\\text{metres}"),
        ("°C", "^\\circ\\mathrm{C}"),
        ("students", "student"),
    ],
)
def test_one_unit_in_two_spellings(one: str, other: str) -> None:
    first, second = unit_of(one), unit_of(other)
    assert first is not None and second is not None
    assert first.factor == pytest.approx(second.factor, rel=1e-5)  # a torr is no millimetre of mercury by 1e-7
    assert (first.base, first.offset) == (second.base, second.offset)


@pytest.mark.parametrize(
    ("one", "other"), [("m", "s"), ("m", "m^2"), ("J", "N"), ("apples", "pears"), ("a.m.", "p.m.")]
)
def test_other_units_have_other_base_powers(one: str, other: str) -> None:
    assert unit_of(one) != unit_of(other)
    assert not same_quantity(f"5 {one}", f"5 {other}", TOLERANCE)


@pytest.mark.parametrize("text", ["", "5", "m + s", "m = 3", "10^5", "m; s", "(", "x" * 200])
def test_what_is_no_unit(text: str) -> None:
    assert unit_of(text) is None


def scibench(folder: Path) -> list[tuple[str, str]]:
    """Give (number, unit) of every problem."""
    rows = [
        row
        for name in ("fund", "class", "thermo")
        for row in json.loads((folder / f"scibench_{name}.json").read_text())
    ]
    return [(row["answer_number"].strip(), row["unit"].strip()) for row in rows]


def test_scibench_answers_in_other_spellings(shared_data: Path) -> None:
    problems = scibench(shared_data / "physics")
    assert len(problems) == 193
    for number, unit in problems:
        gold, value = f"{number} {unit}".strip(), float(number)
        assert is_quantity(gold)
        spellings = [gold, f"x = {gold}", f"{value * 1.005} {unit}"]
        power = re.search(r"10\^\{?(-?\d+)\}?", unit)
        if power:
            rest, exponent = unit.replace(power[0], ""), int(power[1])
            spellings += [
                f"{number}e{exponent} {rest}",
                f"{number}×10^{exponent}",
                f"{value * 10}E{exponent - 1} {rest}",
            ]
        else:
            thousandth = f"{value * 1000} \\times 10^{{-3}}"
            spellings += [f"{thousandth} {unit}", number, thousandth, f"{value:e} {unit}"]
        assert [text for text in spellings if not same_quantity(gold, text, TOLERANCE)] == []


def test_scibench_answers_refuse_what_is_wrong(shared_data: Path) -> None:
    for number, unit in scibench(shared_data / "physics"):
        gold, value = f"{number} {unit}".strip(), float(number)
        wrong = [f"{10 * value + 1e-30} {unit}", f"{-value} {unit}", f"{value * 1.02} {unit}", f"{value * 0.98} {unit}"]
        if unit and "10^" not in unit and unit != "%":
            wrong += [f"{number} kg^5", f"{number} {unit} furlong", f"{number} lightyears"]
        if value:
            assert [text for text in wrong if same_quantity(gold, text, TOLERANCE)] == []


PREFIXES = {"G": 9, "M": 6, "k": 3, "m": -3, "µ": -6, "n": -9}
UNITS = ["m", "s", "N", "J", "Pa", "C", "V", "W", "Hz", "eV", "m/s", "N/C", "J/mol"]


@given(
    st.floats(1e-6, 1e6), st.sampled_from(UNITS), st.sampled_from(sorted(PREFIXES)), st.floats(0.9, 1.1), st.booleans()
)
def test_prefixes_convert_within_the_tolerance(
    value: float, unit: str, prefix: str, off: float, negative: bool
) -> None:
    value = -value if negative else value
    answer = f"{value * off / 10.0 ** PREFIXES[prefix]:.17g} {prefix}{unit}"
    if not 0.98999 < off < 0.99001 and not 1.00999 < off < 1.01001:
        assert same_quantity(f"{value!r} {unit}", answer, TOLERANCE) is (abs(off - 1) <= TOLERANCE)
    assert not same_quantity(f"{value!r} {unit}", f"{value!r} {prefix}{unit}", TOLERANCE)


def test_temperatures_have_their_zero_alone_and_not_in_products() -> None:
    assert same_quantity("25 °C", "298.15 K", 0) and same_quantity("77 °F", "25 °C", 1e-9)
    assert not same_quantity("25 °C", "25 K", TOLERANCE)
    assert same_quantity("6.64 kJ/K", "6640 J/°C", 0)


def test_what_counts_is_exact_and_what_is_measured_is_near_unless_the_recipe_says_otherwise() -> None:
    near = {
        "95200 J": "95000 J",
        "95200.0": "95000",
        "9.52e4": "95000",
        "32 %": "32.2 %",
        "109°": "109.4°",
        "1/2": "0.501",
    }
    counts = {"95200": "95000", "95,200": "95000", "-72": "-71.9", "72 cards": "71.9 cards", "$500": "499", "0": "0.1"}
    for gold, answer in near.items():
        assert same_quantity(gold, answer, None) and not same_quantity(gold, answer, 0)
    for gold, answer in counts.items():
        assert not same_quantity(gold, answer, None)
        assert same_quantity(gold, gold, None) and same_quantity(gold, f"{gold.replace('$', '')}", None)
        assert same_quantity(gold, answer, 0.01) is (gold != "0")


@given(st.integers(1, 10**18), st.integers(-3, 3))
def test_whole_numbers_are_compared_exactly_however_long(value: int, off: int) -> None:
    assert same_quantity(f"{value}", f"{value + off}", None) is (off == 0)
    assert same_quantity(f"{value} cards", f"{value + off:,}", None) is (off == 0)


def test_an_angle_or_a_count_that_the_gold_has_not_is_another_unit() -> None:
    assert not same_quantity("60 Hz", "60 rad/s", TOLERANCE) and not same_quantity("60 rad/s", "60 Hz", TOLERANCE)
    assert not same_quantity("60 s^{-1}", "60 rad/s", TOLERANCE)
    assert same_quantity("60 rad/s", "60 s^{-1}", TOLERANCE) and same_quantity("60 Hz", "60 s^{-1}", TOLERANCE)
    assert not same_quantity("5 lm", "5 cd", TOLERANCE) and not same_quantity("5 Gy", "5 Sv", TOLERANCE)


UNREADABLE: list[str] = []  # of the 193 answers of SciBench's three books of physics: none


def test_every_scibench_answer_is_read(shared_data: Path) -> None:
    golds = [f"{number} {unit}".strip() for number, unit in scibench(shared_data / "physics")]
    assert [gold for gold in golds if not is_quantity(gold)] == UNREADABLE
    assert all(same_quantity(gold, gold, None) for gold in golds)


HOSTILE = [
    "\\qty{" * 60, "5 " + "\\frac{" * 40, "5 " + "(" * 290, "5 m" + "(" * 140 + ")" * 140, "5 Qm^{12}", "5 Gm^{99}",
    "5 m^{12}" * 30, "x=" * 150 + "5", "a" * 298 + "=5", "x_{" * 90 + "=5", "\\sqrt{" * 40 + "2" + "}" * 40 + " m",
    "e^{64}" * 50, "\\pi^{64}" * 35 + " m", "5" + " a" * 148, "5 m" + " per s" * 40, "2^{64}" * 45 + " m",
    "\\sqrt{" + "9" * 280 + "} m", "1," * 149, "5 " + "a-" * 140, "\\text{" * 50 + "5", "5 m" + "\\over" * 50,
    "5 " + "Gm^{12} " * 35, "5 m" + " the" * 70, "5" * 1_000_000, "5 m " * 250_000, "~" * 299 + "5 J", "\\" * 299,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_hostile_text_is_refused(text: str) -> None:
    assert not same_quantity("3 J", text, None)
    assert not same_quantity("95200", text, None)
    assert is_quantity(text) in (True, False)


def test_around_zero_only_zero_is_right() -> None:
    assert same_quantity("0 m", "0.0", 0.5)
    assert not same_quantity("0 m", "1e-300", 0.5)


@example("0\u0e33")  # a letter of which Python's tokenizer makes no name
@given(st.text(max_size=200))
def test_any_text_is_only_data(text: str) -> None:
    assert same_quantity("5 m", text, TOLERANCE) in (True, False)
    assert not same_quantity("5 m", f"{text} 6 s", 0)
