"""Forecasts, laws and decisions of an experiment in which a pair has no law: told everywhere, and nothing stops."""

import dataclasses
import io
import json

import pandas as pd
import pytest

from tests.pipeline.conftest import TINY
from tests.reports.simulated import simulate
from toolkit.pipeline.cells import Cell
from toolkit.pipeline.context import Context
from toolkit.pipeline.measured import Measured
from toolkit.pipeline.stages.law import (
    HeldOut,
    decisions_stage,
    forecast_inputs,
    forecast_stage,
    law_stage,
    refuse_unknown_form,
)
from toolkit.progress import Progress
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_run
from toolkit.workspace import Artifact, Workspace, file_digest

BUDGETS, REPLICATES = (1, 2, 3, 4, 6), range(4)
GOOD, RISING, HELD = "nano>wide", "nano>thin", 6
VARIED = "bases: {wide: {}, thin: {}}\nreplicates: [0, 1, 2, 3]\ndecide: [law, bound, saturation]\n"


@pytest.fixture
def job(tmp_path):
    kept = [line for line in TINY.read_text().splitlines() if not line.startswith("replicates")]
    (tmp_path / "tiny.yaml").write_text("\n".join([*kept, VARIED]))
    run = load_run(str(tmp_path / "tiny.yaml"))
    return Context(run, Workspace(tmp_path / "workspace", print), None, Progress(io.StringIO()))


@pytest.fixture
def tables():
    """Curves and items of both pairs; the second one's errors rise with the budget."""
    cells = [(64, budget) for budget in BUDGETS]
    good, rising = (
        simulate(cells, pair=pair, sd=0.004, items=60, replicates=4, seed=seed)
        for seed, pair in enumerate((GOOD, RISING))
    )
    late = rising[0]["questions"].notna()
    rising[0].loc[late, "error"] = 1 - rising[0].loc[late, "error"]
    answered = rising[1]["questions"].notna()
    rising[1].loc[answered, "correct"] = 1 - rising[1].loc[answered, "correct"]
    return [pd.concat(each, ignore_index=True) for each in zip(good, rising, strict=True)]


def measured(job, curves):
    students = curves[curves["budget"].notna()]
    cells = {
        Cell(row.pair, int(row.questions), int(row.budget), row.control, int(row.train_seed)): score(row.error)
        for row in students.itertuples()
    }
    lines = {(role, name): score(0.3) for role, name in (("teacher", "nano"), ("base", "wide"), ("base", "thin"))}
    return Measured(job.recipe, lines, cells)


def score(error):
    return Artifact(None, "k", {}, {"error": error, "n": 60})


@pytest.fixture
def early(job, tables):
    """What is measured before any student of the held-out rung is trained."""
    scores = measured(job, tables[0])
    return dataclasses.replace(scores, cells={cell: s for cell, s in scores.cells.items() if cell.budget < HELD})


@pytest.fixture
def results(job, tables, early, tmp_path):
    """Both laws of the run and its curves, as an experiment hands them to its decisions."""
    scores, made = measured(job, tables[0]), {}
    for pair, place in ((GOOD, "law"), (RISING, "laws/nano-thin-r6/law")):
        held = HeldOut(pair, HELD)
        made[place] = law_stage(job, scores, held, forecast_stage(job, early, held, seen=False))
    (tmp_path / "curves").mkdir()
    for name, table in zip(("curves", "items"), tables, strict=True):
        table.to_parquet(tmp_path / "curves" / f"{name}.parquet")
    return made | {"curves": Artifact(tmp_path / "curves", "k", {"curves.parquet": "digest"}, {})}


def test_a_pair_without_a_law_stops_nothing_and_says_why(results, job):
    good, refused = results["law"], results["laws/nano-thin-r6/law"]
    assert set(good.files) == {"forecast.json", "law.json", "fit.json", "law.png"}
    assert set(refused.files) == {"forecast.json", "law.json", "law.png"}
    told = json.loads((refused.path / "forecast.json").read_text())
    assert (told["pair"], told["experiment"], told["questions"], told["control"]) == (RISING, "tiny", 64, "steps")
    written = {file_digest(path) for path in (job.workspace.root / "forecast").glob("*/forecast.json")}
    assert told["written_sha256"] in written and len(written) == 2
    assert told["law"] is None and told["notes"][0].startswith("the error rises by")
    assert json.loads((refused.path / "law.json").read_text())["forecast"] == told
    lines = job.progress.stream.getvalue()
    assert "nano>thin, r = 6: NO LAW can be fitted: the error rises by" in lines
    assert "r = 6: no law (the error rises by" in refused.facts["sentence"]
    assert "nano>wide, r = 6: error " in lines


