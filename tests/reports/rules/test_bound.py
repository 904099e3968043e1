"""The rule of the bound: no floor without doubled steps, and the gap beside the teacher."""

from dataclasses import replace
from statistics import mean

import pytest

from tests.reports.simulated import LADDER, simulate
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.results import series_of
from toolkit.reports.rules.bound import decide_bound, steps_move
from toolkit.workspace import to_json

FAR = [(2048, r) for r in (1, 2, 4, 8, 16, 32)]  # far down the curve, where the floor shows


def far(**options):
    return series_of(*simulate(FAR, sd=0.001, items=400, kappa=0.5, **{"floor": 0.45, "teacher": 0.2, **options}))[1]


def doubled(by):
    """Students of the top rung with twice the steps, whose error is lower by so much; none for None."""
    if by is None:
        return []
    (series,) = far()
    top = {key: wrong - by for key, wrong in series.wrong.items() if key[0] == FAR[-1]}
    return [replace(series, control="doubled", wrong=top)]


def test_a_floor_above_the_teacher_is_confirmed_only_with_doubled_steps():
    output = {move: decide_bound("sim", [*far(), *doubled(by)], DecisionRules()) for move, by in
            {"none": None, "much": 0.02, "little": 0.005}.items()}  # fmt: skip
    assert {move: each.verdict for move, each in output.items()} == {
        "none": "cannot tell",
        "much": "cannot tell",
        "little": "confirmed",
    }
    assert "doubled steps were not tried" in output["none"].sentence and "by 2.00 points" in output["much"].sentence
    part = output["little"].numbers["parts"][0]
    assert part.floor.low > part.teacher and part.student == pytest.approx(part.teacher + part.gap.estimate)
    assert 0 < part.explained.low <= part.explained.middle <= part.explained.high <= 1
    to_json(output["little"])


def test_a_teacher_above_the_floor_leaves_it_open():
    decision = decide_bound("sim", [*far(teacher=0.9), *doubled(0.0)], DecisionRules())
    assert decision.verdict == "cannot tell" and "may lie below the teacher" in decision.sentence
    assert decision.numbers["parts"][0].gap.estimate < 0


def test_the_gap_is_paired_with_the_teachers_own_answers():
    (series,) = far()
    part = decide_bound("sim", [series], DecisionRules()).numbers["parts"][0]
    expected = series.matrix([(2048, 32)])[0].mean() - series.lines["teacher"].mean()
    assert part.gap.estimate == pytest.approx(expected) and part.top == (2048, 32)


def test_doubled_steps_are_compared_cell_by_cell():
    (short,), (long,) = (series_of(*simulate(LADDER, floor=floor, items=400))[1] for floor in (0.1, 0.2))
    moved = [abs(mean(short.errors((256, r))) - mean(long.errors((256, r)))) for r in (8, 16, 32)]
    few = {key: wrong for key, wrong in long.wrong.items() if key[0][1] >= 8}
    assert steps_move(short, [short, replace(long, control="doubled", wrong=few)]) == pytest.approx(max(moved))
    assert steps_move(short, [short, replace(short, control="doubled")]) == 0
    others = replace(long, control="doubled", pair="other>nano"), replace(long, control="epochs")
    assert steps_move(short, [short, *others]) is None


def test_students_trained_twice_as_long_are_no_ladder():
    (series,) = far()
    output = decide_bound("sim", [series, *doubled(0.0)], DecisionRules(control="epochs"))
    assert [part.control for part in output.numbers["parts"]] == ["steps"]


def test_a_teacher_that_was_not_scored_is_missed():
    curves, items = simulate(LADDER, items=20)
    every = series_of(*(table[table["arm"] != "teacher"] for table in (curves, items)))[1]
    with pytest.raises(ValueError, match="no row of the teacher"):
        decide_bound("sim", every, DecisionRules())
