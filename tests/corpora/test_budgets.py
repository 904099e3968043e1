from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.corpora.budgets import Shell, cell_files, cell_name, file_name, increments, shells

ladders = st.lists(st.integers(1, 999), min_size=1, max_size=8, unique=True).map(sorted)
subsets = st.lists(st.integers(1, 64), min_size=1, max_size=5, unique=True).map(
    lambda sizes: sorted(256 * s for s in sizes)
)


def indices(parts):
    return [index for start, stop in parts for index in range(start, stop)]


@given(ladders)
def test_increments_partition_the_indices_of_every_rung(budgets):
    parts = increments(budgets)
    for rung, budget in enumerate(budgets, start=1):
        assert indices(parts[:rung]) == list(range(budget))


@given(subsets.filter(lambda sizes: all(size % sizes[0] == 0 for size in sizes)))
def test_shells_partition_every_nested_subset(sizes):
    for size in sizes:
        parts = shells(sizes, size)
        assert indices((start, stop) for _, start, stop in parts) == list(range(size))
        assert parts == shells(sizes)[: len(parts)]
        assert parts[-1].name == f"q{size // sizes[0]}"


@given(ladders, st.sampled_from([(256,), (256, 512, 1024), (1868, 3736, 7473)]))
def test_a_smaller_budget_is_a_prefix_and_no_file_is_in_two_cells_twice(budgets, sizes):
    for questions in sizes:
        cells = [cell_files(questions, budget, sizes, budgets) for budget in budgets]
        for small, large in pairwise(cells):
            assert large[: len(small)] == small
        assert len(set(cells[-1])) == len(cells[-1]) == len(budgets) * (sizes.index(questions) + 1)


def test_files_are_increment_major():
    assert cell_files(512, 2, (256, 512, 1024), (1, 2, 4)) == [
        "q1/i000-001.parquet",
        "q2/i000-001.parquet",
        "q1/i001-002.parquet",
        "q2/i001-002.parquet",
    ]
    assert file_name(Shell("q1", 0, 256), (8, 16)) == "q1/i008-016.parquet"


def test_cells_are_named_by_subset_and_budget():
    assert cell_name(256, 16, (256, 512, 1024), 256) == "r16"
    assert cell_name(1024, 8, (256, 512, 1024), 256) == "q4-r8"
    assert cell_name(7473, 8, (1868, 3736, 7473), 1868) == "q4-r8"
    assert cell_name(384, 8, (256, 384), 256) == "q1.5-r8"


def test_the_letter_of_a_name_says_what_is_counted():
    assert cell_name(256, 16, (256, 512), 256, "accepted") == "a16"
    assert cell_name(512, 16, (256, 512), 256, "accepted") == "q2-a16"
    assert cell_name(256, 32, (256, 512), 256, "adaptive") == "s32"


@pytest.mark.parametrize("budgets", [(), (0, 1), (2, 1), (1, 1, 2), (-1,)])
def test_a_ladder_that_does_not_grow_is_refused(budgets):
    with pytest.raises(ValueError, match=r"budgets: .*each above the one before"):
        increments(budgets)
    with pytest.raises(ValueError, match=r"pool_sizes: .*each above the one before"):
        shells(budgets)


def test_subsets_and_budgets_outside_the_ladder_are_named():
    with pytest.raises(ValueError, match="questions: 300 is not a nested subset; choose one of pool_sizes 256, 512"):
        shells((256, 512), 300)
    with pytest.raises(ValueError, match="budget: 3 is not in the ladder; choose one of budgets 1, 2, 4"):
        cell_files(256, 3, (256, 512), (1, 2, 4))
    with pytest.raises(ValueError, match="names q1, q1"):
        shells((1000, 1001))


@given(ladders, st.integers(1, 2000))
def test_a_published_ladder_grows_only_upward(published, rung):
    ladder = sorted({*published, rung})
    if rung in published or rung > published[-1]:
        assert increments(ladder)[: len(published)] == increments(published)
    else:
        assert increments(ladder)[: len(published)] != increments(published)
