"""What an earlier run left is found by what it was made from, by nobody who could make or say something."""

from types import SimpleNamespace

import pytest

from toolkit.pipeline.context import Context
from toolkit.pipeline.plan import find, plan_run, plan_sampling
from toolkit.pipeline.run import status
from toolkit.recipe.load import load_run
from toolkit.workspace import Workspace


def context_of(recipe, workspace):
    return Context(load_run(str(recipe)), Workspace(workspace, pytest.fail), SimpleNamespace(jobs=2), None)


def everything(folder):
    return sorted(folder.rglob("*"))


def other_recipe(chain, folder):
    recipe = folder / "other.yaml"
    recipe.write_text(f"{chain.recipe.read_text()}base_seed: 7\nteacher_seed: 7\n")
    return recipe


def test_all_that_a_run_made_is_found(chain):
    before = everything(chain.workspace)
    found = find(context_of(chain.recipe, chain.workspace))
    assert {replicate.source.journal for replicate in found.replicates} == set(chain.journals())
    assert all(replicate.corpus.made for replicate in found.replicates)
    scores = {score.path for score in (*found.measured.references.values(), *found.measured.cells.values())}
    assert found.measured.made and scores == set(chain.artifacts("score"))
    assert {made.path for made in found.forecasts.values()} == set(chain.artifacts("forecast"))
    laws = {made.path for place, made in found.results.items() if place.endswith("law")}
    assert laws == set(chain.artifacts("law"))
    assert all(made.made for made in found.results.values())
    assert everything(chain.workspace) == before


def test_the_plan_of_a_run_that_is_done_has_nothing_ahead(chain):
    before = everything(chain.workspace)
    plan = plan_run(context_of(chain.recipe, chain.workspace))
    assert all(artifact.made for stage in plan.stages for artifact in stage.artifacts)
    assert plan.projection(2) == "" and everything(chain.workspace) == before


def test_a_plan_names_the_stages_in_the_order_in_which_a_run_shows_them(chain):
    names = [stage.name for stage in plan_run(context_of(chain.recipe, chain.workspace)).stages]
    assert list(dict.fromkeys(names)) == [
        *("leaks", "models", "responses", "verdicts", "corpus", "release", "students", "score", "forecast"),
        *("held-out", "law", "curves"),
    ]


def test_sampling_is_planned_up_to_the_responses(chain, tmp_path):
    plan = plan_sampling(context_of(other_recipe(chain, tmp_path), chain.workspace))
    assert [stage.name for stage in plan.stages] == ["leaks", "models", "responses", "responses"]
    assert "Ahead: teacher " in plan.projection(2) and "responses 768 responses" in plan.projection(2)


def test_of_another_recipe_nothing_is_found_and_nothing_is_made(chain, tmp_path):
    recipe, before = other_recipe(chain, tmp_path), everything(chain.workspace)
    found = find(context_of(recipe, chain.workspace))
    corpus = found.replicates[0].corpus.parts.values()
    missing = (*found.measured.references.values(), *found.measured.cells.values(), *corpus, *found.results.values())
    assert not any(artifact.made for artifact in missing)
    assert everything(chain.workspace) == before


def test_in_a_workspace_that_is_not_there_nothing_is_found_and_nothing_is_made(chain, tmp_path):
    found = find(context_of(chain.recipe, tmp_path / "nowhere"))
    assert not found.replicates[0].pool.made and not (tmp_path / "nowhere").exists()


def test_the_status_of_a_run_says_what_is_there(chain):
    lines = status(load_run(str(chain.recipe)), chain.workspace, jobs=2).splitlines()
    assert lines[0].startswith("pool        cached ") and " seed, " in lines[0]
    (students,) = (line for line in lines if line.startswith("students"))
    assert "cached" in students and "to do" not in students


def test_the_status_of_a_run_that_never_was_says_how_to_begin(chain, tmp_path):
    text = status(load_run(str(chain.recipe)), tmp_path / "nowhere", jobs=2)
    assert text.startswith("Nothing is there yet. `fss run ") and not (tmp_path / "nowhere").exists()
