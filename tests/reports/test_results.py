"""Results as arrays: what is refused, what is shared, and that order does not matter."""

import numpy as np
import pandas as pd
import pytest

from tests.reports.simulated import GRID, LADDER, simulate
from toolkit.reports.results import read_results, series_of


@pytest.fixture(scope="module")
def tables():
    return simulate(LADDER, sd=0.01, items=50)


def test_errors_and_items_agree_with_the_tables(tables, tmp_path):
    curves, items = tables
    curves.to_parquet(tmp_path / "curves.parquet")
    items.to_parquet(tmp_path / "items.parquet")
    experiment, (series,) = read_results(tmp_path / "curves.parquet", tmp_path / "items.parquet")
    assert experiment == "sim" and series.cells == LADDER and series.n == 50 and series.by_item
    assert series.matrix([(256, 4), (256, 8)]).shape == (2, 4, 50)
    record = curves[(curves["budget"] == 4)]["error"].tolist()
    assert series.errors((256, 4)) == pytest.approx(record)
    assert [row["budget"] for row in series.ladder()] == sorted(r for _, r in LADDER for _ in range(4))
    assert series.lines["teacher"].mean() == pytest.approx(0.3)


def test_order_of_rows_does_not_matter(tables):
    shuffled = [table.sample(frac=1, random_state=1) for table in tables]
    (one,), (other,) = series_of(*tables)[1], series_of(*shuffled)[1]
    assert np.array_equal(one.matrix(LADDER), other.matrix(LADDER))
    assert np.array_equal(one.lines["base"], other.lines["base"])


def test_a_model_that_serves_two_arms_counts_once(tables):
    doubled = [pd.concat([table, table[table["arm"] == "FSS"].assign(arm="SE")]) for table in tables]
    (series,) = series_of(*doubled)[1]
    assert len(series.errors((256, 4))) == 4


def test_one_arm_is_chosen_with_teacher_and_base(tables, tmp_path):
    for name, table in zip(("curves", "items"), tables, strict=True):
        other = table[table["arm"] == "FSS"].assign(
            arm="other", **({"error": 0.5} if name == "curves" else {"correct": 0.5})
        )
        pd.concat([table, other]).to_parquet(tmp_path / f"{name}.parquet")
    files = tmp_path / "curves.parquet", tmp_path / "items.parquet"
    with pytest.raises(ValueError, match="choose one arm"):
        read_results(*files)
    for arm, error in (("other", 0.5), ("FSS", tables[0].query("budget == 4")["error"].mean())):
        (series,) = read_results(*files, {"arm": arm})[1]
        assert np.mean(series.errors((256, 4))) == pytest.approx(error) and set(series.lines) == {"teacher", "base"}


@pytest.mark.parametrize("name", ["protocol", "benchmark"])
def test_one_protocol_and_one_benchmark_are_chosen(tables, tmp_path, name):
    """A file without the columns holds what their older values say."""
    older = {"protocol": "rejection_sampling", "benchmark": "pool"}[name]
    for file, table in zip(("curves", "items"), tables, strict=True):
        line = table["arm"].isin(["teacher", "base"])
        known = table.assign(**{name: table["arm"].mask(line & (name == "protocol")).where(table["arm"].isna(), older)})
        other = known[~line | (name == "benchmark")].assign(**{name: "other"})
        pd.concat([known, other]).to_parquet(tmp_path / f"{file}.parquet")
        table.to_parquet(tmp_path / f"old_{file}.parquet")
    files, old = ([tmp_path / f"{age}{file}.parquet" for file in ("curves", "items")] for age in ("", "old_"))
    with pytest.raises(ValueError, match=f"of 2 {name}s \\(other, {older}\\): choose one {name}"):
        read_results(*files)
    (chosen,), (same,), (whole,) = (
        read_results(*each)[1] for each in ((*files, {name: older}), (*old, {name: older}), old)
    )
    for series in (chosen, same):
        assert np.array_equal(series.matrix(LADDER), whole.matrix(LADDER)) and set(series.lines) == set(whole.lines)
    with pytest.raises(ValueError, match=f"no row has {name} = third; it holds"):
        read_results(*files, {name: "third"})


def test_without_items_there_is_one_column(tables):
    (series,) = series_of(tables[0], None)[1]
    assert series.matrix([(256, 1)]).shape == (1, 4, 1) and not series.by_item


def test_only_shared_replicates_are_paired():
    curves, items = simulate(GRID, items=20)
    gone = [table[~((table["questions"] == 512) & (table["train_seed"] == 3))] for table in (curves, items)]
    (series,) = series_of(*gone)[1]
    assert series.matrix([(256, 2), (512, 1)]).shape[1] == 3 and series.matrix([(256, 2)]).shape[1] == 4


def _other_seeds(curves, items):
    far = [table.copy() for table in (curves, items)]
    for table in far:
        table.loc[table["budget"] == 8, "train_seed"] += 100
    return far


@pytest.mark.parametrize(
    ("spoil", "messages"),
    [
        (lambda c, i: (pd.concat([c, c.assign(experiment="b")]), i), r"2 experiments \(b, sim\)"),
        (lambda c, i: (c[c["arm"] != "FSS"], i), "no students"),
        (lambda c, i: (c.assign(eval_key=["other", *c["eval_key"][1:-1], "x"]), i), "scored in 2 ways"),
        (lambda c, i: (pd.concat([c, c[-1:].assign(error=0.1234)]), i), "two students have the same cell"),
        (lambda c, i: (c, i.drop(i.index[-1])), "item 'i49' was not answered by every model"),
        (lambda c, i: (c, i[i["budget"] != 8]), r"no answers to items for the student .*\(256, 8, 0, 0\)"),
    ],
)
def test_what_cannot_be_compared_is_refused(tables, spoil, messages):
    with pytest.raises(ValueError, match=messages):
        series_of(*spoil(*tables))


def test_cells_without_a_common_replicate_are_named(tables):
    (series,) = series_of(*_other_seeds(*tables))[1]
    with pytest.raises(ValueError, match=r"q256-r4, q256-r8 of nano>nano, control steps, share no replicate"):
        series.matrix([(256, 4), (256, 8)])
