"""What belongs to another question: no row keeps its own, and every row is given once where that is possible."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.corpora.derangement import deranged

GROUPS = st.lists(st.integers(1, 9), min_size=2, max_size=8)


def rows_of(sizes):
    return [(f"q{question}", index) for question, size in enumerate(sizes) for index in range(size)]


@given(GROUPS, st.integers(0, 2**63 - 1))
def test_no_row_keeps_what_is_of_its_own_question(sizes, seed):
    rows = rows_of(sizes)
    given_ = deranged(rows, seed)
    assert given_.keys() == set(rows) and all(row[0] != other[0] for row, other in given_.items())
    times = Counter(given_.values())
    if 2 * max(sizes) <= len(rows):
        assert sorted(times) == sorted(rows)
    else:  # the rows of one question share those of all others
        others = len(rows) - max(sizes)
        assert max(times.values()) <= -(-max(sizes) // others)


@given(GROUPS, st.randoms(), st.integers(0, 9))
def test_the_order_of_the_rows_is_nothing_and_the_seed_is_all(sizes, random, seed):
    rows = rows_of(sizes)
    mixed = random.sample(rows, len(rows))
    assert deranged(rows, seed) == deranged(mixed, seed)


def test_seeds_differ_and_one_seed_stays():
    rows = rows_of([2] * 20)
    pairs = [deranged(rows, seed) for seed in (0, 0, 1)]
    assert pairs[0] == pairs[1] != pairs[2]


def test_one_question_has_no_other_and_no_rows_need_none():
    with pytest.raises(ValueError, match="all rows are of the question 'q0'"):
        deranged(rows_of([3]), 0)
    assert deranged([], 0) == {}
