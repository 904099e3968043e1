"""Procedural physics: answers right by formulas of their own, units that fit, disjoint splits, plausible sizes."""

import random
import re
from collections import Counter
from collections.abc import Callable
from fractions import Fraction as F
from itertools import islice

import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.questions.loading import load
from toolkit.corpora.decontamination import LeakError, assert_clean, find_leaks
from toolkit.domains import mathematics
from toolkit.domains.expressions import draw_values, names_in
from toolkit.domains.formulas import LARGEST_VALUE, WORDS, FormulaStep, draw_numbers, follow, open_paths
from toolkit.domains.physics import FAMILIES, generate
from toolkit.domains.stream import SPLITS, question_id, split_of
from toolkit.questions.files import PoolError
from toolkit.verification.numeric import same_quantity

REGISTRY = pint.UnitRegistry(cache_folder=None)

# The answer of each family by another formula than any of its paths, from the numbers in the order of its text.
FORMULAS: dict[str, Callable[..., F]] = {
    "speeding_up": lambda u, v, t: u * t + F(v - u, t) * t * t / 2,
    "meeting": lambda d, u, v: d / (1 + F(v, u)),
    "momentum": lambda m, u, v, t: F(m * v, t) - F(m * u, t),
    "towing": lambda m, n, a: m * a * (1 + F(n, m)),
    "braking": lambda m, v, s: F(m * v * v, 2 * s),
    "power": lambda f, s, t: F(f * s, t),
    "divider": lambda r, s, u: u / (1 + F(r, s)),
    "lamps": lambda a, b, u, t: u * a * t + u * b * t,
    "compression": lambda p, v, w: p / F(w, v),
    "travelling_wave": lambda w, f, d: F(d, w) * F(1, f),
    "warming": lambda m, c, a, b: m * c * b - m * c * a,
    "mixing": lambda m, a, n, b: a + F(n, m + n) * (b - a),
    "lens": lambda h, g, f: h * (1 / (F(1, f) - F(1, g))) / g,
}
# Where the word behind a number is not yet its unit.
UNITS = {("towing", "a"): "m/s^2", ("warming", "c"): "kJ/(kg*K)"}
# Largest plausible value of what is stated or asked, by unit.
BOUNDS = {
    "m/s": 50, "m/s^2": 9, "m": 999, "s": 30, "kg": 99, "N": 560, "W": 540, "J": 999, "ohm": 20, "V": 400, "A": 9,
    "kPa": 900, "L": 81, "Hz": 20, "°C": 99, "kJ": 999, "kJ/(kg*K)": 5, "cm": 450,
}  # fmt: skip


def numbers_in_order(text: str) -> list[int]:
    return list(map(int, re.findall(r"(?<![\^\d])\d+", text)))


def unit_of_stated(family: str, name: str) -> str:
    match = re.search(rf"\{{{name}\}} ([^\s.,?]+)", FAMILIES[family].wordings[0])
    assert match
    return UNITS.get((family, name), match[1])


def quantity(value: int, unit: str) -> pint.Quantity:
    """Read temperatures as kelvin above the zero of the scale: only differences and weighted means are formed."""
    spelled = {"1": "", "Ns": "N*s", "kg °C": "kg*K", "°C": "K"}.get(unit, unit)
    return value * REGISTRY.parse_units(spelled)


def numbers_for(family: str, seed: int) -> dict[str, int]:
    return draw_numbers(FAMILIES[family], random.Random(seed))


def test_twelve_families_of_eight_topics_all_appear() -> None:
    counts = Counter(question.family for question in islice(generate("pool", 0), 1000))
    assert set(counts) == set(FAMILIES) == set(FORMULAS)
    assert len(FAMILIES) >= 12
    assert {family.topic for family in FAMILIES.values()} == {
        "kinematics", "dynamics", "energy", "circuits", "gases", "waves", "heat", "optics"
    }  # fmt: skip


def test_answers_follow_from_the_text_by_another_formula() -> None:
    for question in islice(generate("test", 3), 2000):
        value, unit = question.answer.split(" ")
        assert int(value) == FORMULAS[question.family](*numbers_in_order(question.text)), question
        assert unit == FAMILIES[question.family].unit
        assert Counter(numbers_in_order(question.text)) == Counter(question.numbers)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=40)
