"""Results with nested subsets at matched totals, as `se-math` publishes them: no long ladder, but a plan."""

import dataclasses

import numpy as np
import pytest

import comparing
import data
import selection
from tests.reports.simulated import simulate
from views import compare, extrapolate, law, plan

CELLS = [(256, 2), (512, 1), (256, 8), (512, 4), (1024, 2), (256, 32), (512, 16), (1024, 8)]
PRICES = (20.0, 1.0, 0.0, *[0.0] * 7)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    curves, items = simulate(CELLS, controls=("steps", "epochs"), sd=0.02)
    folder = tmp_path_factory.mktemp("two")
    (folder / "data").mkdir()
    curves.to_parquet(folder / "data" / "curves-000000000000.parquet")
    items.to_parquet(folder / "data" / "items-000000000000.parquet")
    return data.read_results(folder, "yours")["sim"]


@pytest.fixture(params=["matched steps", "equal epochs"])
def choice(found, request):
    return selection.settle(["yours", None, None, f"FSS, 256 questions, {request.param}", None, None, None], found)[0]


def test_each_control_is_a_surface_of_its_own(found, choice):
    assert list(found.ladders("nano>nano")) == [
        f"FSS, {m} questions, {control}"
        for control in ("matched steps", "equal epochs")
        for m in ("256", "512", "1,024")
    ]
    assert choice.cells["control"].nunique() == 1 and len(choice.cells) == 4 * len(CELLS)
    assert {*zip(choice.cells["questions"], choice.cells["budget"], strict=True)} == set(CELLS)


def test_the_map_the_frontier_and_the_crossover_are_drawn(choice):
    output, heat, frontier, text = plan.render(choice, "spend", 12000, 60, False, *PRICES)
    assert "from 32 students of 8 cells." in output and "kappa" in output and "| spending" in text
    tested = next(trace for trace in heat.data if trace.name == "tested")
    assert {*zip(tested.x, tested.y, strict=True)} == set(CELLS)
    assert np.isfinite(heat.data[0].z).all() and 10 < heat.data[0].z.min() < heat.data[0].z.max() < 100
    errors = next(trace for trace in frontier.data if trace.name == "frontier").y
    assert len(errors) == 25 and errors[0] > errors[-1]


def test_more_questions_are_compared_at_equal_totals(choice):
    pairs = comparing.more_questions(choice)
    assert (pairs[0].first, pairs[0].second) == ("256 × 2", "512 × 1")
    assert all(each.contrast.replicates == 4 and each.contrast.items == 200 for each in pairs)
    assert "points won" in compare.render(choice, "questions", "distinct")[2]


def test_where_one_comparison_cannot_be_made_the_page_names_those_that_can(choice):
    output, figure, table, *_ = compare.render(choice, "budgets", "distinct")
    assert figure is None and table == "" and "no budget of this ladder is twice another one" in output
    assert "*more questions at equal responses in all*" in output and "*another arm" not in output


def test_few_budgets_are_a_line_of_the_law_over_both_axes(choice):
    for x, first in (("r", 2), ("total", 512)):
        output, figure, misses, words, text, formula = law.render(choice, x, "log")
        points = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
        assert list(points) == ["256 questions", "512 questions", "1,024 questions"]
        assert points["256 questions"].x[0] == first and sum(len(trace.x) for trace in points.values()) == len(CELLS)
        mean = 100 * choice.cells.query("questions == 512 and budget == 4")["error"].mean()
        assert points["512 questions"].y[1] == pytest.approx(mean)
    assert "kappa" in output and "32 students" in output and "| kappa" in words and misses == "" and "Plan" in text
    assert "kappa" in formula
    lines = [trace for trace in figure.data if trace.name == "law, 256 questions" and trace.line.width]
    (curve,) = lines
    assert len(curve.y) == 80 and list(curve.y) == sorted(curve.y, reverse=True)


def test_one_seed_of_few_budgets_has_a_curve_and_no_interval(found):
    alone = found.curves[(found.curves["train_seed"] == 0) | ~found.curves["arm"].isin(["FSS", "SE"])]
    single = dataclasses.replace(found, curves=alone)
    choice = selection.settle(["yours", *[None] * 6], single)[0]
    output, figure, _, words, *_ = law.render(choice, "r", "linear")
    assert "interval" not in output and "| kappa" in words and "| -" in words and len(figure.data) >= 6


def test_a_budget_beyond_few_is_asked_of_the_plan(choice):
    with pytest.raises(ValueError, match="Plan"):
        extrapolate.render(choice, 64, "90")


def test_where_one_axis_cannot_tell_the_page_names_the_experiment_that_can():
    one = plan.render(selection.settle([None] * 7)[0], "spend", 12000, 60, False, *PRICES)[0]
    assert "Of these results, **se&#45;physics** or **stem** can tell" in one
    two = selection.settle(["example", "se-physics", *[None] * 5])[0]
    assert "from 32 students of 8 cells" in plan.render(two, "spend", 12000, 60, False, *PRICES)[0] and two.toy
