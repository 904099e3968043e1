"""Orders of students: what they may cost, and where the better of two ways to choose differs from a greedy one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.planning.test_belief import belief_of
from toolkit.laws.planning.belief import Belief
from toolkit.laws.planning.sequence import (
    RIVALS,
    Candidates,
    best_sequence,
    by_gain_per_money,
    in_order_of_first,
    sequence,
)


def candidates(cost, most=3.0) -> Candidates:
    cost = np.array(cost, float)
    return Candidates(
        np.arange(len(cost)) + 1.0, np.ones(len(cost)), cost, np.full(len(cost), most), np.zeros(len(cost))
    )


def never(belief: Belief) -> bool:
    return False


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 30), st.sampled_from([by_gain_per_money, *RIVALS.values()]))
def test_no_order_spends_more_than_there_is_or_stops_while_something_can_be_paid(seed, limit, order):
    belief, _ = belief_of(seed)
    cells = candidates([0.5, 1, 2, 4])
    picked, beliefs = sequence(belief, cells, limit, order, never, seed)
    count = np.bincount(picked, minlength=4)
    spent = float(count @ cells.cost)
    assert spent <= limit * (1 + 1e-6) and count.max(initial=0) <= 3 and len(beliefs) == len(picked) + 1
    assert np.all((count == 3) | (spent + cells.cost > limit))
    variances = [each.variance for each in beliefs]
    assert variances == sorted(variances, reverse=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(2, 20))
def test_the_best_sequence_leaves_no_more_than_gain_per_money_alone(seed, limit):
    belief, _ = belief_of(seed)
    cells = candidates([0.5, 1, 2, 4])
    greedy = sequence(belief, cells, limit, by_gain_per_money, never)[1][-1].variance
    assert best_sequence(belief, cells, limit, never, 0.0)[1][-1].variance <= greedy * (1 + 1e-9)


def test_a_cheap_student_does_not_use_up_the_money_of_the_one_that_tells():
    belief = Belief(np.diag([1.0, 1.0]), np.array([0.2, 0.9]), 1.0, np.array([0.1, 0.1]))
    cells = candidates([0.1, 10], most=1)
    assert sequence(belief, cells, 10, by_gain_per_money, never)[0] == [0]
    assert best_sequence(belief, cells, 10, never, 0.05)[0] == [1]


def test_money_that_hardly_narrows_is_not_spent():
    belief = Belief(np.diag([1.0, 1.0]), np.array([0.9, 0.05]), 1.0, np.array([0.1, 0.1]))
    assert best_sequence(belief, candidates([1, 1], most=1), 2, never, 0.0)[0] == [0, 1]
    assert best_sequence(belief, candidates([1, 1], most=1), 2, never, 0.05)[0] == [0]
    assert best_sequence(belief, candidates([1, 1], most=1), 2, never, 0.9)[0] == []


def test_the_cheapest_come_first_and_twice_only_when_all_were_run():
    belief, _ = belief_of(0)
    cells = candidates([3, 1, 2, 4])._replace(measured=np.array([0, 1, 0, 0.0]))
    picked, _ = sequence(belief, cells, 100, RIVALS["cheapest first"], never)
    assert picked[:7] == [2, 0, 3, 1, 2, 0, 3]


def test_students_are_counted_by_cell():
    assert in_order_of_first([2, 0, 2, 2]) == {2: 3, 0: 1}


def test_the_d_optimal_student_is_the_one_of_the_largest_signal():
    belief = Belief(np.diag([1.0, 4.0]), np.array([0.9, 0.0]), 1.0, np.array([0.5, 0.5]))
    assert sequence(belief, candidates([1, 1]), 1, RIVALS["D-optimal"], never)[0] == [1]
    assert belief.information == pytest.approx([np.log(3) / 2, np.log(9) / 2])
