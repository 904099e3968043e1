"""The whole chain in a small size, and what must hold of what it leaves."""

import hashlib
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from tests.pipeline.conftest import STAGES, TINY, Chain, recipe_with
from toolkit.cli import main
from toolkit.corpora import build
from toolkit.recipe.load import load_run
from toolkit.reports.tables import CURVES, ITEMS
from toolkit.synthesis.journal import read_journal

EVERYTHING = set(STAGES)


@pytest.fixture(scope="module")
def again(chain, tmp_path_factory) -> Chain:
    """A copy of the chain, for further runs."""
    return chain.copy(tmp_path_factory.mktemp("again"))


def out(chain, run="tiny"):
    return chain.workspace / "runs" / run


def test_the_first_run_makes_everything_and_says_what(chain):
    assert chain.first.todo == EVERYTHING - {"responses"}  # the journal is no artifact: it only grows
    assert "64 questions, 6 responses each: 384 responses, 384 sampled now" in chain.first.lines
    names = {path.name for path in out(chain).iterdir()}
    assert names == {
        "release",
        "forecast.json",
        "law.json",
        "fit.json",
        "law.png",
        "curves.parquet",
        "items.parquet",
        "summary.md",
    }
    assert (out(chain) / "law.png").read_bytes()[:4] == b"\x89PNG"
    assert (out(chain) / "summary.md").read_text() in chain.first.summary


def test_a_second_run_makes_nothing(again):
    before = {path: path.stat().st_mtime_ns for path in again.workspace.rglob(".artifact.json")}
    ran = again.run()
    assert ran.todo == set() and "0 sampled now" in ran.lines
    assert before == {path: path.stat().st_mtime_ns for path in again.workspace.rglob(".artifact.json")}


def test_curves_and_items_are_of_the_one_schema_and_agree(chain):
    curves = pq.read_table(out(chain) / "curves.parquet")
    items = pq.read_table(out(chain) / "items.parquet")
    assert curves.schema.equals(CURVES) and items.schema.equals(ITEMS)
    rows = curves.to_pylist()
    assert [row["arm"] for row in rows] == ["teacher", "base"] + ["FSS"] * 10
    assert {(row["budget"], row["train_seed"]) for row in rows[2:]} == {(b, s) for b in (1, 2, 3, 4, 6) for s in (0, 1)}
    assert len({row["eval_key"] for row in rows}) == 1
    frame = items.to_pandas()
    for row in rows:
        of_model = frame[(frame.arm == row["arm"]) & ((frame.budget == row["budget"]) | frame.budget.isna())]
        of_model = of_model[(of_model.train_seed == row["train_seed"]) | of_model.train_seed.isna()]
        assert len(of_model) == row["n"] == 60
        assert 1 - of_model.correct.mean() == pytest.approx(row["error"])


def test_the_forecast_was_written_before_its_students_and_without_them(chain):
    told = json.loads((out(chain) / "forecast.json").read_text())
    assert {point["budget"] for point in told["fitted"]} == {1, 2, 3, 4} and told["held_out"] == 6
    assert told["exploratory"] is False
    (forecast,) = chain.artifacts("forecast")
    written = (forecast / ".artifact.json").stat().st_mtime_ns
    late = [
        path
        for path in chain.artifacts("student")
        if facts(path)["inputs"]["train_seed"] in (0, 1) and len(facts(path)["inputs"]["corpus"]) == 10
    ]
    assert len(late) == 2
    assert all(written < min(file.stat().st_mtime_ns for file in path.iterdir()) for path in late)
    digest = hashlib.sha256((forecast / "forecast.json").read_bytes()).hexdigest()
    assert facts(forecast)["files"]["forecast.json"] == digest and digest[:12] in chain.first.lines


def facts(path):
    return json.loads((path / ".artifact.json").read_text())


def test_the_law_keeps_forecast_baselines_and_observation_side_by_side(chain):
    law = json.loads((out(chain) / "law.json").read_text())
    assert law["observed"]["students"] == 2
    assert {"averaged", "law", "log-linear", "last value"} <= set(law["misses"])
    assert law["misses"]["averaged"] == pytest.approx(law["forecast"]["law"]["mean"] - law["observed"]["mean"])
    assert 0 <= law["forecast"]["law"]["low_new"] <= law["forecast"]["law"]["high_new"] <= 1
    assert "log-linear" in chain.first.summary and "last value" in chain.first.summary


