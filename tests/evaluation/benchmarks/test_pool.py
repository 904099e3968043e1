from pathlib import Path

import pytest

from toolkit.doors import BENCHMARKS, OLDER
from toolkit.evaluation.benchmarks import load_benchmark
from toolkit.recipe.sections import Verification


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_is_known_by_its_name(name):
    assert load_benchmark(name, Path("pool"), Path("kept"), Verification()).name == name


def test_the_pool_s_own_questions_are_asked_bare_and_judged_by_the_recipe():
    judged = Verification(answer_kind="numeric", tolerance=0.02)
    assert load_benchmark(OLDER["benchmark"], Path("pool"), Path("kept"), judged) == (
        "pool", Path("pool/test.parquet"), "{{ question }}", judged,
    )  # fmt: skip
