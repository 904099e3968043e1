import json
from dataclasses import replace

import numpy as np
import pytest

from toolkit.laws.curve.forms import rectified
from toolkit.laws.curve.lawfit import LawFit
from toolkit.reports.forecast import HeldOutForecast, fit_points, forecast
from toolkit.reports.law import report
from toolkit.workspace import to_json

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
    ahead = forecast(students(RUNGS), held_out=32, level=0.9)
    law = ahead.law
    truth = float(rectified(32, 0.3, 0.9, 1.5, 0.6))
    assert law.low_new <= law.low <= law.mean <= law.high <= law.high_new
    assert law.low_new < truth < law.high_new and ahead.reach == 2
    assert {"log-linear", "last value"} <= set(ahead.baselines)
    assert ahead.baselines["last value"] == pytest.approx(np.mean([s["error"] for s in students(RUNGS)][-3:]))
    assert to_json(HeldOutForecast.from_json(json.loads(to_json(ahead)))) == to_json(ahead)


def test_one_seed_still_has_the_binomial_noise_of_the_test_set():
    law = forecast(students(RUNGS, seeds=1), held_out=32, level=0.9).law
    assert 0.01 < law.high_new - law.low_new < 0.5


def test_the_report_puts_the_observation_beside_the_forecast(tmp_path):
    every = students((*RUNGS, 32))
    ahead = forecast([row for row in every if row["budget"] <= 16], held_out=32, level=0.9)
    facts = report(tmp_path, every, ahead, {"teacher": 0.25, "base": 0.97}, title="T <b>$x$", note="n")
    law = json.loads((tmp_path / "law.json").read_text())
    record = [row["error"] for row in every if row["budget"] == 32]
    assert law["observed"]["mean"] == pytest.approx(np.mean(record)) and law["observed"]["students"] == 3
    assert law["misses"]["averaged"] == pytest.approx(ahead.law.mean - np.mean(record))
    assert law["misses"]["law"] == pytest.approx(ahead.baselines["law"] - np.mean(record))
    assert f"The forecast: {ahead.reading}." in facts["report"]
    assert f"observed {np.mean(record):.3f}" in facts["sentence"] and "of 3 inside" in facts["sentence"]
    fit = LawFit.from_json((tmp_path / "fit.json").read_text())
    assert fit.predict(32).mean == pytest.approx(ahead.baselines["law"])
    assert (tmp_path / "law.png").stat().st_size > 20_000


def test_a_forecast_that_came_too_late_is_marked(tmp_path):
    every = students((*RUNGS, 32))
    ahead = forecast([row for row in every if row["budget"] <= 16], held_out=32, level=0.9)
    late = replace(ahead, exploratory=True)
    assert report(tmp_path, every, late, {}, title="T", note="n")["report"][0].startswith("EXPLORATORY")


RISING = [row | {"error": 1.1 - row["error"]} for row in students((*RUNGS, 32))]
LEVEL = [row | {"error": 0.5} for row in students((*RUNGS, 32))]


@pytest.mark.parametrize(("rows", "why"), [(RISING, "the error rises by 0.2"), (LEVEL, "all errors are equal (0.5)")])
def test_a_ladder_without_a_law_says_why_in_every_output(rows, why, tmp_path):
    ahead = forecast([row for row in rows if row["budget"] <= 16], held_out=32, level=0.9)
    assert ahead.law is None and not ahead.baselines and why in ahead.notes[0]
    facts = report(tmp_path, rows, ahead, {"teacher": 0.25}, title="T", note="n")
    law = json.loads((tmp_path / "law.json").read_text())
    assert why in law["forecast"]["notes"][0] and law["misses"] == {} and law["students_inside"] is None
    assert law["observed"]["mean"] == pytest.approx(np.mean([row["error"] for row in rows if row["budget"] == 32]))
    assert facts["sentence"].startswith(f"r = 32: no law ({why}") and why in facts["report"][0]
    assert not (tmp_path / "fit.json").exists() and (tmp_path / "law.png").stat().st_size > 20_000


def test_what_is_no_ladder_of_errors_is_an_error():
    with pytest.raises(ValueError, match="errors must lie in"):
        forecast([row | {"error": 50.0} for row in students(RUNGS)], held_out=32, level=0.9)


def test_a_forecast_of_before_there_was_a_choice_is_by_the_rectified_form():
    ahead = forecast(students(RUNGS), held_out=32, level=0.9, by="rectified")
    older = json.loads(to_json(ahead))
    assert [older.pop(name) for name in ("form", "by")] == ["rectified"] * 2 and older.pop("reading")
    assert HeldOutForecast.from_json(older) == replace(ahead, reading="", notes=[*ahead.notes])


def test_the_law_alone_forecasts_where_it_is_named():
    ahead = forecast(students(RUNGS), held_out=32, level=0.9, by="rectified")
    law = fit_points(ahead.fitted).predict(32)
    assert (ahead.law.mean, ahead.law.low_new) == (law.mean, law.low_new) and "law" not in ahead.baselines
