"""Worked solutions are right in every step, varied, and end in the boxed answer."""

import hashlib
import random
import re
from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.domains.mathematics import FAMILIES, generate, solve
from toolkit.domains.stream import split_of
from toolkit.domains.worked import STYLES, Tree, chain_of, rearrange, show, steps_of, tree_of, write
from toolkit.nano.training_texts import base_texts, teacher_texts


def equalities(text: str) -> list[list[str]]:
    """Give the sides of each equality chain between numbers, read independently of how solutions are written."""
    runs = [run.strip().split("=") for run in re.findall(r"[0-9+\-*/()= ]+", text) if "=" in run]
    return [[side.strip() for side in run if side.strip()] for run in runs]


def value(side: str) -> Fraction:
    assert re.fullmatch(r"[0-9+\-*/() ]+", side)
    return Fraction(eval(re.sub(r"\d+", r"Fraction(\g<0>)", side), {"Fraction": Fraction}))  # noqa: S307


def test_every_step_of_every_solution_is_right() -> None:
    random_ = random.Random(0)
    for question in islice(generate("train", 9), 3000):
        text = solve(question, random_)
        assert text.endswith(f"\\boxed{{{question.answer}}}")
        chains = [chain for chain in equalities(text) if len(chain) > 1]
        assert chains
        for chain in chains:
            assert len({value(side) for side in chain}) == 1, text
        assert value(chains[-1][-1]) == int(question.answer)


def test_base_texts_show_only_right_equalities() -> None:
    for text in islice(base_texts(4), 3000):
        for chain in equalities(text.split("<|assistant|>")[-1]):
            assert len({value(side) for side in chain}) == 1, text


@pytest.mark.parametrize("family", FAMILIES)
def test_each_question_has_several_solutions(family: str) -> None:
    question = next(generate("pool", 0, (family,)))
    random_ = random.Random(0)
    assert len({solve(question, random_) for _ in range(200)}) >= 4
    tree = tree_of(FAMILIES[family].expression, dict(zip("abcd", question.numbers, strict=False)))
    assert len({write(tree, style, random_) for style in STYLES}) == len(STYLES) >= 3


def test_a_product_is_sometimes_distributed() -> None:
    tree = tree_of("a * (b + c)", {"a": 3, "b": 4, "c": 5})
    texts = {show(rearrange(tree, random.Random(seed))) for seed in range(60)}
    assert {"3 * (4 + 5)", "(4 + 5) * 3", "3 * 4 + 3 * 5"} <= texts


SUMS = st.recursive(
    st.integers(1, 60),
    lambda inner: st.tuples(st.sampled_from("+*"), inner, inner) | st.tuples(st.just("*"), inner, inner),
    max_leaves=6,
)


@given(SUMS, st.integers(0, 10**6))
def test_rearranging_and_reducing_keep_the_value(tree: Tree, seed: int) -> None:
    random_ = random.Random(seed)
    expected = value(show(tree))
    assert value(show(rearrange(tree, random_))) == expected
    if not isinstance(tree, int):
        assert {value(side) for side in chain_of(tree, random_).split("=")} == {expected}
        assert value(steps_of(tree, random_)[-1].split("=")[1]) == expected


@given(st.integers(1, 99), st.integers(1, 99), st.integers(1, 99))
def test_parentheses_are_kept_where_they_matter(a: int, b: int, c: int) -> None:
    assert value(show(("-", a, ("-", b, c)))) == a - (b - c)
    assert value(show(("/", a, ("*", b, c)))) == Fraction(a, b * c)
    assert value(show(("*", ("+", a, b), c))) == (a + b) * c


def test_training_texts_hold_no_number_of_another_split() -> None:
    for text in islice(teacher_texts(0), 8000):
        question = text.split("<|assistant|>")[0]
        assert split_of(tuple(map(int, re.findall(r"\d+", question)))) == "train"
    for text in islice(base_texts(0), 4000):
        if text.startswith("<|user|>"):
            question = text.split("<|assistant|>")[0]
            assert split_of(tuple(map(int, re.findall(r"\d+", question)))) == "train"


def test_streams_depend_on_the_seed_alone() -> None:
    for texts in (teacher_texts, base_texts):
        assert list(islice(texts(3), 50)) == list(islice(texts(3), 50)) != list(islice(texts(4), 50))


def test_published_streams_never_change() -> None:
    """Keep the digests of version 1.0.0: pools, corpora and models of its releases are made of these texts."""

    def digest(texts) -> str:  # type: ignore[no-untyped-def]
        return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]

    assert digest(question.text for question in islice(generate("pool", 0), 1000)) == "95784e5a6dab55bd"
    assert digest(islice(teacher_texts(0), 6000)) == "03dc030762bf8bf7"
    assert digest(islice(base_texts(0), 6000)) == "1d59a307e9f792d4"