def test_the_rule_of_the_law_holds_what_was_written_against_and_keeps_the_pair_without_one(results, job):
    job = job.with_recipe(with_rules(job.recipe, ("law",)))
    decided = decisions_stage(job, results, None, None)["decisions/law"]
    told = json.loads((decided.path / "law.json").read_text())
    assert told["verdict"] == "cannot tell" and told["numbers"]["fit_max"] == 4
    parts = {part["pair"]: part for part in told["numbers"]["parts"]}
    written = json.loads((results["law"].path / "forecast.json").read_text())
    assert parts[GOOD]["forecast"] == written["law"]["mean"] and parts[GOOD]["exploratory"] is False
    assert parts[RISING]["forecast"] is None and "no law could be fitted to nano>thin (the error" in told["sentence"]
    assert (decided.path / "law.png").stat().st_size > 20_000


def by_law(job):
    """The same run, whose law forecasts alone."""
    return job.with_recipe(
        dataclasses.replace(job.recipe, law=dataclasses.replace(job.recipe.law, forecast="rectified"))
    )


def test_forecasts_are_averaged_or_by_the_law_alone_and_are_two_artifacts(job, early):
    averaged, alone = (forecast_stage(each, early, HeldOut(GOOD, HELD), seen=False) for each in (job, by_law(job)))
    output = [json.loads((made.path / "forecast.json").read_text()) for made in (averaged, alone)]
    assert [each["by"] for each in output] == ["averaged", "rectified"] and averaged.key != alone.key
    assert output[0]["baselines"]["law"] == output[1]["law"]["mean"] != output[0]["law"]["mean"]
    assert output[0]["parameters"] == output[1]["parameters"] and averaged.facts["reading"] == output[0]["reading"]


def test_a_forecast_of_before_there_was_a_choice_stays_what_was_declared(job, early):
    held = HeldOut(GOOD, HELD)
    alone = forecast_stage(by_law(job), early, held, seen=False)
    inputs, facts = forecast_inputs(job, early, held), dict(alone.facts)
    assert inputs.pop("forecast") == "averaged" and facts.pop("reading")
    file = job.workspace.root / "older.json"
    output = json.loads((alone.path / "forecast.json").read_text())
    file.write_text(json.dumps({name: value for name, value in output.items() if name not in ("by", "reading")}))
    written = job.workspace.install("forecast", inputs, {"forecast.json": file}, facts)
    kept = forecast_stage(job, early, held, seen=True)  # the held-out rung has been trained since
    assert kept.path == written.path and kept.facts["exploratory"] is False
    assert "by the law alone; sha256" in job.progress.stream.getvalue()


def with_rules(recipe, decide):
    return dataclasses.replace(recipe, decisions=dataclasses.replace(recipe.decisions, decide=decide))


def test_results_that_do_not_allow_a_rule_are_an_answer(results, job):
    job = job.with_recipe(with_rules(job.recipe, ("expansion",)))
    decided = decisions_stage(job, results, None, None)["decisions/expansion"]
    assert decided.facts["verdict"] == "cannot tell" and "no two cells have one total" in decided.facts["sentence"]
    assert list(decided.files) == ["expansion.json"]


def test_what_is_wrong_with_the_tables_is_no_answer(results, job, tables):
    job = job.with_recipe(with_rules(job.recipe, ("bound",)))
    tables[0].drop(columns="control").to_parquet(results["curves"].path / "curves.parquet")
    with pytest.raises(ValueError, match=r"curves\.parquet: it has no column 'control'"):
        decisions_stage(job, results, None, None)


def test_a_form_that_does_not_exist_is_refused_before_any_work(tmp_path):
    recipe = tmp_path / "mine.yaml"
    for form in ("rectified", "lomax"):
        recipe.write_text(f"{TINY.read_text()}form: {form}\n")
        refuse_unknown_form(load_run(str(recipe)).recipe)
    recipe.write_text(f"{TINY.read_text()}form: lomax\nforecast: rectified\n")
    with pytest.raises(RecipeError, match="forecast: forecast is 'rectified': use 'averaged', or 'lomax', the form"):
        refuse_unknown_form(load_run(str(recipe)).recipe)
    recipe.write_text(f"{TINY.read_text()}form: parabola\n")
    with pytest.raises(RecipeError, match="form: form is 'parabola': use one of rectified, lomax"):
        refuse_unknown_form(load_run(str(recipe)).recipe)
