"""A benchmark that the toolkit does not have: a module and a line in `BENCHMARKS`, named by a recipe."""

import dataclasses
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from tests.pipeline.conftest import recipe_with
from tests.tiny_model import make_byte_model
from toolkit.corpora.decontamination import LeakError
from toolkit.doors import BENCHMARKS, DoorError
from toolkit.evaluation.items import EvaluationError
from toolkit.hub.download import Provenance
from toolkit.pipeline.cells import Cell
from toolkit.pipeline.context import Context
from toolkit.pipeline.judge import judged_by
from toolkit.pipeline.measured import Measured
from toolkit.pipeline.stages.law import curves_stage
from toolkit.pipeline.stages.models import find_models, scan
from toolkit.pipeline.stages.pool import counts_of, find_pool, held_out_questions, pool_stage
from toolkit.pipeline.stages.scores import find_score, plan_scores, references, score_inputs, score_stage
from toolkit.pipeline.stages.students import Replicate
from toolkit.progress import Progress
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_run
from toolkit.workers import open_workers
from toolkit.workspace import Artifact, Workspace

ASKED = "How many sides does any triangle in a plane have?"
MODULE = """
import pyarrow as pa, pyarrow.parquet as pq
from toolkit.evaluation.benchmarks import Benchmark

ITEMS = [("a", "How many legs do 2 spiders have together, all of them counted?", "16"), ("b", {second!r}, "3")]

def benchmark(pool, kept, verification):
    kept.mkdir(parents=True, exist_ok=True)
    rows = [dict(zip(("question_id", "question", "answer"), item)) for item in ITEMS]
    if not (kept / "items.parquet").exists():
        pq.write_table(pa.Table.from_pylist(rows), kept / "items.parquet")
    return Benchmark("riddles", kept / "items.parquet", "{{{{ question }}}}!", verification)
"""


@pytest.fixture
def riddles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module of a benchmark `riddles`, which keeps two items in its folder."""
    monkeypatch.setitem(BENCHMARKS, "riddles", "riddles_of_a_test")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "riddles_of_a_test", raising=False)
    file = tmp_path / "riddles_of_a_test.py"
    file.write_text(MODULE.format(second=ASKED))
    return file


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    """The tiny recipe with a random base, on the pool's own questions."""
    model = make_byte_model(tmp_path / "model")
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(recipe_with(teacher=model, base=model, replicates=[0], eval_max_tokens=2, check_steps="false"))
    progress = Progress(io.StringIO())
    with open_workers(1) as workers:
        yield Context(load_run(str(recipe)), Workspace(tmp_path / "work", progress.say), workers, progress)


def on_riddles(context: Context, **pool: object) -> Context:
    recipe = context.recipe
    evaluation = dataclasses.replace(recipe.evaluation, benchmark="riddles")
    return context.with_recipe(
        dataclasses.replace(recipe, evaluation=evaluation, pool=dataclasses.replace(recipe.pool, **pool))
    )


def scored_by(context: Context, pool: Artifact) -> dict:
    models = find_models(context, ["teacher", "base"])
    replicate = Replicate(context, pool, *models.values(), None, None)  # type: ignore[arg-type]
    return references([replicate])


def base_of(models: dict) -> tuple[str, str]:
    return next(name for name in models if name[0] == "base")


def test_scores_curves_and_items_are_of_the_benchmark_that_a_recipe_names(riddles: Path, context: Context) -> None:
    asked = on_riddles(context)
    own, pool = pool_stage(context), pool_stage(asked)
    assert find_pool(asked) == pool != own and pool.facts["benchmark"] == 2
    assert pool.files["questions.parquet"] == own.files["questions.parquet"], "and so it is the same source"
    models = scored_by(asked, pool)
    (ahead,) = plan_scores(asked, {name: find_score(model, name) for name, model in models.items()}).ahead
    assert ahead.units == 2 * 2
    scores = score_stage(asked, models)
    assert {name: find_score(model, name) for name, model in models.items()} == scores
    assert [score.facts["n"] for score in scores.values()] == [2, 2]
    cell = Cell(asked.recipe.pair, 64, 1, "steps", 0)
    curves = curves_stage(asked, Measured(asked.recipe, scores, {cell: scores[base_of(models)]}))
    for name, rows in (("curves", 3), ("items", 6)):
        assert pq.read_table(curves.path / f"{name}.parquet")["benchmark"].to_pylist() == ["riddles"] * rows


