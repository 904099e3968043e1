"""Procedural mathematics: exact answers, wide ranges, splits that share nothing, the same stream everywhere."""

import contextlib
import os
import random
import re
import subprocess
import sys
from collections import Counter
from itertools import combinations, islice, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.domains.expressions import evaluate
from toolkit.domains.mathematics import FAMILIES, generate
from toolkit.domains.stream import SPLITS, Question, question_id, split_of


def test_every_family_appears_in_every_wording() -> None:
    questions = list(islice(generate("pool", 0), 3000))
    assert {question.family for question in questions} == set(FAMILIES)
    assert len(FAMILIES) >= 8
    for name, family in FAMILIES.items():
        patterns = [re.sub(r"\\\{\w+\\\}", r"\\w+", re.escape(wording)) for wording in family.wordings]
        texts = [question.text for question in questions if question.family == name]
        assert all(any(re.fullmatch(pattern, text) for text in texts) for pattern in patterns)


def test_answers_follow_from_the_stated_numbers() -> None:
    for question in islice(generate("test", 3), 1000):
        letters = sorted(re.findall(r"\b[a-d]\b", FAMILIES[question.family].expression))
        values = dict(zip(letters, question.numbers, strict=True))
        assert question.answer == str(evaluate(FAMILIES[question.family].expression, values))
        assert int(question.answer) > 0
        assert Counter(re.findall(r"\d+", question.text)) == Counter(map(str, question.numbers))


@pytest.mark.parametrize("name", FAMILIES)
def test_no_family_is_narrow(name: str) -> None:
    family = FAMILIES[name]
    stated = set()
    for numbers in product(*(range(low, high + 1) for low, high in family.draws.values())):
        values = dict(zip(family.draws, numbers, strict=True))
        values |= {letter: evaluate(expression, values) for letter, expression in family.derived.items()}
        with contextlib.suppress(ArithmeticError):
            evaluate(family.expression, values)
            stated.add(tuple(values[letter] for letter in "abcd" if letter in values))
    assert len(stated) >= 5_000


@pytest.fixture(scope="module")
def parts() -> dict[str, list[Question]]:
    return {split: list(islice(generate(split, 0), 1000)) for split in SPLITS}


def test_no_two_splits_share_numbers(parts: dict[str, list[Question]]) -> None:
    numbers = [{tuple(sorted(question.numbers)) for question in part} for part in parts.values()]
    assert not any(one & other for one, other in combinations(numbers, 2))


def test_no_split_has_larger_numbers_than_another(parts: dict[str, list[Question]]) -> None:
    sizes = [sum(sum(question.numbers) for question in part) / len(part) for part in parts.values()]
    assert max(sizes) < 1.06 * min(sizes)


def test_no_split_is_dominated_by_a_few_sets_of_numbers(parts: dict[str, list[Question]]) -> None:
    for part in parts.values():
        counts = Counter(tuple(sorted(question.numbers)) for question in part)
        assert max(counts.values()) <= 0.01 * len(part)
        assert len(counts) > 0.6 * len(part)


def test_every_family_has_about_the_same_share_of_every_split(parts: dict[str, list[Question]]) -> None:
    shares = {split: Counter(question.family for question in part) for split, part in parts.items()}
    for family in FAMILIES:
        counts = [shares[split][family] for split in SPLITS]
        assert max(counts) < 1.5 * min(counts)


def test_no_problem_comes_twice() -> None:
    problems = [(question.family, question.numbers) for question in islice(generate("pool", 5), 2000)]
    assert len(set(problems)) == len(problems)


def test_later_questions_are_hardly_harder_than_earlier_ones() -> None:
    sizes = [sum(question.numbers) for question in islice(generate("pool", 0), 1024)]
    assert abs(sum(sizes[:512]) / sum(sizes[512:]) - 1) < 0.1


@given(st.lists(st.integers(1, 999), min_size=2, max_size=4), st.randoms())
def test_split_ignores_the_order_of_numbers(numbers: list[int], random_: random.Random) -> None:
    shuffled = random_.sample(numbers, len(numbers))
    assert split_of(tuple(numbers)) == split_of(tuple(shuffled)) in SPLITS


def test_stream_is_the_same_in_another_process() -> None:
    code = "from itertools import islice\nfrom toolkit.domains.mathematics import generate\n"
    code += "from toolkit.domains.stream import question_id\n"
    code += "print(*(question_id(q.text) for q in islice(generate('pool', 7), 50)))"
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for seed in ("1", "2")
    ]
    here = [question_id(question.text) for question in islice(generate("pool", 7), 50)]
    assert outputs == [here, here]
    assert here != [question_id(question.text) for question in islice(generate("pool", 8), 50)]
    assert all(re.fullmatch(r"[0-9a-f]{16}", each) for each in here)


def test_prefixes_are_nested() -> None:
    long = list(islice(generate("pool", 0), 64))
    assert list(islice(generate("pool", 0), 16)) == long[:16]


def test_families_and_largest_narrow_the_stream() -> None:
    questions = list(islice(generate("pool", 0, ("sum3", "equation"), 12), 30))
    assert {question.family for question in questions} == {"sum3", "equation"}
    assert max(max(q.numbers) for q in questions if q.family == "sum3") <= 12


def test_a_split_without_numbers_ends_instead_of_looping() -> None:
    first = {split: next(generate(split, 0, ("sum3",), 2), None) for split in SPLITS}
    assert [split for split, question in first.items() if question] == [split_of((2, 2, 2))]


def test_unknown_names_are_named() -> None:
    with pytest.raises(ValueError, match=r"'sums'.*sum3"):
        next(generate("pool", 0, ("sums",)))
    with pytest.raises(ValueError, match=r"'holdout'.*train"):
        next(generate("holdout", 0))


def test_evaluate_refuses_what_is_no_positive_integer() -> None:
    assert evaluate("a * (b + c)", {"a": 3, "b": 4, "c": 5}) == 27
    for expression in ("a - b", "a / b"):
        with pytest.raises(ArithmeticError):
            evaluate(expression, {"a": 2, "b": 5})
    with pytest.raises(ValueError, match="only"):
        evaluate("a ** b if a else b", {"a": 2, "b": 5})
