"""Words of caution: what is a toy, a floor, too far, or without noise."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import data
import fitting
import guards
import selection
from scale import Scale
from toolkit.doors import OLDER
from toolkit.laws import fit_law
from views import extrapolate, plan
from views import law as law_view

ERROR = Scale()
PLAN = ("spend", 12000, 60, False, 20.0, 1.0, *[0.0] * 8)
BUDGETS = np.repeat([1.0, 2, 4, 8, 16, 32, 64], 3)


@pytest.fixture(scope="module")
def law():
    choice, _ = selection.settle([None] * len(selection.NAMES))
    return fitting.fit(choice.ladder, choice.fit_min, choice.fit_max)


@pytest.fixture(scope="module")
def steep():
    """A law that reached its floor of .3: 90 % of its posterior lie within 5 points."""
    noise = np.tile([-0.002, 0.0, 0.002], len(BUDGETS) // 3)
    return fit_law(BUDGETS, 0.3 + 0.5 / (0.8 + BUDGETS) + noise)


def test_only_embedded_models_are_toys():
    assert guards.is_toy("nano>nano") and guards.is_toy("Qwen/Qwen3-8B>nano")
    assert not guards.is_toy("Qwen/Qwen3-8B>Qwen/Qwen3-0.6B") and not guards.is_toy("nanotron/a>b")


def test_the_banner_names_the_toy_and_why_a_result_is_exploratory():
    assert "trust the shapes" in guards.banner(True, "") and "As declared" in guards.banner(True, "")
    assert guards.banner(False, "because").startswith("**Exploratory**: because")


def test_a_floor_needs_a_narrow_interval(law, steep):
    assert law.floor is None and "not determined by these data" in guards.floor(law, ERROR)
    assert steep.floor is not None and guards.floor(steep, ERROR).startswith("There is a floor at ")


def test_diminishing_returns_are_reported_only_with_a_floor(law, steep):
    assert "these data cannot say where" in extrapolate._gains(law, ERROR)
    assert "Diminishing returns from r = " in extrapolate._gains(steep, ERROR)


@pytest.mark.parametrize(
    ("budget", "zone", "words"),
    [(16, "inside", "Inside"), (64, "near", "an extrapolation"), (65, "far", "no number"), (257, "refused", "Refused")],
)
def test_caution_grows_with_the_distance(law, budget, zone, words):
    assert guards.zone(law, budget) == zone and words in guards.caution(law, budget)


def test_numbers_end_at_4_times_and_everything_at_16(law):
    assert "forecast at" in extrapolate._sentence(law, 64, ERROR)
    assert "any error from" in extrapolate._sentence(law, 65, ERROR) and "forecast at" not in extrapolate._sentence(
        law, 65, ERROR
    )
    assert extrapolate._sentence(law, 257, ERROR) == "**No forecast for r = 257.**"


def chosen_of(errors, seeds=1, **more):
    """What is chosen of a session's own table with these errors at r = 1, 2, 4, ..."""
    rows = [
        {"budget": 2.0**i, "error": error + 0.002 * seed, "train_seed": float(seed), **more}
        for i, error in enumerate(errors)
        for seed in range(seeds)
    ]
    shared = {"experiment": "own", "arm": "own", "pair": "a>b", "counting": "sampled", "control": "steps"}
    table = pd.DataFrame([shared | OLDER | {"questions": float("nan"), "n": 1000} | row for row in rows])
    return selection.settle(["yours", *[None] * 6], data.Experiment("own", "yours", table))[0]


def test_one_seed_without_sd_gives_the_law_no_interval_and_the_forecast_a_note():
    choice = chosen_of([0.9, 0.8, 0.7, 0.63, 0.6])  # the 1,000 test questions behind each say nothing of seeds
    law = choice.law()
    assert guards.floor(law, ERROR) == guards.NO_NOISE
    assert "The exponent has no interval" in guards.exponent(fitting.report(law, ())["parameters"]["beta"])
    for words in (extrapolate.render(choice, 32, "90")[0], law_view.render(choice, "r", "log")[0]):
        assert "- no noise is known" in words and "90 % of new students" in words.replace("90%", "90 %")
    assert chosen_of([0.9, 0.8, 0.7, 0.63, 0.6], sd=0.01).law().solution.posterior is not None


def test_a_rising_ladder_gets_no_falling_law():
    choice = chosen_of([0.5, 0.55, 0.6, 0.65, 0.7], seeds=3, questions=64.0)
    output, figure, misses, *_ = law_view.render(choice, "r", "log")
    assert output.startswith("**No law is fitted**: the error rises") and misses == ""
    assert not any(trace.name == "90 % of curves" for trace in figure.data)
    for refused in (lambda: extrapolate.render(choice, 32, "90"), lambda: plan.render(choice, *PLAN)):
        with pytest.raises(ValueError, match="the error rises"):
            refused()


def test_a_table_without_questions_is_not_counted_in_all_nor_planned_with():
    choice = chosen_of([0.9, 0.8, 0.7, 0.63, 0.6], seeds=2)
    assert choice.name == "own, matched steps"
    with pytest.raises(ValueError, match="count responses per question"):
        law_view.render(choice, "total", "log")
    with pytest.raises(ValueError, match="a plan needs a column with it"):
        plan.render(choice, *PLAN)


@given(st.text())
def test_text_of_others_holds_no_mark_up(text):
    assert not set(guards.plain(text).replace("&#", "")) & set("<>*_`[]()$\\|")
