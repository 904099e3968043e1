"""Pools loaded from settings that a test can write on one line."""

from typing import Any

from toolkit.questions.pools import GoldProblem, LeakFinder, LoadedPool, load_pool
from toolkit.recipe import sections


def load(
    source: str,
    size: int,
    test_size: int,
    dev_size: int = 0,
    *,
    leak_finder: LeakFinder | None = None,
    gold_problem: GoldProblem | None = None,
    **settings: Any,
) -> LoadedPool:
    """Load the pool of `source` with these sizes; `settings` are the other keys of a recipe's section `Pool`."""
    section = sections.Pool(pool=source, pool_sizes=(size,), test_size=test_size, dev_size=dev_size, **settings)
    return load_pool(section, leak_finder, gold_problem)
