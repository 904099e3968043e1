"""Experiments in a small size: several pairs, subsets and controls through the one chain, nothing made twice."""

import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from tests.pipeline.conftest import recipe_with
from toolkit.hub.endpoints import open_hub
from toolkit.pipeline.run import release
from toolkit.pipeline.verify import check
from toolkit.progress import Progress
from toolkit.recipe.load import load_run

PAIRS = {
    "bases": "{wide: {}, thin: {base_width: 48, base_steps: 60}}",
    "double_steps_at": "[6]",
    "decide": "[law, bound, saturation]",
    "rules": "{law_width: 0.2}",
    "repo": "local/fss-tiny",
}
STEPS = 50  # of the tiny recipe's students
PLACES = {"nano>wide": ".", "nano>thin": "laws/nano-thin-r6"}
ROUTES = {
    "ladder_questions": "32",
    "subsets": "[32, 64]",
    "totals": "[64, 128]",
    "controls": "[steps, epochs]",
    "epochs": "0.5",
    "steps": "3",
    "reorder": "true",
    "decide": "[expansion]",
    "fit_max": "null",
    "held_out": "null",
}


@pytest.fixture
def varied(chain, tmp_path):
    """The tiny chain with other keys, on a copy of what the first one left."""
    return lambda **fields: chain.copy(tmp_path, recipe_with(**fields))


@pytest.fixture(scope="module")
def pairs(chain, tmp_path_factory) -> SimpleNamespace:
    """A run of two bases and another control on a copy of the chain, and what is new of each kind."""
    other = chain.copy(tmp_path_factory.mktemp("pairs"), recipe_with(**PAIRS))
    ran = other.run()
    kinds = ("student", "teacher", "corpus", "forecast")
    new = {kind: names(other, kind) - names(chain, kind) for kind in kinds}
    return SimpleNamespace(chain=other, ran=ran, new=new, out=other.workspace / "runs" / "tiny")


def names(chain, kind) -> set[str]:
    return {path.name for path in chain.artifacts(kind)}


def manifest(folder):
    return json.loads((folder / ".artifact.json").read_text())


def curves(chain):
    return pq.read_table(chain.workspace / "runs" / "tiny" / "curves.parquet").to_pylist()


def held_out_students(pairs) -> list[Path]:
    """The folders of the new students whose corpus has all ten cells: shell x increment, up to the rung held out."""
    students = (pairs.chain.workspace / "student" / name for name in pairs.new["student"])
    return [folder for folder in students if len(manifest(folder)["inputs"]["corpus"]) == 10]


def test_pairs_share_the_teacher_its_responses_and_the_corpus(pairs):
    assert not pairs.new["teacher"] and not pairs.new["corpus"] and "0 sampled now" in pairs.ran.lines


def test_only_students_of_another_base_or_control_are_trained(pairs):
    assert len(pairs.new["student"]) == 14  # of the second base, and of twice the steps
    steps = sorted(manifest(folder)["facts"]["steps"] for folder in held_out_students(pairs))
    assert steps == [STEPS] * 2 + [2 * STEPS] * 4


def test_every_forecast_is_written_before_any_held_out_student(pairs):
    assert len(pairs.new["forecast"]) == 1
    forecasts = pairs.chain.artifacts("forecast")
    written = max((folder / ".artifact.json").stat().st_mtime_ns for folder in forecasts)
    late = held_out_students(pairs)
    assert len(late) == 6
    assert all(written < min(file.stat().st_mtime_ns for file in folder.iterdir()) for folder in late)


def test_the_curves_hold_both_pairs_and_the_references_of_each(pairs):
    rows = curves(pairs.chain)
    assert {row["pair"] for row in rows} == set(PLACES)
    assert sorted(row["arm"] for row in rows if row["budget"] is None) == ["base", "base", "teacher", "teacher"]


@pytest.mark.parametrize(("pair", "place"), PLACES.items())
def test_each_pair_has_a_law_of_its_own_students(pairs, pair, place):
    rows = curves(pairs.chain)
    errors = [r["error"] for r in rows if (r["budget"], r["pair"], r["control"]) == (6, pair, "steps")]
    law = json.loads((pairs.out / place / "law.json").read_text())
    assert len(errors) == 2 and law["observed"]["mean"] == pytest.approx(sum(errors) / 2)
    assert law["forecast"]["exploratory"] is False


