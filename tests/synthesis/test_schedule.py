import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.recipe.sections import Ladder
from toolkit.synthesis.schedule import decision_lines, expected_per_draw, rounds

paths = st.sampled_from([None, None, "a", "b", "c", "d"])
answers = st.lists(st.lists(paths, min_size=12, max_size=12), min_size=1, max_size=5)
ladders = st.lists(st.integers(1, 6), min_size=1, max_size=4, unique=True).map(lambda rungs: tuple(sorted(rungs)))


def walk(ladder, table, budget=None):
    """Every round with its pairs and every decision; a path is shown only once its round was yielded."""
    shown, made, decisions = set(), [], []

    def path(position, index):
        assert (position, index) in shown
        return table[position][index]

    for wanted in rounds(ladder, len(table), budget or ladder.budgets[-1], path, decisions.append):
        pairs = list(wanted.pairs())
        assert len(pairs) == wanted.total > 0 and not shown & set(pairs)
        shown |= set(pairs)
        made.append((wanted, pairs))
    return made, decisions


def distinct(row, draws):
    return len(set(row[:draws]) - {None})


@given(answers, ladders)
def test_sampled_draws_every_index_of_a_rung_before_the_next(table, budgets):
    made, decisions = walk(Ladder(budgets=budgets), table)
    assert [wanted.budget for wanted, _ in made] == list(budgets) and decisions == []
    order = [pair for _, pairs in made for pair in pairs]
    assert order == [(position, index) for index in range(budgets[-1]) for position in range(len(table))]


@given(answers, ladders, st.integers(1, 12))
def test_accepted_draws_until_the_texts_are_there_or_the_cap_is(table, budgets, cap):
    made, decisions = walk(Ladder(budgets=budgets, counting="accepted", max_draws=cap), table)
    assert decisions == []
    assert [wanted.budget for wanted, _ in made] == sorted(wanted.budget for wanted, _ in made)
    for position, row in enumerate(table):
        draws = made[-1][0].stop[position]
        assert sorted(i for _, pairs in made for p, i in pairs if p == position) == list(range(draws))
        # enough, and not one more than enough
        assert draws == cap or distinct(row, draws) == budgets[-1]
        assert distinct(row, draws) <= budgets[-1] and distinct(row, draws - 1) < budgets[-1]


@given(answers, ladders, st.integers(1, 12))
def test_the_draws_of_a_smaller_accepted_budget_come_first(table, budgets, cap):
    ladder = Ladder(budgets=budgets, counting="accepted", max_draws=cap)
    whole = [pair for _, pairs in walk(ladder, table)[0] for pair in pairs]
    for budget in budgets:
        part = [pair for _, pairs in walk(ladder, table, budget)[0] for pair in pairs]
        assert whole[: len(part)] == part


def adaptive(table, cap=12, below=0.2, scope="question"):
    ladder = Ladder(budgets=(cap,), counting="adaptive", stop_below=below, stop_scope=scope)
    return walk(ladder, table)


@given(answers, st.floats(0.17, 0.9), st.sampled_from(["question", "pool"]))
def test_an_adaptive_question_is_drawn_until_its_decision_stops_it(table, below, scope):
    made, decisions = adaptive(table, below=below, scope=scope)
    assert [int(wanted.stop.max()) for wanted, _ in made] == [4, 8, 12][: len(made)]
    final = made[-1][0].stop
    for position, draws in enumerate(final):
        said = [decision for decision in decisions if decision.position in (None, position)]
        assert [decision.stopped for decision in said] == [False] * (len(said) - 1) + [draws < 12]
        assert draws == {0: 12}.get(len(said) - sum(d.stopped for d in said) - 2, 4 * len(said))
    assert all(d.stopped == (d.expected_new_per_draw < d.threshold == below) for d in decisions)


@pytest.mark.parametrize(("cap", "steps"), [(5, [4, 5]), (6, [4, 6]), (24, [4, 8, 16, 24])])
def test_rounds_double_up_to_the_cap(cap, steps):
    made, decisions = adaptive([[str(i) for i in range(cap)]], cap)
    assert [int(wanted.stop[0]) for wanted, _ in made] == steps
    assert len(decisions) == len(steps) - 1


def test_a_decision_says_what_it_rests_on():
    table = [["a", "b", None, "c", *"defghijk"], [None] * 12, ["x"] * 12]
    _, (first, second, third, *_) = adaptive(table, below=0.17)
    assert (first.draws, first.accepted, first.distinct, first.stopped) == (4, 3, 3, False)
    assert (second.accepted, second.distinct, second.expected_new_per_draw) == (0, 0, 1 / 6)
    assert (third.accepted, third.distinct, third.expected_new_per_draw) == (4, 1, 1 / 6)
    assert second.stopped and third.stopped
    _, (pool, *_) = adaptive(table, below=0.17, scope="pool")
    assert (pool.scope, pool.position, pool.draws, pool.accepted, pool.distinct) == ("pool", None, 12, 7, 4)


