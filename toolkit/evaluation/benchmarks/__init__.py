"""Benchmarks, a file each: where the test items come from, how they are asked and how answers are judged.

A benchmark's module has `benchmark(pool, verification) -> Benchmark` and a line in `toolkit.doors.BENCHMARKS`.
"""

import importlib
from pathlib import Path
from typing import NamedTuple

from toolkit.doors import BENCHMARKS
from toolkit.recipe.sections import Verification


class Benchmark(NamedTuple):
    """A test set.

    Attributes:
        name: what results call it.
        items: a parquet file with question_id, question and answer.
        template: Jinja template of the students' prompt; a teacher gets the prompt with which it is sampled.
        verification: how an answer is found and compared.
    """

    name: str
    items: Path
    template: str
    verification: Verification


def load_benchmark(name: str, pool: Path, verification: Verification) -> Benchmark:
    """Load the benchmark of a name in `BENCHMARKS`.

    Args:
        pool: the folder of the run's pool.
        verification: the recipe's section.
    """
    benchmark: Benchmark = importlib.import_module(BENCHMARKS[name]).benchmark(pool, verification)
    return benchmark
