"""The rule of the law over pairs: verdicts on truths that follow it and on ones that do not."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.reports.simulated import LADDER, simulate
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.forecast import HeldOutForecast, forecasts_now
from toolkit.reports.results import series_of
from toolkit.reports.rules.law import decide_law
from toolkit.workspace import to_json

PAIRS = {"A>a": 0.1, "A>b": 0.2, "B>a": 0.3}


def pairs(**options):
    tables = [
        simulate(LADDER, pair=pair, floor=floor, seed=at, items=400, **options)
        for at, (pair, floor) in enumerate(PAIRS.items())
    ]
    return series_of(*(pd.concat(each) for each in zip(*tables, strict=True)))[1]


def decided(every, rules=None, held_out=32):
    """The decision by forecasts from the rungs up to 16."""
    rules = rules or DecisionRules()
    return decide_law("sim", every, forecasts_now(every, rules, fit_max=16, held_out=held_out), rules)


def shifted(every, by):
    """The held-out rung of the first pair moved by so many items' worth of error."""
    moved = {key: np.full_like(w, np.clip(w.mean() + by, 0, 1)) for key, w in every[0].wrong.items() if key[0][1] == 32}
    every[0].wrong.update(moved)
    return every


@pytest.fixture(scope="module")
def confirmed():
    """Decide on three pairs whose ladders follow the law."""
    return decided(pairs(sd=0.006))


def test_ladders_that_follow_the_law_confirm_it(confirmed):
    assert confirmed.verdict == "confirmed", confirmed.sentence
    assert [row[0] for row in confirmed.rows] == list(PAIRS) and "3 of 3" in confirmed.sentence


def test_the_level_is_that_of_three_pairs_and_the_law_misses_no_more_than_the_line(confirmed):
    numbers = confirmed.numbers
    assert numbers["level"] == pytest.approx(1 - 0.1 / 3)
    assert numbers["mean_miss"]["forecast"] <= numbers["mean_miss"]["log-linear"]


def test_each_pair_has_its_intervals_one_within_the_other(confirmed):
    for part in confirmed.numbers["parts"]:
        assert part.low_refuted < part.low < part.forecast < part.high < part.high_refuted
        assert part.one_student.high - part.one_student.low > 0
        assert part.pooled_parameters["beta"].low <= part.pooled_parameters["beta"].high


def test_each_pair_names_its_teachers_error_and_the_decision_can_be_written(confirmed):
    assert all(part.lines["teacher"] == pytest.approx(0.3, abs=0.01) for part in confirmed.numbers["parts"])
    assert '"confirmed"' in to_json(confirmed)


def test_the_mean_of_many_students_is_surer_than_one():
    (one,) = series_of(*simulate(LADDER, sd=0.01, items=400))[1]
    part = decided([one]).numbers["parts"][0]
    # Alone the pair's level is that of the single student, too.
    assert part.high - part.low < part.one_student.high - part.one_student.low


def test_a_pair_far_off_refutes_it():
    decision = decided(shifted(pairs(sd=0.006), 0.2))
    assert decision.verdict == "refuted" and "2 of 3" in decision.sentence


def test_a_miss_within_the_interval_but_above_the_limit_cannot_tell():
    decision = decided(pairs(sd=0.006), DecisionRules(law_miss=1e-5))
    assert decision.verdict == "cannot tell" and decision.numbers["reasons"] == ["a miss is above 0.0 points"]
    assert "would have been seen at 99 %" in decision.sentence


def test_a_pair_without_a_law_is_never_left_out():
    every = pairs(sd=0.006)
    every[0].wrong.update({key: 1 - wrong for key, wrong in every[0].wrong.items()})
    decision = decided(every)
    assert decision.verdict == "cannot tell" and decision.rows[0][:3] == ["A>a", "steps", "none"]
    assert decision.numbers["parts"][0].forecast is None
    (reason,) = decision.numbers["reasons"]
    assert reason.startswith("no law could be fitted to A>a (the error rises by ") and reason in decision.sentence
    assert "2 of 3" in decision.sentence
    to_json(decision)
    assert decided(shifted([*every[1:], every[0]], 0.2)).verdict == "refuted"


def test_the_held_out_rung_is_not_in_the_fit():
    one, other = (decided(shifted(pairs(sd=0.006), by)) for by in (0, 0.1))
    assert one.numbers["parts"][0].forecast == other.numbers["parts"][0].forecast
    assert one.numbers["parts"][0].low == other.numbers["parts"][0].low


def test_what_was_written_before_is_what_is_held_against():
    every, rules = pairs(sd=0.006), DecisionRules()
    early = [replace(one, wrong={key: w for key, w in one.wrong.items() if key[0][1] <= 16}) for one in every]
    written = [
        HeldOutForecast.from_json(json.loads(to_json(one)))
        for one in forecasts_now(early, rules, fit_max=16, held_out=32)
    ]
    decision = decide_law("sim", every, written, rules)
    assert to_json(decision) == to_json(decided(every)) and "EXPLORATORY" not in decision.sentence
    other = [replace(one, law=replace(one.law, mean=one.law.mean - 0.2)) for one in written]
    assert decide_law("sim", every, other, rules).numbers["parts"][0].miss < -0.1
    with pytest.raises(ValueError, match=r"forecasts are of .*, the results are of .*: forecast these"):
        decide_law("sim", every, written[1:], rules)


def test_a_forecast_that_came_too_late_is_reported():
    every, rules = pairs(sd=0.006), DecisionRules()
    written = forecasts_now(every, rules, fit_max=16, held_out=32)
    written[1] = replace(written[1], exploratory=True)
    decision = decide_law("sim", every, written, rules)
    assert "EXPLORATORY: students of that rung existed before the forecast of A>b" in decision.sentence
    assert [part.exploratory for part in decision.numbers["parts"]] == [None, True, None]


def test_a_missing_rung_is_named():
    with pytest.raises(ValueError, match="A>a: no students at the held-out budget 64"):
        decided(pairs(), held_out=64)


def test_two_ways_of_counting_are_two_ladders():
    (one,) = series_of(*simulate(LADDER, sd=0.006, items=400))[1]
    decision = decided([one, replace(one, counting="accepted")])
    assert [part.counting for part in decision.numbers["parts"]] == ["sampled", "accepted"]


def test_one_replicate_cannot_tell():
    (one,) = series_of(*simulate(LADDER, items=400, replicates=1))[1]
    decision = decided([one], DecisionRules(law_width=0.5))
    assert decision.verdict == "cannot tell" and "one replicate" in decision.sentence
