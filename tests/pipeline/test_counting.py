"""The chain under the other ways of counting: what it samples, releases and measures."""

import io
import json
import re

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from tests.pipeline.conftest import recipe_with
from toolkit.pipeline.verify import check
from toolkit.progress import Progress
from toolkit.synthesis.journal import read_journal

SHORT = {"fit_max": "null", "held_out": "null", "replicates": "[0]", "steps": "5"}


@pytest.fixture
def counted(chain, tmp_path):
    """A short run of the tiny chain with other fields of its ladder, on a copy of what the first one left."""

    def run(**fields):
        other = chain.copy(tmp_path, recipe_with(**(SHORT | fields)))
        return other, other.run()

    return run


def test_distinct_accepted_responses_from_a_source_that_was_sampled_before(counted, tmp_path):
    other, ran = counted(counting="accepted", budgets="[1, 2]", max_draws="10")
    assert ran.todo >= {"verdicts", "corpus", "release", "students", "curves"} and "models" not in ran.todo
    release = other.workspace / "runs" / "tiny" / "release"
    assert check(release, Progress(io.StringIO())).problems == []
    rows = {
        budget: load_dataset(str(release), f"a{budget}", split="train", cache_dir=str(tmp_path)) for budget in (1, 2)
    }
    small, large = (held.to_list() for held in rows.values())
    assert large[: len(small)] == small and len({row["question_id"] for row in small}) == len(small)
    assert len({(row["question_id"], row["response"]) for row in large}) == len(large) > len(small)
    drawn = load_dataset(str(release), "all", split="train", cache_dir=str(tmp_path))
    held = max(sum(1 for _ in read_journal(path)) for path in other.journals())
    assert drawn.num_rows < held  # what the first ladder drew beyond is in no file
    curves = pq.read_table(other.workspace / "runs" / "tiny" / "curves.parquet").to_pylist()
    assert {(row["budget"], row["counting"]) for row in curves if row["arm"] == "FSS"} == {
        (1, "accepted"),
        (2, "accepted"),
    }
    assert other.run().todo == set()


def test_adaptive_draws_are_an_arm_of_their_own(counted, tmp_path):
    other, _ = counted(counting="adaptive", budgets="[12]", stop_below="0.3")
    release = other.workspace / "runs" / "tiny" / "release"
    assert check(release, Progress(io.StringIO())).problems == []
    assert "not a budget of a ladder" in (release / "README.md").read_text()
    (stops,) = (other.workspace / "responses").glob("*.stops.jsonl")
    last = {row["question_id"]: row for row in map(json.loads, stops.read_text().splitlines())}
    drawn = load_dataset(str(release), "all", split="train", cache_dir=str(tmp_path))
    assert drawn.num_rows == sum(row["draws"] if row["stopped"] else 12 for row in last.values())
    assert re.search(rf"\| s12 \| 64 \| {drawn.num_rows} \|", (release / "README.md").read_text())
    curves = pq.read_table(other.workspace / "runs" / "tiny" / "curves.parquet").to_pylist()
    assert {row["arm"] for row in curves} == {"teacher", "base", "adaptive"}
    before = stops.read_bytes()
    assert other.run().todo == set() and stops.read_bytes() == before