def test_budgets_are_nested_in_journal_and_release(chain, tmp_path):
    for journal in chain.journals():
        keys = [(row.index, row.question_id) for row in read_journal(journal)]
        assert len(set(keys)) == len(keys) == 384
        assert [index for index, _ in keys] == sorted(index for index, _ in keys)
    folder = str(out(chain) / "release")
    rows = {r: load_dataset(folder, f"r{r}", split="train", cache_dir=str(tmp_path)).to_list() for r in (1, 2, 3, 4, 6)}
    for low, high in ((1, 2), (2, 3), (3, 4), (4, 6)):
        assert rows[high][: len(rows[low])] == rows[low]
    assert {row["verdict"] for row in rows[6]} == {"accepted"} and len(rows[6]) > len(rows[1])
    assert load_dataset(folder, split="train", cache_dir=str(tmp_path)).num_rows == len(rows[6])
    everything = load_dataset(folder, "all", split="train", cache_dir=str(tmp_path))
    assert everything.num_rows == 384


def test_no_test_question_is_in_corpus_or_pool(chain, tmp_path):
    folder = str(out(chain) / "release")
    test = set(load_dataset(folder, "test", split="test", cache_dir=str(tmp_path))["question"])
    assert len(test) == 60
    assert not test & set(load_dataset(folder, "all", split="train", cache_dir=str(tmp_path))["question"])


LAW = {"forecast", "law", "curves"}
TRAINED = {"students", "held-out", "score"} | LAW
CORPUS = {"corpus", "leaks", "release"} | TRAINED


@pytest.mark.parametrize(
    ("change", "reruns"),
    [
        ("title: Other", {"release", "law", "curves"}),
        ("summary: Other", {"release"}),
        ("pool_seed: 1", EVERYTHING - {"models"}),
        ("teacher_seed: 1", {"leaks", "models", "verdicts"} | CORPUS),
        ("base_steps: 251", {"leaks", "models"} | TRAINED),
        ("temperature: 0.9", {"verdicts"} | CORPUS),
        ("sampling_seed: 1", {"verdicts"} | CORPUS),
        ("check_steps: false", {"verdicts"} | CORPUS),
        ("steps: 51", TRAINED),
        ("epochs: 9.0", set()),  # not read under control: steps
        ("learning_rate: 5e-3", TRAINED),
        ("replicates: [0, 1, 2]", {"verdicts", "corpus", "leaks", "release"} | TRAINED),
        ("eval_max_tokens: 40", {"score"} | LAW),
        ("held_out: null", set()),
    ],
)
def test_a_changed_key_reruns_what_is_downstream_and_nothing_else(again, tmp_path, change, reruns):
    key, _, value = change.partition(": ")
    fields = {key: value} | ({"fit_max": "null"} if key == "held_out" else {})
    other = Chain(tmp_path, recipe_with(**fields))
    other.workspace = again.workspace
    ran = other.run(dry=True)
    assert ran.todo - {"responses", "pool"} == reruns - {"responses", "pool"}
    assert "Nothing else was made" in ran.summary


def test_rows_with_other_columns_are_another_corpus(again, monkeypatch):
    monkeypatch.setattr("toolkit.corpora.build.SCHEMA", build.SCHEMA.append(pa.field("another", pa.string())))
    assert again.run(dry=True).todo - {"responses", "pool"} == CORPUS


def test_a_dry_run_makes_nothing_and_shows_the_first_prompt(tmp_path):
    fresh = Chain(tmp_path)
    ran = fresh.run(dry=True)
    assert (
        "to sample: 384 requests, about " in ran.lines
        and "at most 18,432 completion tokens" in ran.lines
        and f"teacher: {load_run(str(TINY)).recipe.teacher.teacher_steps} steps" in ran.lines
    )
    assert "<|user|>" in ran.summary and "The first prompt" in ran.summary
    assert {path.name for path in fresh.workspace.iterdir()} <= {"pool", "tmp", "locks"}


def test_one_budget_reuses_what_the_ladder_made(again):
    ran = again.run("-r3-s1")
    assert ran.todo == {"leaks", "release", "curves"} and "0 sampled now" in ran.lines
    assert not (out(again, "tiny-r3-s1") / "law.json").exists()
    curves = pq.read_table(out(again, "tiny-r3-s1") / "curves.parquet").to_pylist()
    assert {row["budget"] for row in curves} == {None, 1, 2, 3}


def test_a_forecast_of_a_rung_that_was_trained_before_says_so(chain, tmp_path):
    other = chain.copy(tmp_path)
    shutil.rmtree(other.workspace / "forecast")
    assert "EXPLORATORY" in other.run().lines
    assert json.loads((out(other) / "forecast.json").read_text())["exploratory"] is True


def test_a_release_is_re_verified_and_a_changed_byte_is_told(chain, tmp_path, capsys):
    shutil.copytree(out(chain) / "release", tmp_path / "release")
    assert main(["check", str(tmp_path / "release")]) == 0
    with (tmp_path / "release" / "README.md").open("a") as card:
        card.write("more")
    assert main(["check", str(tmp_path / "release")]) == 1
    assert "README.md: its bytes are not those of the manifest" in capsys.readouterr().out
