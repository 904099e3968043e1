"""Experiments in a small size: several pairs, subsets and controls through the one chain, nothing made twice."""

import io
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.pipeline.conftest import TINY, Chain
from toolkit.hub.endpoints import open_hub
from toolkit.pipeline.run import release
from toolkit.pipeline.verify import check
from toolkit.progress import Progress
from toolkit.recipe.load import load_run

pytestmark = pytest.mark.xdist_group("chain")  # one worker makes the shared chain

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

    def make(**fields):
        kept = [line for line in TINY.read_text().splitlines() if line.split(":")[0] not in fields]
        other = Chain(tmp_path, "\n".join([*kept, *(f"{key}: {value}" for key, value in fields.items())]))
        other.workspace = shutil.copytree(chain.workspace, tmp_path / "workspace")
        return other

    return make


def made(chain, kind):
    return {path: json.loads((path / ".artifact.json").read_text()) for path in chain.artifacts(kind)}


def curves(chain):
    return pq.read_table(chain.workspace / "runs" / "tiny" / "curves.parquet").to_pylist()


def test_pairs_share_what_is_the_same_and_every_forecast_comes_before_any_held_out_student(chain, varied):
    other = varied(**PAIRS)
    known = {kind: set(made(chain, kind)) for kind in ("student", "teacher", "corpus", "forecast")}
    ran = other.run()
    new = {kind: {path for path in made(other, kind) if path.name not in names(known[kind])} for kind in known}
    assert not new["teacher"] and not new["corpus"] and "0 sampled now" in ran.lines
    assert len(new["student"]) == 14 and len(new["forecast"]) == 1  # of the second base, and of twice the steps
    late = [path for path in new["student"] if len(made(other, "student")[path]["inputs"]["corpus"]) == 10]
    written = max((path / ".artifact.json").stat().st_mtime_ns for path in other.artifacts("forecast"))
    assert len(late) == 6
    assert sorted(made(other, "student")[path]["facts"]["steps"] for path in late) == [STEPS] * 2 + [2 * STEPS] * 4
    assert all(written < min(file.stat().st_mtime_ns for file in path.iterdir()) for path in late)
    rows = curves(other)
    assert {row["pair"] for row in rows} == {"nano>wide", "nano>thin"}
    assert sorted(row["arm"] for row in rows if row["budget"] is None) == ["base", "base", "teacher", "teacher"]
    out = other.workspace / "runs" / "tiny"
    errors = {
        pair: [r["error"] for r in rows if (r["budget"], r["pair"], r["control"]) == (6, pair, "steps")]
        for pair in PLACES
    }
    for pair, place in PLACES.items():
        law = json.loads((out / place / "law.json").read_text())
        assert law["observed"]["mean"] == pytest.approx(sum(errors[pair]) / 2)
        assert law["forecast"]["exploratory"] is False
    verdicts = {rule: json.loads((out / "decisions" / f"{rule}.json").read_text()) for rule in ("law", "bound")}
    assert verdicts["law"]["rules"]["law_width"] == 0.2 and f"law: {verdicts['law']['verdict']}. " in ran.summary
    assert (out / "decisions" / "law.png").read_bytes()[:4] == b"\x89PNG" and "saturation: " in ran.summary
    assert all(part["moved"] is not None for part in verdicts["bound"]["numbers"]["parts"])
    assert "nano>thin, control steps" in ran.summary
    assert "nano>wide, control doubled" in ran.summary and "## nano-thin-r6" in ran.summary
    assert other.run().todo == set()
    every_verdict_and_law_is_published(other)


def every_verdict_and_law_is_published(other):
    """By the run, and again by `fss release`, which finds what the run made."""
    out, repo = other.workspace / "runs" / "tiny", "local/fss-tiny-results"
    release(load_run(str(other.recipe)), other.workspace, jobs=1, dry=False, progress=Progress(io.StringIO()))
    with open_hub(other.workspace, repo) as api:
        assert [ref.name for ref in api.list_repo_refs(repo, repo_type="dataset").tags] == ["v1.0.0"]
        got = Path(api.snapshot_download(repo, repo_type="dataset", local_dir=out.parent / "got"))
    laws = pq.read_table(next(got.glob("data/laws-*.parquet"))).to_pylist()
    assert {(row["pair"], row["held_out"]) for row in laws} == {(pair, 6) for pair in PLACES}
    decided = pq.read_table(next(got.glob("data/decisions-*.parquet"))).to_pylist()
    assert {row["rule"] for row in decided} == {"law", "bound", "saturation"}
    for place, name in (("", "forecast.json"), ("nano-thin-r6", "law.json"), ("nano-thin-r6", "law.png")):
        here = out / "laws" / place if place else out
        assert (got / "laws" / place / name).read_bytes() == (here / name).read_bytes()
    assert (got / "decisions" / "law.md").read_bytes() == (out / "decisions" / "law.md").read_bytes()
    assert "## Decisions" in (got / "README.md").read_text()


def names(paths):
    return {path.name for path in paths}


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
    assert check(release, Progress(ran.stream)).problems == []
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
