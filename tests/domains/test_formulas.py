"""Worked physics: every step and the boxed quantity right, many ways to write each, nothing of another split."""

import random
import re
from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.domains.formulas import draw_numbers, fold, follow, open_paths, worked, write
from toolkit.domains.physics import FAMILIES, generate, solve
from toolkit.domains.stream import split_of
from toolkit.domains.worked import STYLES, show
from toolkit.nano.tokenizer import build_tokenizer, unreadable
from toolkit.nano.training_texts import base_texts, teacher_texts
from toolkit.nano.vocabulary import ASSISTANT, USER
from toolkit.recipe.load import load_run
from toolkit.verification.judge import Judge

TOKENIZER = build_tokenizer("physics")
UNIT = re.compile(r"(?<=\d) (?:m/s\^2|kg °C|[a-zA-Z°]+(?:/[a-zA-Z]+|\^2)?)(?=[\s.,:;}<]|$)")

# The same quantity in another unit: how many of it one is, and its zero.
OTHER_UNITS = {
    "m": (100, 0, "cm"), "s": (1000, 0, "ms"), "N": (0.001, 0, "kN"), "W": (0.001, 0, "kW"), "V": (1000, 0, "mV"),
    "J": (0.001, 0, "kJ"), "kPa": (1000, 0, "Pa"), "kJ": (1000, 0, "J"), "cm": (10, 0, "mm"), "°C": (1, 273.15, "K"),
}  # fmt: skip


def chains(text: str) -> list[list[Fraction]]:
    """Give the sides of every equality between numbers, read independently of how workings are written."""
    runs = [run.split("=") for run in re.findall(r"[0-9+\-*/()= ]+", UNIT.sub("", text)) if "=" in run]
    return [[value(side) for side in run if side.strip()] for run in runs]


def value(side: str) -> Fraction:
    assert re.fullmatch(r"[0-9+\-*/() ]+", side), side
    return Fraction(eval(re.sub(r"\d+", r"Fraction(\g<0>)", side.strip()), {"Fraction": Fraction}))  # noqa: S307


@pytest.mark.parametrize("family", FAMILIES)
def test_every_step_and_the_answer_of_every_solution_are_right(family: str) -> None:
    random_ = random.Random(0)
    for question in islice(generate("train", 9, (family,)), 300):
        text = solve(question, random_)
        assert text.endswith(f"\\boxed{{{question.answer}}}")
        equalities = chains(text)
        assert all(len(set(chain)) == 1 for chain in equalities), text
        assert any(len(chain) > 1 and chain[-1] == int(question.answer.split()[0]) for chain in equalities), text


@pytest.mark.parametrize("family", FAMILIES)
def test_the_recipe_judges_solutions_by_value_unit_and_steps(family: str) -> None:
    random_ = random.Random(0)
    questions = list(islice(generate("pool", 0, (family,)), 40))
    texts = [solve(question, random_) for question in questions]
    slipped = [re.sub(r"= (\d+)(?! [-+*/\d])", lambda found: f"= {int(found[1]) + 1}", text, count=1) for text in texts]
    golds = [question.answer for question in questions]
    with Judge(load_run("physics").recipe.verification) as judge:
        right = list(judge.judge((gold, text, "stop") for gold, text in zip(golds, texts, strict=True)))
        assert {(judged.verdict, judged.wrong_step) for judged in right} == {("accepted", False)}
        wrong = list(judge.judge((gold, text, "stop") for gold, text in zip(golds, slipped, strict=True)))
        assert {(judged.verdict, judged.wrong_step) for judged in wrong} == {("accepted", True)}
        number, unit = int(golds[0].split()[0]), golds[0].split()[1]
        factor, zero, other = OTHER_UNITS[unit]
        answers = [f"{number * factor + zero:g} {other}", f"{number} {other}", f"{number * 1.002:.6g} {unit}"]
        assert [judge.quick(golds[0], f"\\boxed{{{answer}}}", "stop") for answer in answers] == [True, False, False]


@settings(max_examples=60)
@given(st.sampled_from(sorted(FAMILIES)), st.integers(0, 10**9))
def test_each_path_is_written_differently_in_every_style_and_ends_in_its_boxed_answer(family: str, seed: int) -> None:
    random_ = random.Random(seed)
    numbers = draw_numbers(FAMILIES[family], random_)
    for path in open_paths(FAMILIES[family], numbers):
        answer = f"\\boxed{{{follow(path, numbers)[path[-1].symbol]} {path[-1].unit}}}"
        texts = [write(path, numbers, style, random_) for style in STYLES]
        assert len(set(texts)) == len(STYLES)
        assert all(text.endswith(answer) for text in texts)
        assert unreadable(TOKENIZER, texts) == []


@settings(max_examples=60)
@given(st.sampled_from(sorted(FAMILIES)), st.integers(0, 10**9))
def test_the_folded_path_and_its_steps_have_the_values_of_the_path(family: str, seed: int) -> None:
    random_ = random.Random(seed)
    numbers = draw_numbers(FAMILIES[family], random_)
    for path in open_paths(FAMILIES[family], numbers):
        values = follow(path, numbers)
        assert value(show(fold(path, numbers))) == values[path[-1].symbol]
        steps = worked(path, numbers, random_)
        assert {step.split(" = ")[0]: int(re.split("[ ]", step.split(" = ")[2])[0]) for step in steps} == values


@pytest.mark.parametrize("family", FAMILIES)
def test_each_question_has_many_solutions(family: str) -> None:
    question = next(generate("pool", 0, (family,)))
    random_ = random.Random(0)
    assert len({solve(question, random_) for _ in range(200)}) >= 8


def test_a_step_never_comes_before_what_it_needs() -> None:
    path, numbers = FAMILIES["momentum"].paths[1], {"m": 3, "t": 2, "u": 4, "v": 10}
    orders = {tuple(step[0] for step in worked(path, numbers, random.Random(seed))) for seed in range(40)}
    assert orders == {("p", "q", "d", "F"), ("q", "p", "d", "F")}
    assert worked(path[:1], numbers, random.Random(0), bare=True)[0] in ("3 * 4 = 12", "4 * 3 = 12")


def test_base_texts_show_only_right_equalities() -> None:
    for text in islice(base_texts(4, domain="physics"), 3000):
        for chain in chains(text.split(ASSISTANT)[-1]):
            assert len(set(chain)) == 1, text


def test_training_texts_hold_no_question_of_another_split() -> None:
    texts = [*islice(teacher_texts(0, domain="physics"), 6000), *islice(base_texts(0, domain="physics"), 6000)]
    prompts = [text.split(ASSISTANT)[0] for text in texts if text.startswith(USER)]
    assert len(prompts) > 6000
    for question in prompts:
        assert split_of(tuple(map(int, re.findall(r"(?<![\^\d])\d+", question)))) == "train"


def test_bare_workings_of_the_base_are_of_the_train_split_and_of_the_families_asked() -> None:
    texts = islice(base_texts(1, ("towing",), domain="physics"), 2000)
    first = {text.split(" = ")[0] for text in texts if " = " in text}
    assert {"M", "f", "g"} <= first
    assert not {"R", "x", "D"} & first
    assert list(islice(base_texts(3, domain="physics"), 50)) != list(islice(base_texts(4, domain="physics"), 50))
