"""Mathematics and physics in one pool: by turns, each from its own stream, splits without common numbers."""

from itertools import islice

import pytest

from tests.questions.loading import load
from toolkit.domains import DOMAINS, mathematics, physics
from toolkit.domains.stream import SPLITS, split_of
from toolkit.questions.files import PoolError

generate = DOMAINS["stem"].generate


def test_domains_take_turns_and_keep_their_own_order() -> None:
    mixed = list(islice(generate("pool", 0), 200))
    assert mixed[0::2] == list(islice(mathematics.generate("pool", 0), 100))
    assert mixed[1::2] == list(islice(physics.generate("pool", 0), 100))


def test_no_family_is_of_both_domains() -> None:
    assert not set(mathematics.FAMILIES) & set(physics.FAMILIES)


@pytest.mark.parametrize("split", SPLITS)
def test_questions_are_of_their_split(split: str) -> None:
    assert {split_of(question.numbers) for question in islice(generate(split, 1), 400)} == {split}


def test_families_narrow_each_domain_and_leave_out_one_without_any() -> None:
    both = islice(generate("train", 0, ("lens", "sum3", "lamps")), 200)
    assert {question.family for question in both} == {"lens", "sum3", "lamps"}
    assert {question.family for question in islice(generate("train", 0, ("lens",)), 50)} == {"lens"}
    with pytest.raises(ValueError, match=r"\['sums'\]: only families of mathematics and physics"):
        generate("pool", 0, ("sums", "lens"))


def test_a_pool_of_both_is_loaded_by_name_with_nested_prefixes() -> None:
    pool = load("stem", 64, 40, 20, pool_seed=3)
    assert [len(part) for part in (pool.questions, pool.test, pool.dev)] == [64, 40, 20]
    assert load("stem", 32, 40, 20, pool_seed=3).questions == pool.questions[:32]
    assert sum(question.family in physics.FAMILIES for question in pool.test) == 20
    with pytest.raises(PoolError, match=r"stem: pool_sizes asks for 5000 questions, and the family 'lamps' runs out"):
        load("stem", 5000, 1, families=("lamps", "sum3"))
