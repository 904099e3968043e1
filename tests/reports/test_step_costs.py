"""The ledger of arms by step: what is written is read, and what is shown is a mean over corpus draws."""

import dataclasses

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.reports.step_costs import StepCost, ledger_table, mean_costs, read_step_costs, write_step_costs

COUNT = st.integers(0, 10**9).map(float)
TEXT = st.text(min_size=1, max_size=5)
COST = st.builds(
    StepCost, TEXT, TEXT, TEXT, st.sampled_from([None, "samples"]), st.just(4), st.integers(1, 9), st.integers(0, 3),
    TEXT, COUNT, COUNT, COUNT, COUNT, st.none() | COUNT, st.none() | COUNT, st.booleans(),
)  # fmt: skip


def cost(arm="rs", step="answer", draw=0, samples=8.0, money=None, budget=8):
    return StepCost("e", arm, "p", None, 4, budget, draw, step, samples, 2.0, 10.0, 20.0, money)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(costs=st.lists(COST, min_size=1, max_size=6))
def test_what_is_written_is_read(costs, tmp_path):
    write_step_costs(tmp_path, costs)
    assert read_step_costs(tmp_path / "ledger.parquet") == costs
    assert read_step_costs(tmp_path / "ledger.parquet", costs[0].experiment) == [
        each for each in costs if each.experiment == costs[0].experiment
    ]


def test_a_draw_without_a_step_counts_as_0():
    rows = mean_costs([cost(samples=6.0), cost(draw=1, samples=8.0), cost(step="review", samples=4.0, money=1.5)])
    assert rows == [["rs", "answer", "7", "2", "10", "20", "", ""], ["rs", "review", "2", "1", "5", "10", "", "0.75"]]


def test_what_a_student_was_asked_is_said_to_be_no_sample_of_the_teacher():
    (row,) = mean_costs([dataclasses.replace(cost(step="probe"), by_student=True, flops=None)])
    assert row[1] == "probe (by the student, no sample of the teacher)"
    assert mean_costs([dataclasses.replace(cost(), flops=3e12)])[0][-2:] == ["3e+12", ""]


def test_several_corpora_of_an_arm_are_named():
    assert [row[0] for row in mean_costs([cost(), cost(budget=16)])] == ["rs, q4-r8", "rs, q4-r16"]
    assert "completion tokens" in ledger_table([cost()])


def test_another_table_is_refused(tmp_path):
    pq.write_table(pa.table({"arm": ["a"]}), tmp_path / "ledger.parquet")
    with pytest.raises(ValueError, match=r"ledger.parquet: it has no column 'budget'; it needs experiment, arm"):
        read_step_costs(tmp_path / "ledger.parquet")
