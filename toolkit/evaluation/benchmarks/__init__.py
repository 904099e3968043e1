"""Benchmarks, a file each: where the test items come from, how they are asked and how answers are judged.

A benchmark's module has `benchmark(pool, kept, verification) -> Benchmark` and a line in `toolkit.doors.BENCHMARKS`.
"""

from pathlib import Path
from typing import NamedTuple

from toolkit.doors import BENCHMARKS, open_door
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


def load_benchmark(name: str, pool: Path, kept: Path, verification: Verification) -> Benchmark:
    """Load the benchmark of a name in `BENCHMARKS`; a run does it more than once.

    Args:
        pool: the folder of the run's pool.
        kept: a folder of the workspace that is the benchmark's own. It makes it to keep what it fetches, and finds it
            there the next time.
        verification: the recipe's section.
    """
    benchmark: Benchmark = open_door(BENCHMARKS, name, "benchmark").benchmark(pool, kept, verification)
    return benchmark