def test_every_rule_is_decided_and_its_verdict_shown(pairs):
    decided = {rule: json.loads((pairs.out / "decisions" / f"{rule}.json").read_text()) for rule in ("law", "bound")}
    assert decided["law"]["rules"]["law_width"] == 0.2
    assert all(part["moved"] is not None for part in decided["bound"]["numbers"]["parts"])
    assert (pairs.out / "decisions" / "law.png").read_bytes()[:4] == b"\x89PNG"
    assert f"law: {decided['law']['verdict']}. " in pairs.ran.summary and "saturation: " in pairs.ran.summary


def test_the_summary_names_every_pair_and_control(pairs):
    for words in ("nano>thin, control steps", "nano>wide, control doubled", "## nano-thin-r6"):
        assert words in pairs.ran.summary


def test_a_second_run_of_the_pairs_makes_nothing(pairs):
    assert pairs.chain.run().todo == set()


@pytest.fixture(scope="module")
def downloaded(pairs, tmp_path_factory) -> Path:
    """The published results, once the run and `fss release`, which finds what the run made, have published them."""
    run, workspace, repo = load_run(str(pairs.chain.recipe)), pairs.chain.workspace, "local/fss-tiny-results"
    shutil.rmtree(workspace / "curves")  # they are written again, and decisions are known by what they hold
    release(run, workspace, jobs=1, dry=False, progress=Progress(io.StringIO()))
    with open_hub(workspace, repo) as api:
        assert [ref.name for ref in api.list_repo_refs(repo, repo_type="dataset").tags] == ["v1.0.0"]
        return Path(api.snapshot_download(repo, repo_type="dataset", local_dir=tmp_path_factory.mktemp("results")))


def test_every_law_is_published(pairs, downloaded):
    laws = pq.read_table(next(downloaded.glob("data/laws-*.parquet"))).to_pylist()
    assert {(row["pair"], row["held_out"]) for row in laws} == {(pair, 6) for pair in PLACES}
    for place, name in (("", "forecast.json"), ("nano-thin-r6", "law.json"), ("nano-thin-r6", "law.png")):
        here = pairs.out / "laws" / place if place else pairs.out
        assert (downloaded / "laws" / place / name).read_bytes() == (here / name).read_bytes()


def test_every_verdict_is_published(pairs, downloaded):
    decided = pq.read_table(next(downloaded.glob("data/decisions-*.parquet"))).to_pylist()
    assert {row["rule"] for row in decided} == {"law", "bound", "saturation"}
    here, there = (folder / "decisions" / "law.md" for folder in (pairs.out, downloaded))
    assert here.read_bytes() == there.read_bytes()
    assert "## Decisions" in (downloaded / "README.md").read_text()


@pytest.mark.slow
def test_subsets_and_controls_at_matched_totals(varied):
    other = varied(**ROUTES)
    ran = other.run()
    rows = [row for row in curves(other) if row["budget"]]
    cells = {(row["questions"], row["budget"], row["control"], row["train_seed"], row["corpus_draw"]) for row in rows}
    assert cells == {
        (*cell, control, draw, draw)
        for cell in ((32, 2), (32, 4), (64, 1), (64, 2))
        for control in ("steps", "epochs")
        for draw in (0, 1)
    }
    assert len(rows) == len(cells) and {row["arm"] for row in rows} == {"FSS"}
    pools = [pq.read_table(path / "questions.parquet")["question"].to_pylist() for path in other.artifacts("pool")]
    assert len(pools) == 2 and set(pools[0]) == set(pools[1]) and set(pools[0][:32]) != set(pools[1][:32])
    tests = [(path / "test.parquet").read_bytes() for path in other.artifacts("pool")]
    assert tests[0] == tests[1]
    release = other.workspace / "runs" / "tiny" / "release"
    assert check(release, Progress(io.StringIO())).problems == []
    told = json.loads((other.workspace / "runs" / "tiny" / "decisions" / "expansion.json").read_text())
    assert told["rules"]["control"] == "steps" and told["sentence"] in ran.summary
    configs = json.loads((release / "manifest.json").read_text())["configs"]
    assert {"r2", "r4", "q2-r1", "q2-r2"} <= set(configs) and "q2-r4" not in configs
    assert other.run().todo == set()


def test_a_dry_run_of_an_experiment_finds_the_cells_that_another_trained(varied):
    ran = varied(replicates="[0, 1, 2]").run(dry=True)
    students = next(line for line in ran.lines.splitlines() if line.startswith("students"))
    assert "Ahead: responses 384 responses (rate measured here), student 250 steps (rate measured here), score" in (
        ran.summary
    )
    assert "12 students" in students and "8 cached" in students and "4 to do" in students
