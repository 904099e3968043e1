"""Anybody's tables as ladders: formats, units, seeds, items, groups and plain complaints."""

import re

import numpy as np
import pandas as pd
import pytest

from toolkit.reports.curves import Columns, read_ladders

RUNS = pd.DataFrame(
    {"r": [4, 1, 2, 8] * 2, "seed": [0] * 4 + [1] * 4, "error": [0.4, 0.6, 0.5, 0.3, 0.42, 0.62, 0.52, 0.32]}
)


def write(table, path):
    writers = {
        ".csv": lambda: table.to_csv(path, index=False),
        ".tsv": lambda: table.to_csv(path, index=False, sep="\t"),
        ".jsonl": lambda: table.to_json(path, orient="records", lines=True),
        ".json": lambda: table.to_json(path, orient="records"),
        ".parquet": lambda: table.to_parquet(path),
    }
    writers[path.suffix]()
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_every_format_gives_the_same_ladder_in_order(tmp_path, suffix):
    (ladder,) = read_ladders(write(RUNS, tmp_path / f"curve{suffix}"), Columns("r", "error", seed="seed"))
    assert ladder.name == "curve" and ladder.quantity == "error" and ladder.notes == ()
    assert ladder.budgets.tolist() == [1, 1, 2, 2, 4, 4, 8, 8]
    assert ladder.values == pytest.approx([0.6, 0.62, 0.5, 0.52, 0.4, 0.42, 0.3, 0.32], abs=1e-12)


def test_percent_and_accuracy_are_read_and_said(tmp_path):
    table = RUNS.assign(accuracy=100 * (1 - RUNS.error), sd=1.5)
    (ladder,) = read_ladders(write(table, tmp_path / "a.csv"), Columns("r", "accuracy", sd="sd"))
    assert ladder.values == pytest.approx([0.6, 0.62, 0.5, 0.52, 0.4, 0.42, 0.3, 0.32])
    assert ladder.sd == pytest.approx([0.015] * 8)
    assert any("read as percent" in note for note in ladder.notes) and any(
        "error = 1 - accuracy" in note for note in ladder.notes
    )


def test_fractions_stay_fractions(tmp_path):
    (ladder,) = read_ladders(
        write(RUNS.assign(error=RUNS.error / 100), tmp_path / "a.csv"), Columns("r", "error", seed="seed")
    )
    assert ladder.values.max() == pytest.approx(0.0062) and ladder.notes == ()


def test_losses_above_one_are_no_percentages(tmp_path):
    (ladder,) = read_ladders(
        write(RUNS.assign(error=RUNS.error * 9), tmp_path / "a.csv"), Columns("r", "error", seed="seed"), "loss"
    )
    assert ladder.quantity == "loss" and ladder.values.max() == pytest.approx(0.62 * 9)


def test_one_row_per_item_is_averaged(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"r": np.repeat([1, 2, 4, 8], 100), "correct": rng.integers(0, 2, 400)})
    (ladder,) = read_ladders(write(table, tmp_path / "items.parquet"), Columns("r", "correct"))
    assert ladder.budgets.tolist() == [1, 2, 4, 8] and ladder.n.tolist() == [100] * 4
    assert ladder.values == pytest.approx(1 - table.groupby("r").correct.mean())
    assert any("one row per item" in note for note in ladder.notes)


def test_items_of_several_seeds_become_runs(tmp_path):
    table = pd.DataFrame(
        {"r": np.repeat([1, 2], 8), "seed": np.tile([0, 0, 0, 0, 1, 1, 1, 1], 2), "correct": [0, 1] * 8}
    )
    (ladder,) = read_ladders(write(table, tmp_path / "items.csv"), Columns("r", "correct", seed="seed"))
    assert ladder.budgets.tolist() == [1, 1, 2, 2] and ladder.values == pytest.approx([0.5] * 4)


def test_groups_keep_their_order(tmp_path):
    table = pd.concat([RUNS.assign(pair="b"), RUNS.assign(pair="a", error=RUNS.error / 2)])
    ladders = read_ladders(write(table, tmp_path / "a.csv"), Columns("r", "error", seed="seed", group="pair"))
    assert [ladder.name for ladder in ladders] == ["b", "a"]
    assert ladders[1].values[0] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("table", "name", "columns", "message"),
    [
        (RUNS, "a.xlsx", Columns("r", "error"), "cannot read .xlsx"),
        (RUNS, "a.csv", Columns("r", "loss"), "no column 'loss'; it has r, seed, error"),
        (
            RUNS.astype({"error": object}).replace(0.4, "n/a!"),
            "a.csv",
            Columns("r", "error"),
            "a.csv: row 2, column 'error': 'n/a!' is not",
        ),
        (
            RUNS.assign(error=[0.4, None] * 4),
            "a.csv",
            Columns("r", "error"),
            "a.csv: row 3, column 'error': the cell is empty",
        ),
        (
            RUNS.assign(error=-RUNS.error),
            "a.csv",
            Columns("r", "error"),
            "row 2, column 'error': -0.4 cannot be a value",
        ),
        (
            RUNS.assign(error=1000 * RUNS.error),
            "a.csv",
            Columns("r", "error"),
            "row 2, column 'error': 400 cannot be a value",
        ),
        (RUNS.assign(seed=0), "a.csv", Columns("r", "error", seed="seed"), "two rows for budget 4 and seed 0"),
        (RUNS[:0], "a.csv", Columns("r", "error"), "no rows"),
    ],
)
def test_bad_tables_are_named(tmp_path, table, name, columns, message):
    path = tmp_path / name
    if name.endswith("csv"):
        write(table, path)
    with pytest.raises(ValueError, match=re.escape(message)):
        read_ladders(path, columns)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        read_ladders(tmp_path / "absent.csv", Columns("r", "error"))