def test_the_key_of_a_score_has_what_the_benchmark_adds(riddles: Path, context: Context) -> None:
    own = scored_by(context, pool_stage(context))
    asked = scored_by(on_riddles(context), pool_stage(on_riddles(context)))
    plain, other = (score_inputs(models[base_of(models)], base_of(models)) for models in (own, asked))
    assert set(other) - set(plain) == {"template"} and plain["test"] != other["test"]


def test_its_items_are_searched_for_wherever_held_out_questions_are(riddles: Path, context: Context) -> None:
    pool = pool_stage(on_riddles(context))
    assert {"a", "b"} < set(held_out_questions(pool.path, seeds=False))
    assert scan(pool.path, {}, True, lambda done, total: None) == {"pool": 64}
    table = pq.read_table(pool.path / "questions.parquet")
    asked = table.set_column(2, "question", [[ASKED.upper()] * len(table)])
    pq.write_table(asked, pool.path / "questions.parquet")
    with pytest.raises(LeakError, match="b "):
        scan(pool.path, {}, True, lambda done, total: None)


def test_verdicts_on_a_pool_of_a_file_depend_on_the_items(riddles: Path, context: Context, tmp_path: Path) -> None:
    asked = on_riddles(context, **questions_file(tmp_path, []))
    changed = dataclasses.replace(asked, run=asked.run)
    before = judged_by(asked, pool_stage(asked))
    riddles.write_text(MODULE.format(second="What else is there to ask about a triangle?"))
    sys.modules.pop("riddles_of_a_test")
    (asked.workspace.root / "benchmarks" / "riddles" / "items.parquet").unlink()
    assert judged_by(changed, pool_stage(changed))["held_out"] != before["held_out"]


def test_seeds_of_a_file_that_are_too_near_an_item_make_room_for_others(
    riddles: Path, context: Context, tmp_path: Path
) -> None:
    pool = on_riddles(context, **questions_file(tmp_path, [ASKED]))
    made = pool_stage(pool)
    questions = pq.read_table(made.path / "questions.parquet")["question"].to_pylist()
    assert len(questions) == 64 and ASKED not in questions and made.facts["dropped"] == 1


def questions_file(folder: Path, more: list[str]) -> dict[str, object]:
    """Pool settings for a file of 72 questions, all of which a pool takes but as many as there are `more`."""
    texts = [*more, *(f"What is number {at} of the long list on the wall beside the door?" for at in range(72))]
    file = folder / "questions.jsonl"
    file.write_text("".join(json.dumps({"question": text, "answer": "1"}) + "\n" for text in texts))
    return {"pool": str(file), "families": None, "largest_number": None, "test_size": 8, "dev_size": 0}


def test_items_whose_answers_its_judge_cannot_read_are_refused_before_any_model(
    riddles: Path, context: Context
) -> None:
    numeric = dataclasses.replace(context.recipe.verification, answer_kind="numeric")
    context = context.with_recipe(dataclasses.replace(context.recipe, verification=numeric))
    riddles.write_text(riddles.read_text().replace('"16"', '"many"'))
    with pytest.raises(EvaluationError, match=r"benchmark riddles: 1 of 2 answers cannot be read; item a: "):
        pool_stage(on_riddles(context))


def test_a_release_tells_the_counts_of_the_pool_alone(riddles: Path, context: Context) -> None:
    counts = counts_of(pool_stage(on_riddles(context)))
    assert counts == counts_of(pool_stage(context)) == {"pool": 64, "test": 60, "dev": 20, "dropped": 0}
    with_unread = Artifact(Path("pool"), "0", {}, {**counts, "unread": 3, "unread_example": "row 4"})
    assert TypeAdapter(Provenance.__annotations__["pool_counts"]).validate_python(counts_of(with_unread)) == counts


def test_a_name_that_is_no_benchmark_and_a_module_that_has_none_are_refused(
    riddles: Path, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "strange.yaml").write_text(recipe_with(benchmark="ridles"))
    with pytest.raises(RecipeError, match=r"strange.yaml: benchmark: input should be 'pool' or 'riddles'"):
        load_run(str(tmp_path / "strange.yaml"))
    riddles.write_text("def items(): ...")
    with pytest.raises(DoorError, match=r"riddles_of_a_test.py: has no `benchmark`"):
        pool_stage(on_riddles(context))
