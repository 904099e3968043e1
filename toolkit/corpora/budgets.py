"""The arithmetic of a ladder: budgets are unions of increments, question subsets are unions of shells, both disjoint.

A corpus is stored once, as shell x increment files. A cell (a question subset at a budget) is a list of those files,
the increments in order and within each the shells in order, so that the files of r = 8 are the first ones of r = 16.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

# How the names of cells begin: by the ladder's counting, or by what an arm of several steps is matched at
LETTERS = {
    "sampled": "r",
    "accepted": "a",
    "adaptive": "s",
    "samples": "m",
    "tokens": "t",
    "compute": "c",
    "money": "p",
}


class Shell(NamedTuple):
    """What a question subset adds to the next smaller one: positions `start <= position < stop` of the pool's order."""

    name: str
    start: int
    stop: int


def increments(budgets: Sequence[int]) -> list[tuple[int, int]]:
    """Give the response indices `start <= index < stop` that each rung adds; (1, 2, 4) gives [(0, 1), (1, 2), (2, 4)].

    Raises:
        ValueError: if there are no budgets (responses per question, each >= 1), or they do not grow.
    """
    _check_growing("budgets", budgets)
    return list(pairwise((0, *budgets)))


def shells(pool_sizes: Sequence[int], questions: int | None = None) -> list[Shell]:
    """Give the shells of the nested question subsets, up to the subset of `questions` questions (default: the largest).

    Args:
        pool_sizes: growing sizes of the nested subsets, in questions; each is a prefix of the pool order.
        questions: one of `pool_sizes`.

    Raises:
        ValueError: if the sizes do not grow, are too close for different names, or do not hold `questions`.
    """
    _check_growing("pool_sizes", pool_sizes)
    largest = pool_sizes[-1] if questions is None else questions
    if largest not in pool_sizes:
        raise ValueError(f"questions: {largest} is not a nested subset; choose one of pool_sizes {_listed(pool_sizes)}")
    names = [f"q{round(size / pool_sizes[0], 1):.10g}" for size in pool_sizes]
    if len(set(names)) < len(names):
        raise ValueError(
            f"pool_sizes: {_listed(pool_sizes)} give the names {', '.join(names)}; space the sizes further"
        )
    bounds = pairwise((0, *pool_sizes))
    return [Shell(name, *bound) for name, bound in zip(names, bounds, strict=True) if bound[1] <= largest]


def file_name(shell: Shell, increment: tuple[int, int]) -> str:
    """Name the file of a shell x increment: `q1/i008-016.parquet` for indices 8 to 15 of the first shell."""
    return f"{shell.name}/i{increment[0]:03d}-{increment[1]:03d}.parquet"


def cell_files(questions: int, budget: int, pool_sizes: Sequence[int], budgets: Sequence[int]) -> list[str]:
    """Give the files of a cell, increment-major: those of a smaller budget of the same questions come first.

    Raises:
        ValueError: if `budget` is not a rung of `budgets`, or `questions` not one of `pool_sizes`.
    """
    rungs = increments(budgets)
    if budget not in budgets:
        raise ValueError(f"budget: {budget} is not in the ladder; choose one of budgets {_listed(budgets)}")
    parts = shells(pool_sizes, questions)
    return [file_name(shell, rung) for rung in rungs if rung[1] <= budget for shell in parts]


def cell_name(
    questions: int, budget: int, pool_sizes: Sequence[int], ladder_questions: int, counting: str = "sampled"
) -> str:
    """Give the name of a cell: `r16` for the ladder's question subset, `q4-r16` for another.

    The letter says what the budget counts: `r` responses, `a` distinct accepted responses, `s` responses at most, and
    of an arm `m` as many samples, `t` tokens, `c` compute or `p` money (a price) as so many plain responses take.
    """
    name = f"{LETTERS[counting]}{budget}"
    return name if questions == ladder_questions else f"{shells(pool_sizes, questions)[-1].name}-{name}"


def _check_growing(key: str, sizes: Sequence[int]) -> None:
    if not sizes or sizes[0] < 1 or any(high <= low for low, high in pairwise(sizes)):
        raise ValueError(
            f"{key}: {_listed(sizes) or 'none'}; give whole numbers of at least 1, each above the one before"
        )


def _listed(sizes: Sequence[int]) -> str:
    return ", ".join(str(size) for size in sizes)
