"""Wrong attempts have one mistake, which is named; a solver reads every question of the domain back from its text."""

import random
import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domains.test_worked import equalities, value
from toolkit.boxed import extract_boxed
from toolkit.domains.mathematics import FAMILIES, fail, generate, parse, solve, vary
from toolkit.domains.stream import split_of
from toolkit.domains.word_problems import NAMES, THINGS

SEEDS = st.integers(0, 10**6)
FAULT = re.compile(r"(?:\d+ [-+*/] \d+(?: = \d+)?|The number \d+) is wrong\.")


@given(st.sampled_from(sorted(FAMILIES)), SEEDS)
def test_every_question_is_read_back_with_its_answer(family: str, seed: int) -> None:
    for question in islice(generate("train", seed, (family,)), 3):
        assert parse(question.text) == question


@given(st.sampled_from(sorted(FAMILIES)), SEEDS)
def test_an_attempt_is_wrong_and_its_correction_is_a_right_solution(family: str, seed: int) -> None:
    rng = random.Random(seed)
    question = next(generate("train", seed, (family,)))
    attempt, fault, right, check, solution = fail(question, rng)
    assert extract_boxed(solution) == extract_boxed(right) == question.answer != extract_boxed(attempt)
    for text in (right, check, solution):
        assert all(len({value(side) for side in chain}) == 1 for chain in equalities(text))
    assert FAULT.fullmatch(fault) and check.endswith(f"= {question.answer}") and solution.startswith(f"{check}\n")
    assert len(equalities(attempt)) == len(equalities(right))


def test_a_fault_stands_in_the_attempt_and_a_wrong_result_alone_is_a_wrong_equality() -> None:
    rng = random.Random(0)
    for question in islice(generate("train", 3), 1000):
        attempt, fault, right, check, _ = fail(question, rng)
        named = fault.removesuffix(" is wrong.").removeprefix("The number ")
        is_chain = "\n" not in attempt and "Answer:" in attempt
        assert is_chain or named in attempt
        broken = [chain for chain in equalities(attempt) if len({value(side) for side in chain}) > 1]
        assert len(broken) == (" = " in fault), (attempt, fault)
        assert is_chain or all(step in right for step in check.splitlines())
        assert " = " not in fault or named not in check


def test_mistakes_are_drawn_in_their_shares_and_by_their_seed() -> None:
    questions = list(islice(generate("train", 0), 2000))
    made = [fail(question, random.Random(place)) for place, question in enumerate(questions)]
    assert made == [fail(question, random.Random(place)) for place, question in enumerate(questions)]
    results = sum(" = " in fault for _, fault, *_ in made) / len(made)
    numbers = sum(fault.startswith("The number") for _, fault, *_ in made) / len(made)
    assert results == pytest.approx(0.5, abs=0.06) and numbers == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize(
    "text",
    [
        "Anna has 3 apples, Anna has 4 and Ben has 5. How many apples do they have together?",  # one name twice
        "Anna has 3 apples, Ben has 4 and Carla has 5. How many books do they have together?",  # other things
        "Ben found 3, 4, 5 and 6 coins on four days. How many coins did Anna find?",
        "Solve 3 * x + 5 = 21.",  # no whole answer
        "Ben had 5 pens, bought 1 more and gave 9 to Anna. How many pens does Ben have now?",  # none above 0
        "Solve 3 * x + 5 = 20. Solve 3 * x + 5 = 20.",
        "Solve 03 * x + 5 = 20.",
        "",
    ],
)
def test_a_text_without_an_answer_is_no_question(text: str) -> None:
    assert parse(text) is None


def test_a_solver_reaches_beyond_the_numbers_that_are_drawn() -> None:
    question = parse("Solve 12 * x + 400 = 1600.")
    assert question and (question.answer, question.family, question.numbers) == ("100", "equation", (12, 400, 1600))


def test_solving_draws_as_before() -> None:
    question = next(generate("train", 0, ("sum3",)))
    assert extract_boxed(solve(question, random.Random(0))) == question.answer


@given(st.sampled_from(sorted(FAMILIES)), st.sampled_from(sorted(FAMILIES)), SEEDS)
def test_a_variation_is_about_the_same_people_and_things(family: str, other: str, seed: int) -> None:
    question, rng = next(generate("train", seed, (family,))), random.Random(seed)
    varied = vary(question, other, rng, 30)
    assert parse(varied.text) == varied and varied.family == other and split_of(varied.numbers) == "train"
    names, things = (set(words).intersection(re.findall(r"\w+", question.text)) for words in (NAMES, THINGS))
    words = set(re.findall(r"\w+", varied.text))
    assert not things or "{things}" not in FAMILIES[other].wordings[0] or things <= words
    assert not names or "{name}" not in FAMILIES[other].wordings[0] or names & words
