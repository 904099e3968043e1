"""The recipe's own test questions, asked without further text and judged as the teacher's responses are."""

from pathlib import Path

from toolkit.evaluation.benchmarks import Benchmark
from toolkit.prompt import PLAIN
from toolkit.recipe.sections import Verification


def benchmark(pool: Path, kept: Path, verification: Verification) -> Benchmark:
    """Give the benchmark of the pool's held-out test questions."""
    return Benchmark("pool", pool / "test.parquet", PLAIN, verification)
