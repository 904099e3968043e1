"""Which cells to run next: expectations against refits, verdicts, and what is refused."""

import numpy as np
import pytest

from toolkit import forecast_surface, next_cells
from toolkit.laws.curve.forms import n_eff, rectified
from toolkit.laws.planning.next_cells import DECIDED, NOT_WORTH, REACHED, SHORT
from toolkit.laws.planning.prices import Prices

PRICES = Prices(question=20, response=1, student=100)
CELLS = np.array([(M, r) for M in (128, 256, 512) for r in (1, 2, 4, 8)], float).T
SD = 0.015
TARGET = (1024, 16)


def errors(M, r, rng):
    return rectified(n_eff(M, r, 0.1), 0.15, 180.0, 240.0, 0.85) + rng.normal(0, SD, np.shape(M))


@pytest.fixture(scope="module")
def rows():
    """Questions, budgets and errors of 12 cells with two students each."""
    M, r = np.repeat(CELLS, 2, axis=1)
    return np.array([M, r, errors(M, r, np.random.default_rng(0))])


@pytest.fixture(scope="module")
def advice(rows):
    return next_cells(*rows, PRICES, 100_000, target=TARGET)


def test_cells_come_with_money_and_narrow_step_by_step(advice):
    assert advice.verdict == SHORT and advice.right is None
    widths = [advice.asked.now, *(row.width for row in advice.cells)]
    assert widths == sorted(widths, reverse=True) and advice.least == widths[-1] < 0.8 * widths[0]
    for row in advice.cells:
        assert row.cost == pytest.approx(row.runs * PRICES.cost(row.questions, row.budget))
    assert advice.cost == pytest.approx(sum(row.cost for row in advice.cells)) and advice.cost <= 100_000


def test_the_same_money_in_another_order_leaves_more(advice):
    assert set(advice.rivals) == {"D-optimal", "cheapest first", "random"}
    assert advice.least < min(advice.rivals.values())


def test_the_width_that_comes_is_the_one_expected(rows, advice):
    """Run what is advised on simulated truths of the forecast's own, refit, and average."""
    M, r = np.array([(row.questions, row.budget) for row in advice.cells for _ in range(row.runs)], float).T
    curves = forecast_surface(*rows, M, r).curve
    rng, widths = np.random.default_rng(1), []
    for curve in curves[:12]:
        more = np.array([M, r, np.clip(curve + rng.normal(0, SD, M.size), 0, 1)])
        widths.append(np.diff(forecast_surface(*np.hstack([rows, more]), *TARGET).interval(), axis=0)[0, 0])
    assert np.mean(widths) == pytest.approx(advice.least, rel=0.3)


def test_what_is_asked_for_is_reached_for_less(rows, advice):
    asked = (advice.asked.now + advice.least) / 2
    found = next_cells(*rows, PRICES, 100_000, target=TARGET, width=asked)
    assert found.verdict == REACHED and found.least <= asked and found.cost < advice.cost


def test_nothing_has_to_be_run_where_the_interval_is_narrow_enough(rows):
    found = next_cells(*rows, PRICES, 100_000, target=TARGET, width=0.9)
    assert found.verdict == DECIDED and found.cells == () and found.cost == 0 and found.asked.now < 0.9


def test_little_money_is_not_worth_spending(rows):
    found = next_cells(*rows, PRICES, 3000, target=TARGET, candidates=[(128, 1)])
    assert found.verdict == NOT_WORTH and found.cells == ()
    assert 0.95 * found.asked.now < found.least <= found.asked.now
    assert next_cells(*rows, PRICES, 3000, target=TARGET, candidates=[(128, 1)], worth=0).cells[0].runs == 1


def test_only_candidates_are_run_and_not_more_often_than_allowed(rows):
    found = next_cells(*rows, PRICES, 1e6, target=TARGET, candidates=[(512, 8), (256, 16)], runs=[2, 1], worth=0)
    assert {(row.questions, row.budget): row.runs for row in found.cells} == {(512, 8): 2, (256, 16): 1}


def test_a_choice_is_made_surer(rows):
    found = next_cells(*rows, PRICES, 200_000, decide=8000, confidence=0.99)
    best, rival = found.asked.best, found.asked.rival
    assert max(best.cost, rival.cost) <= 8000
    assert rival.budget >= 2 * best.budget or 2 * rival.budget <= best.budget
    assert found.verdict in (SHORT, REACHED) and found.cells[-1].right > found.right
    sure = next_cells(*rows, PRICES, 200_000, decide=8000, confidence=0.51)
    assert sure.verdict == DECIDED and sure.right == found.right


def test_the_same_rows_give_the_same_advice(rows, advice):
    again = next_cells(*rows[:, ::-1], PRICES, 100_000, target=TARGET)
    assert [row[:3] for row in again.cells] == [row[:3] for row in advice.cells]
    assert again.least == pytest.approx(advice.least)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "ask one thing"),
        ({"target": TARGET, "decide": 8000}, "ask one thing"),
        ({"target": (0, 4)}, "target is 0 x 4"),
        ({"target": (99_999, 4)}, "beyond 16 times"),
        ({"target": TARGET, "width": 5}, "a fraction between 0 and 1"),
        ({"decide": 8000, "width": 0.1}, "that of the interval at a target"),
        ({"decide": 8000, "confidence": 1}, "confidence must lie between"),
        ({"decide": 1e9}, "twice what was tested"),
        ({"decide": 121}, "nothing to choose"),
        ({"target": TARGET, "candidates": []}, "candidates is empty"),
        (
            {"target": TARGET, "candidates": [(5000, 200)]},
            "buys no student: the cheapest cell that may be run, 5000 x 200",
        ),
        ({"target": TARGET, "runs": [1, 2]}, "runs is"),
        ({"target": TARGET, "worth": 1}, "worth is 1"),
        ({"target": TARGET, "spend": 0}, "spend is 0"),
    ],
)
def test_bad_requests_are_named(rows, options, message):
    with pytest.raises(ValueError, match=message):
        next_cells(*rows, PRICES, **{"spend": 100_000, **options})


def test_noise_from_a_single_repeated_student_is_called_so(rows):
    found = next_cells(*rows[:, [0, *range(1, 24, 2)]], PRICES, 1e5, target=TARGET)
    assert any("few repeats (1)" in note for note in found.notes)


def test_too_few_cells_are_named(rows):
    with pytest.raises(ValueError, match="needs at least 6 cells"):
        next_cells(*rows[:, :8], PRICES, 1000, target=(256, 4))