def test_the_rate_is_that_of_the_next_round_and_never_below_what_so_few_draws_can_tell():
    one = np.array([2, 1, 0, 0])  # two paths seen once, one twice, in 4 draws
    assert expected_per_draw(one, 4, 4, 4) == pytest.approx((2 * 15 / 16 - 11 / 16) / 4)
    assert expected_per_draw(np.zeros(8, int), 8, 8, 8) == 1 / 10
    # the same rate for a pool of such questions, whose floor is lower
    assert expected_per_draw(100 * one, 4, 4, 400) == pytest.approx(expected_per_draw(one, 4, 4, 4))
    assert expected_per_draw(np.zeros(4, int), 4, 4, 400) == 1 / 402


def test_a_hard_question_is_not_given_up_before_the_draws_can_tell():
    hard = [None] * 8 + ["late", "later"] + [None] * 22
    made, decisions = adaptive([hard], cap=32, below=0.1)
    assert int(made[-1][0].stop[0]) == 32  # the ninth and tenth were right, so another round paid
    assert [d.draws for d in decisions] == [4, 8, 16] and not decisions[1].stopped
    assert int(adaptive([[None] * 32], cap=32, below=0.1)[0][-1][0].stop[0]) == 16


@pytest.mark.parametrize(("cap", "below"), [(32, 1 / 18), (32, 0.01), (8, 0.16), (4, 0.9)])
def test_a_rule_that_could_stop_nothing_is_refused(cap, below):
    ladder = Ladder(budgets=(cap,), counting="adaptive", stop_below=below)
    with pytest.raises(ValueError, match=rf"stop_below: .* can stop nothing within {cap} draws .* stop_scope: pool"):
        rounds(ladder, 3, cap, lambda position, index: None, pytest.fail)
    if cap > 4:
        made, _ = adaptive([["a"] * cap] * 50, cap, below, "pool")
        assert made[-1][0].stop.tolist() == [4] * 50


def simulated(paths, acceptance, seed, draws=64):
    rng = np.random.default_rng(seed)
    labels = rng.integers(paths, size=draws).tolist()
    return [label if accepted else None for label, accepted in zip(labels, rng.random(draws) < acceptance, strict=True)]


def test_saturated_questions_are_stopped_early_and_productive_ones_are_not():
    saturated = [simulated(2, 0.9, seed) for seed in range(100)]
    hopeless = [simulated(1000, 0.0, seed) for seed in range(100)]
    productive = [simulated(1000, 0.5, seed) for seed in range(100)]
    modest = [simulated(1000, 0.2, seed) for seed in range(100)]
    made, _ = adaptive([*saturated, *hopeless, *productive, *modest], cap=64, below=0.05)
    draws = made[-1][0].stop.reshape(4, 100).mean(axis=1)
    assert draws[0] <= 33 and draws[1] == 32  # half of 64 is saved
    assert draws[2] == 64 and draws[3] >= 60


def test_the_pool_stops_as_one_where_its_questions_would_be_judged_on_too_little():
    rich = [simulated(1000, 0.5, seed) for seed in range(50)]
    poor = [simulated(2, 0.9, seed) for seed in range(50)]
    for table, stopped in ((rich, 32), (poor, 4)):
        made, decisions = adaptive(table, cap=32, below=0.1, scope="pool")
        assert set(made[-1][0].stop.tolist()) == {stopped}
        assert Counter(decision.stopped for decision in decisions)[True] == (stopped < 32)


def test_decisions_are_lines_with_question_ids_and_the_same_for_the_same_answers():
    table = [["a"] * 12, [None] * 12]
    _, decisions = adaptive(table)
    text = decision_lines(decisions, ["q-a", "q-ü"])
    assert text == decision_lines(adaptive(table)[1], ["q-a", "q-ü"])
    assert json.loads(text.splitlines()[1]) == {
        "scope": "question", "question_id": "q-ü", "draws": 4, "accepted": 0, "distinct": 0,
        "expected_new_per_draw": 1 / 6, "threshold": 0.2, "stopped": True,
    }  # fmt: skip
    _, decisions = adaptive(table, scope="pool")
    assert [json.loads(line)["question_id"] for line in decision_lines(decisions, ["a", "b"]).splitlines()] == [None]
