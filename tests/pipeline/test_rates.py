"""The time that sampling takes, from what sources with the same kind of teacher and the same protocol took."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from toolkit.pipeline.context import Context
from toolkit.pipeline.plan import plan_sampling
from toolkit.pipeline.rates import rates_like, read_rate, remember_rate
from toolkit.pipeline.run import run
from toolkit.progress import Progress
from toolkit.recipe.load import load_run
from toolkit.recipe.sections import Recipe, Serving
from toolkit.synthesis.tally import Tally
from toolkit.workspace import Workspace


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(load_run("math-r16"), Workspace(tmp_path, pytest.fail), SimpleNamespace(jobs=2), None)  # type: ignore[arg-type]


def remember(context: Context, name: str, recipe: Recipe, seconds: float, requests: int = 100) -> None:
    tally = Tally(sampled=100, requests=requests, seconds=seconds, errors=Counter())
    remember_rate(recipe, context.workspace.root / "responses" / f"{name}.jsonl", tally)


def test_only_teachers_of_the_same_kind_and_the_same_protocol_tell_how_long_it_takes(context: Context) -> None:
    recipe = context.recipe
    served = dataclasses.replace(recipe, serving=Serving(urls=("http://127.0.0.1:1",)))
    refined = dataclasses.replace(recipe, sampling=dataclasses.replace(recipe.sampling, protocol="self_refine"))
    remember(context, "served", served, 900.0)
    remember(context, "refined", refined, 5.0, requests=500)
    assert rates_like(context) == []
    remember(context, "embedded", recipe, 1.0)
    assert [rate.seconds for rate in rates_like(context)] == [1.0]
    assert [rate.seconds for rate in rates_like(context.with_recipe(served))] == [900.0]
    assert [(rate.responses, rate.requests) for rate in rates_like(context.with_recipe(refined))] == [(100, 500)]


def test_an_older_file_counts_until_there_is_one_that_says_what_it_is_of(context: Context) -> None:
    folder = context.workspace.root / "responses"
    folder.mkdir()
    (folder / "old.rate.json").write_text(json.dumps({"responses": 100, "seconds": 7.0}))
    assert read_rate(folder / "old.rate.json") == rates_like(context)[0] == (7.0, 100, 100, None)
    remember(context, "new", context.recipe, 1.0)
    assert [rate.seconds for rate in rates_like(context)] == [1.0]


def test_the_minutes_of_a_dry_run_count_every_step(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "extends: math\nprotocol: self_refine\nprotocol_options: {rounds: 2}\nreplicates: [0]\nrepo: null\n"
    )
    selected = load_run(f"{tmp_path / 'own.yaml'}-r16")
    run(selected, tmp_path / "work", jobs=2, dry=True, progress=Progress((tmp_path / "log").open("w")))
    workspace = Workspace(tmp_path / "work", pytest.fail)
    plan = plan_sampling(Context(selected, workspace, SimpleNamespace(jobs=2), None))  # type: ignore[arg-type]
    assert f"responses {256 * 16 * 3:,} requests (rate guessed)" in plan.projection(2)
