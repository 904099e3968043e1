"""Words of caution: what is a toy, a floor, too far, or without noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fitting
import guards
import selection
from toolkit.laws import fit_law

BUDGETS = np.repeat([1.0, 2, 4, 8, 16, 32, 64], 3)


@pytest.fixture(scope="module")
def law():
    chosen, _ = selection.settle([None] * len(selection.NAMES))
    return fitting.fit(chosen.ladder, chosen.fit_min, chosen.fit_max)


@pytest.fixture(scope="module")
def steep():
    """A law that reached its floor of .3: 90 % of its posterior lie within 5 points."""
    noise = np.tile([-0.002, 0.0, 0.002], len(BUDGETS) // 3)
    return fit_law(BUDGETS, 0.3 + 0.5 / (0.8 + BUDGETS) + noise)


def test_only_embedded_models_are_toys():
    assert guards.is_toy("nano>nano") and guards.is_toy("Qwen/Qwen3-8B>nano")
    assert not guards.is_toy("Qwen/Qwen3-8B>Qwen/Qwen3-0.6B") and not guards.is_toy("nanotron/a>b")


def test_the_banner_names_the_toy_and_why_a_result_is_exploratory():
    assert "shapes, not prices" in guards.banner(True, "") and "As declared" in guards.banner(True, "")
    assert guards.banner(False, "because").startswith("**Exploratory**: because")


def test_a_floor_needs_a_narrow_interval(law, steep):
    assert law.floor is None and "not determined by these data" in guards.floor(law)
    assert steep.floor is not None and guards.floor(steep).startswith("There is a floor at ")


def test_diminishing_returns_are_told_only_with_a_floor(law, steep):
    from views import extrapolate

    assert "these data cannot say where" in extrapolate._gains(law)
    assert "Diminishing returns from r = " in extrapolate._gains(steep)


@pytest.mark.parametrize(
    ("budget", "zone", "words"),
    [(16, "inside", "Inside"), (64, "near", "an extrapolation"), (65, "far", "no number"), (257, "refused", "Refused")],
)
def test_caution_grows_with_the_distance(law, budget, zone, words):
    assert guards.zone(law, budget) == zone and words in guards.caution(law, budget)


def test_numbers_end_at_4_times_and_everything_at_16(law):
    from views import extrapolate

    assert "forecast at" in extrapolate._sentence(law, 64)
    assert "anything from" in extrapolate._sentence(law, 65) and "forecast at" not in extrapolate._sentence(law, 65)
    assert extrapolate._sentence(law, 257) == "**No forecast for r = 257.**"


def test_one_seed_without_sd_gives_no_interval():
    law = fit_law([1, 2, 4, 8, 16], [0.9, 0.8, 0.7, 0.63, 0.6])
    assert guards.floor(law) == guards.NO_NOISE
    assert "The exponent has no interval" in guards.exponent(fitting.report(law, ())["parameters"]["beta"])


@given(st.text())
def test_text_of_others_holds_no_mark_up(text):
    assert not set(guards.plain(text).replace("&#", "")) & set("<>*_`[]()$\\|")
