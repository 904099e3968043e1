"""A run that compares arms from pool to verdict, on what the tiny chain has made already."""

import pyarrow.parquet as pq
import pytest

from tests.pipeline.conftest import recipe_with

ARMS = "{rs: {}, redi: {objective: redi, preference_steps: 10}}"
FIELDS = {
    "budgets": "[4]",
    "fit_max": "null",
    "held_out": "null",
    "match": "samples",
    "decide": "[audit]",
    "arms": ARMS,
}


@pytest.fixture(scope="module")
def compared(chain, tmp_path_factory):
    own = chain.copy(tmp_path_factory.mktemp("compared"), recipe_with(**FIELDS))
    own.first = own.run()
    return own


def test_the_students_of_each_arm_and_what_it_took_stand_side_by_side(compared):
    summary = compared.first.summary
    assert summary.index("| rs ") < summary.index("| redi ") and "| arm " in summary
    assert "What each arm took of its teacher" in summary and summary.count("| answer |") == 2
    assert "audit: cannot tell. At matched samples the gain over rs is " in summary


def test_corpora_are_measured_at_equal_rows_beside_what_they_took(compared):
    rows = pq.read_table(compared.workspace / "runs" / "tiny" / "corpora.parquet").to_pylist()
    assert {(row["arm"], row["corpus_draw"]) for row in rows} == {
        (arm, draw) for arm in ("rs", "redi") for draw in (0, 1)
    }
    taken = {(row["arm"], row["metric"]): row["value"] for row in rows if row["corpus_draw"] == 0}
    assert taken["rs", "samples"] == taken["redi", "samples"] == 4 * 64
    assert taken["rs", "steps"] == taken["redi", "steps"] == 50
    assert 0 < taken["rs", "acceptance"] < 1 and taken["rs", "perplexity"] > 1
    assert {row["experiment"] for row in rows} == {"tiny"}


def test_what_each_arm_took_stands_by_step(compared):
    rows = pq.read_table(compared.workspace / "runs" / "tiny" / "ledger.parquet").to_pylist()
    assert {(row["arm"], row["corpus_draw"], row["step"]) for row in rows} == {
        (arm, draw, "answer") for arm in ("rs", "redi") for draw in (0, 1)
    }
    assert {row["samples"] for row in rows} == {4 * 64} and all(0 < row["kept"] < 4 * 64 for row in rows)
    assert all(row["tokens"] > row["samples"] and row["cost"] is None for row in rows)


def test_nothing_is_made_twice_and_another_experiment_has_a_table_of_its_own(compared):
    assert compared.run().todo == set() and compared.run(dry=True).todo == set()
    compared.recipe = compared.recipe.rename(compared.recipe.with_name("other.yaml"))
    assert compared.run().todo == {"arms", "curves", "decision"}
