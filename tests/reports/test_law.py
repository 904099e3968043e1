import json

import numpy as np
import pytest

from toolkit.laws.curve.forms import rectified
from toolkit.laws.curve.lawfit import LawFit
from toolkit.reports.forecast import forecast
from toolkit.reports.law import report

RUNGS = (1, 2, 4, 8, 16)


def students(rungs, seeds=3, sd=0.004):
    noise = np.random.default_rng(0).normal(0, sd, (len(rungs), seeds))
    errors = rectified(np.array(rungs), 0.3, 0.9, 1.5, 0.6)[:, None] + noise
    return [
        {"budget": budget, "train_seed": seed, "error": float(errors[row, seed]), "n": 1000}
        for row, budget in enumerate(rungs)
        for seed in range(seeds)
    ]


def test_a_forecast_comes_with_an_interval_every_baseline_and_its_reach():
    told = forecast(students(RUNGS), held_out=32, level=0.9)
    law = told["law"]
    truth = float(rectified(32, 0.3, 0.9, 1.5, 0.6))
    assert law["low_new"] <= law["low"] <= law["mean"] <= law["high"] <= law["high_new"]
    assert law["low_new"] < truth < law["high_new"] and told["reach"] == 2
    assert {"log-linear", "last value"} <= set(told["baselines"])
    assert told["baselines"]["last value"] == pytest.approx(np.mean([s["error"] for s in students(RUNGS)][-3:]))
    assert json.loads(json.dumps(told)) == told


def test_one_seed_still_has_the_binomial_noise_of_the_test_set():
    told = forecast(students(RUNGS, seeds=1), held_out=32, level=0.9)
    assert 0.01 < told["law"]["high_new"] - told["law"]["low_new"] < 0.5


def test_the_report_puts_the_observation_beside_the_forecast(tmp_path):
    every = students((*RUNGS, 32))
    told = forecast([row for row in every if row["budget"] <= 16], held_out=32, level=0.9)
    facts = report(tmp_path, every, told, {"teacher": 0.25, "base": 0.97}, title="T <b>$x$", note="n")
    law = json.loads((tmp_path / "law.json").read_text())
    seen = [row["error"] for row in every if row["budget"] == 32]
    assert law["observed"]["mean"] == pytest.approx(np.mean(seen)) and law["observed"]["students"] == 3
    assert law["misses"]["law"] == pytest.approx(told["law"]["mean"] - np.mean(seen))
    assert f"observed {np.mean(seen):.3f}" in facts["sentence"] and "of 3 inside" in facts["sentence"]
    fit = LawFit.from_json((tmp_path / "fit.json").read_text())
    assert fit.predict(32).mean == pytest.approx(told["law"]["mean"])
    assert (tmp_path / "law.png").stat().st_size > 20_000


def test_a_forecast_that_came_too_late_is_marked(tmp_path):
    every = students((*RUNGS, 32))
    told = forecast([row for row in every if row["budget"] <= 16], held_out=32, level=0.9) | {"exploratory": True}
    assert report(tmp_path, every, told, {}, title="T", note="n")["report"][0].startswith("EXPLORATORY")


RISING = [row | {"error": 1.1 - row["error"]} for row in students((*RUNGS, 32))]
LEVEL = [row | {"error": 0.5} for row in students((*RUNGS, 32))]


@pytest.mark.parametrize(("rows", "why"), [(RISING, "the error rises by 0.2"), (LEVEL, "all errors are equal (0.5)")])
def test_a_ladder_without_a_law_says_why_in_every_output(rows, why, tmp_path):
    told = forecast([row for row in rows if row["budget"] <= 16], held_out=32, level=0.9)
    assert told["law"] is None and not told["baselines"] and why in told["notes"][0]
    facts = report(tmp_path, rows, told, {"teacher": 0.25}, title="T", note="n")
    law = json.loads((tmp_path / "law.json").read_text())
    assert why in law["forecast"]["notes"][0] and law["misses"] == {} and law["students_inside"] is None
    assert law["observed"]["mean"] == pytest.approx(np.mean([row["error"] for row in rows if row["budget"] == 32]))
    assert facts["sentence"].startswith(f"r = 32: no law ({why}") and why in facts["report"][0]
    assert not (tmp_path / "fit.json").exists() and (tmp_path / "law.png").stat().st_size > 20_000


def test_what_is_no_ladder_of_errors_is_an_error():
    with pytest.raises(ValueError, match="errors must lie in"):
        forecast([row | {"error": 50.0} for row in students(RUNGS)], held_out=32, level=0.9)