@given(seed=st.integers(0, 10**9))
def test_every_open_path_arrives_at_the_answer(family: str, seed: int) -> None:
    given_ = numbers_for(family, seed)
    in_text = numbers_in_order(FAMILIES[family].wordings[0].format(**dict.fromkeys(WORDS, ""), **given_))
    paths = open_paths(FAMILIES[family], given_)
    assert paths[0] == FAMILIES[family].paths[0]
    for path in paths:
        values = follow(path, given_)
        assert values[path[-1].symbol] == FORMULAS[family](*in_text)
        assert all(0 < value <= LARGEST_VALUE for value in values.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_units_of_every_step_follow_from_those_stated(family: str) -> None:
    seed = next(seed for seed in range(5000) if _all_open(family, numbers_for(family, seed)))
    given_ = numbers_for(family, seed)
    for path in FAMILIES[family].paths:
        known = {name: quantity(value, unit_of_stated(family, name)) for name, value in given_.items()}
        for step in path:
            result = eval(step.expression, {}, known)  # noqa: S307
            value = follow(path, given_)[step.symbol]
            expected = quantity(value, step.unit)
            assert result.check(expected.dimensionality), (family, step)
            assert result.to(expected.units).magnitude == pytest.approx(value), (family, step)
            known[step.symbol] = expected


def _all_open(family: str, given_: dict[str, int]) -> bool:
    return len(open_paths(FAMILIES[family], given_)) == len(FAMILIES[family].paths)


@pytest.mark.parametrize("family", FAMILIES)
def test_several_different_paths_lead_to_an_answer_in_one_unit(family: str) -> None:
    paths = FAMILIES[family].paths
    assert len(paths) >= 2
    worked = [frozenset((step.expression, step.unit) for step in path) for path in paths]
    assert len(set(worked)) == len(paths)
    assert len({path[-1].unit for path in paths}) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_every_step_needs_known_numbers_and_gives_a_new_one(family: str) -> None:
    for path in FAMILIES[family].paths:
        known = set(FAMILIES[family].stated)
        for step in path:
            assert set(names_in(step.expression)) <= known, step
            assert step.symbol not in known, step
            known.add(step.symbol)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_step_but_the_last_is_needed_by_another(family: str) -> None:
    for path in FAMILIES[family].paths:
        needed = {name for step in path for name in names_in(step.expression)}
        assert {step.symbol for step in path[:-1]} <= needed


def test_most_questions_can_be_solved_in_several_ways() -> None:
    questions = list(islice(generate("pool", 0), 1000))
    several = [len(open_paths(FAMILIES[q.family], dict(zip(FAMILIES[q.family].stated, q.numbers, strict=True)))) > 1
               for q in questions]  # fmt: skip
    assert sum(several) > 0.8 * len(several)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_stated_and_asked_is_plausible_and_varied(family: str) -> None:
    name_units = {name: unit_of_stated(family, name) for name in FAMILIES[family].stated}
    stated = set()
    for seed in range(1000):
        given_ = numbers_for(family, seed)
        stated.add(tuple(given_.values()))
        assert all(given_[name] <= BOUNDS[unit] for name, unit in name_units.items()), given_
        path = FAMILIES[family].paths[0]
        assert follow(path, given_)[path[-1].symbol] <= BOUNDS[FAMILIES[family].unit], given_
    assert len(stated) > 450


def test_splits_share_no_numbers_and_one_distribution() -> None:
    parts = {split: list(islice(generate(split, 0), 1000)) for split in SPLITS}
    for split, part in parts.items():
        assert {split_of(question.numbers) for question in part} == {split}
    answers = {split: sum(int(q.answer.split()[0]) for q in part) / len(part) for split, part in parts.items()}
    assert max(answers.values()) < 1.25 * min(answers.values())
    shares = {split: Counter(question.family for question in part) for split, part in parts.items()}
    for family in FAMILIES:
        counts = [shares[split][family] for split in SPLITS]
        assert max(counts) < 1.8 * min(counts)
    for split in ("pool", "test", "dev"):
        problems = [(question.family, question.numbers) for question in parts[split]]
        assert len(set(problems)) == len(problems)


def test_pool_and_two_thousand_test_questions_are_to_be_had() -> None:
    assert len(list(islice(generate("pool", 1), 1024))) == 1024
    assert len(list(islice(generate("test", 1), 2000))) == 2000


def test_streams_depend_on_the_seed_alone_and_prefixes_are_nested() -> None:
    long = [question_id(question.text) for question in islice(generate("pool", 0), 64)]
    assert [question_id(question.text) for question in islice(generate("pool", 0), 16)] == long[:16]
    assert [question_id(question.text) for question in islice(generate("pool", 1), 64)] != long
    assert not set(long) & {question_id(question.text) for question in islice(mathematics.generate("pool", 0), 64)}


def test_families_and_largest_narrow_the_stream() -> None:
    questions = list(islice(generate("train", 0, ("lamps", "towing"), 6), 60))
    assert {question.family for question in questions} == {"lamps", "towing"}
    assert max(max(question.numbers) for question in questions) <= 6
    with pytest.raises(ValueError, match=r"'lamp'.*lamps"):
        next(generate("pool", 0, ("lamp",)))
    with pytest.raises(ValueError, match=r"'holdout'.*train"):
        next(generate("holdout", 0))


def test_a_path_is_closed_where_a_value_is_no_integer_or_too_large() -> None:
    braking = FAMILIES["braking"]
    assert len(open_paths(braking, {"m": 4, "v": 10, "s": 10})) == 3
    assert open_paths(braking, {"m": 60, "v": 40, "s": 100}) == [braking.paths[0], braking.paths[2]]  # 48,000 J
    assert open_paths(braking, {"m": 4, "v": 9, "s": 9}) == []
    with pytest.raises(ArithmeticError, match="E = 48000"):
        follow((FormulaStep("b", "v * v / 2", "J/kg"), FormulaStep("E", "m * b", "J")), {"m": 60, "v": 40})


@given(st.integers(1, LARGEST_VALUE), st.integers(1, LARGEST_VALUE), st.sampled_from(sorted(set(FORMULAS))))
def test_tolerance_tells_answers_apart_and_forgives_a_conversion(one: int, other: int, family: str) -> None:
    unit = FAMILIES[family].unit
    assert same_quantity(f"{one} {unit}", f"{other} {unit}", 0.0005) == (one == other)
    assert not same_quantity(f"{one} {unit}", f"{one} Pa", 0.0005)
    assert same_quantity(f"{one} J", f"{one / 1000:.6g} kJ", 0.0005)


def test_planted_questions_are_found_and_streams_are_clean() -> None:
    held_out = {question_id(q.text): q.text for q in islice(generate("test", 0), 1000)}
    clean = [question.text for question in islice(generate("pool", 0), 1000)]
    assert_clean(held_out, clean, "the pool", procedural=True)
    planted = list(islice(generate("test", 0), 40))
    texts = [*clean, *(question.text.upper() for question in planted)]
    assert {leak.held_out_id for leak in find_leaks(held_out, texts, procedural=True)} >= {
        question_id(question.text) for question in planted
    }
    with pytest.raises(LeakError, match="1 held-out questions"):
        assert_clean({"x": planted[0].text}, [*clean, planted[0].text], "the pool", procedural=True)


def test_the_same_numbers_in_other_words_are_found() -> None:
    for family in FAMILIES.values():
        given_ = draw_numbers(family, random.Random(1))
        first = {slot: choices[0] for slot, choices in WORDS.items()}
        last = {slot: choices[-1] for slot, choices in WORDS.items()}
        held_out = {"held": family.wordings[0].format(**first, **given_)}
        assert find_leaks(held_out, [family.wordings[0].format(**last, **given_)], procedural=True)
        other = {name: value + 1 for name, value in given_.items()}
        assert not find_leaks(held_out, [family.wordings[0].format(**first, **other)], procedural=True)


def test_derived_numbers_follow_from_the_drawn_ones() -> None:
    values = draw_values({"a": (3, 3), "b": (4, 4)}, {"c": "a * b", "d": "c / 2"}, random.Random(0))
    assert values == {"a": 3, "b": 4, "c": 12, "d": 6}
    with pytest.raises(ArithmeticError):
        draw_values({"a": (3, 3)}, {"c": "a / 2"}, random.Random(0))


def test_a_pool_is_loaded_by_the_name_of_the_domain() -> None:
    pool = load("physics", 64, 32, 16, pool_seed=3, families=("lamps", "lens"))
    parts = (pool.questions, pool.test, pool.dev)
    assert [len(part) for part in parts] == [64, 32, 16]
    assert {question.family for part in parts for question in part} == {"lamps", "lens"}
    assert [{split_of(question.numbers) for question in part} for part in parts] == [{"pool"}, {"test"}, {"dev"}]
    with pytest.raises(PoolError, match=r"physics: .* 5000 questions, and the family 'lamps' runs out"):
        load("physics", 5000, 1, families=("lamps",))
