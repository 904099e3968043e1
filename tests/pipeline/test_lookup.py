"""What an earlier run left is found by what it was made from, by nobody who could make or say something."""

import pytest

from toolkit.pipeline.context import Context
from toolkit.pipeline.lookup import find_laws, find_measured, find_replicates
from toolkit.recipe.load import load_run
from toolkit.workspace import Workspace


def context_of(recipe, workspace):
    return Context(load_run(str(recipe)), Workspace(workspace, pytest.fail), None, None)


def everything(folder):
    return sorted(folder.rglob("*"))


def test_all_that_a_run_made_is_found(chain):
    before = everything(chain.workspace)
    context = context_of(chain.recipe, chain.workspace)
    replicates = find_replicates(context)
    assert {replicate.source.journal for replicate in replicates} == set(chain.journals())
    assert all(part.made for replicate in replicates for part in replicate.corpus.parts.values())
    measured = find_measured(replicates)
    scores = {score.path for score in (*measured.references.values(), *measured.cells.values())}
    assert measured.made and scores == set(chain.artifacts("score"))
    results = find_laws(context, measured)
    assert {made.path for made in results.values()} == set(chain.artifacts("law"))
    assert all(made.made for made in results.values())
    assert everything(chain.workspace) == before


def test_of_another_recipe_nothing_is_found_and_nothing_is_made(chain, tmp_path):
    recipe = tmp_path / "other.yaml"
    recipe.write_text(f"{chain.recipe.read_text()}base_seed: 7\nteacher_seed: 7\n")
    before = everything(chain.workspace)
    context = context_of(recipe, chain.workspace)
    replicates = find_replicates(context)
    measured = find_measured(replicates)
    found = (*measured.references.values(), *measured.cells.values(), *replicates[0].corpus.parts.values())
    assert not any(artifact.made for artifact in found)
    assert everything(chain.workspace) == before
    assert not find_replicates(context_of(recipe, tmp_path / "nowhere"))[0].pool.made
    assert not (tmp_path / "nowhere").exists()
