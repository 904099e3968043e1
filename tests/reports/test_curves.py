"""Anybody's tables as ladders: formats, units, seeds, items, groups and plain complaints."""

import re

import numpy as np
import pandas as pd
import pytest

from toolkit.reports.curves import CurveColumns, read_ladders

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
    (ladder,) = read_ladders(write(RUNS, tmp_path / f"curve{suffix}"), CurveColumns("r", "error", seed="seed"))
    assert ladder.name == "curve" and ladder.quantity == "error" and ladder.notes == ()
    assert ladder.budgets.tolist() == [1, 1, 2, 2, 4, 4, 8, 8]
    assert ladder.values == pytest.approx([0.6, 0.62, 0.5, 0.52, 0.4, 0.42, 0.3, 0.32], abs=1e-12)


def test_percent_and_accuracy_are_read_and_said(tmp_path):
    table = RUNS.assign(accuracy=100 * (1 - RUNS.error), sd=1.5)
    (ladder,) = read_ladders(write(table, tmp_path / "a.csv"), CurveColumns("r", "accuracy", sd="sd"))
    assert ladder.values == pytest.approx([0.6, 0.62, 0.5, 0.52, 0.4, 0.42, 0.3, 0.32])
    assert ladder.sd == pytest.approx([0.015] * 8)
    assert any("read as percent" in note for note in ladder.notes) and any(
        "error = 1 - accuracy" in note for note in ladder.notes
    )


def test_fractions_stay_fractions(tmp_path):
    (ladder,) = read_ladders(
        write(RUNS.assign(error=RUNS.error / 100), tmp_path / "a.csv"), CurveColumns("r", "error", seed="seed")
    )
    assert ladder.values.max() == pytest.approx(0.0062) and ladder.notes == ()


def test_losses_above_one_are_no_percentages(tmp_path):
    (ladder,) = read_ladders(
        write(RUNS.assign(error=RUNS.error * 9), tmp_path / "a.csv"), CurveColumns("r", "error", seed="seed"), "loss"
    )
    assert ladder.quantity == "loss" and ladder.values.max() == pytest.approx(0.62 * 9)


def test_one_row_per_item_is_averaged(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"r": np.repeat([1, 2, 4, 8], 100), "correct": rng.integers(0, 2, 400)})
    (ladder,) = read_ladders(write(table, tmp_path / "items.parquet"), CurveColumns("r", "correct"))
    assert ladder.budgets.tolist() == [1, 2, 4, 8] and ladder.n.tolist() == [100] * 4
    assert ladder.values == pytest.approx(1 - table.groupby("r").correct.mean())
    assert any("one row per item" in note for note in ladder.notes)


def test_items_of_several_seeds_become_runs(tmp_path):
    table = pd.DataFrame(
        {"r": np.repeat([1, 2], 8), "seed": np.tile([0, 0, 0, 0, 1, 1, 1, 1], 2), "correct": [0, 1] * 8}
    )
    (ladder,) = read_ladders(write(table, tmp_path / "items.csv"), CurveColumns("r", "correct", seed="seed"))
    assert ladder.budgets.tolist() == [1, 1, 2, 2] and ladder.values == pytest.approx([0.5] * 4)


def test_groups_keep_their_order(tmp_path):
    table = pd.concat([RUNS.assign(pair="b"), RUNS.assign(pair="a", error=RUNS.error / 2)])
    ladders = read_ladders(write(table, tmp_path / "a.csv"), CurveColumns("r", "error", seed="seed", group="pair"))
    assert [ladder.name for ladder in ladders] == ["b", "a"]
    assert ladders[1].values[0] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("table", "name", "columns", "message"),
    [
        (RUNS, "a.xlsx", CurveColumns("r", "error"), "cannot read .xlsx"),
        (RUNS, "a.csv", CurveColumns("r", "loss"), "no column 'loss'; it has r, seed, error"),
        (
            RUNS.astype({"error": object}).replace(0.4, "n/a!"),
            "a.csv",
            CurveColumns("r", "error"),
            "a.csv: row 2, column 'error': 'n/a!' is not",
        ),
        (
            RUNS.assign(error=[0.4, None] * 4),
            "a.csv",
            CurveColumns("r", "error"),
            "a.csv: row 3, column 'error': the cell is empty",
        ),
        (
            RUNS.assign(error=-RUNS.error),
            "a.csv",
            CurveColumns("r", "error"),
            "row 2, column 'error': -0.4 cannot be a value",
        ),
        (
            RUNS.assign(error=1000 * RUNS.error),
            "a.csv",
            CurveColumns("r", "error"),
            "row 2, column 'error': 400 cannot be a value",
        ),
        (RUNS.assign(seed=0), "a.csv", CurveColumns("r", "error", seed="seed"), "two rows for budget 4 and seed 0"),
        (RUNS[:0], "a.csv", CurveColumns("r", "error"), "no rows"),
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
        read_ladders(tmp_path / "absent.csv", CurveColumns("r", "error"))


def text(folder, content, name="a.csv"):
    (folder / name).write_text(content)
    return folder / name


@pytest.mark.parametrize(
    ("name", "quantity"),
    [("loss", "loss"), ("perplexity", "loss"), ("solve_rate", "accuracy"), ("exact_match,strict-match", "accuracy"),
     ("pass@1", "accuracy"), ("empirical_error", "error")],
)  # fmt: skip
def test_the_name_of_a_column_tells_what_it_is_and_that_is_said(tmp_path, name, quantity):
    path = text(tmp_path, f'r,"{name}"\n1,0.5\n2,0.25\n')
    (ladder,) = read_ladders(path, CurveColumns("r", name))
    assert ladder.values.tolist() == ([0.5, 0.75] if quantity == "accuracy" else [0.5, 0.25])
    assert ladder.quantity == ("loss" if quantity == "loss" else "error")
    assert any(quantity in note and name in note for note in ladder.notes)


def test_a_name_that_does_not_say_is_asked_about(tmp_path):
    path = text(tmp_path, "r,emd\n1,0.5\n2,0.25\n")
    with pytest.raises(
        ValueError, match=r"a\.csv: the name of column 'emd' does not tell .* say --quantity error, acc"
    ):
        read_ladders(path, CurveColumns("r", "emd"))
    assert read_ladders(path, CurveColumns("r", "emd"), "error")[0].values.tolist() == [0.5, 0.25]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_groups_called_none_or_na_are_groups(tmp_path, suffix):
    names = ["None", "NA", "null", "nan", "N/A", ""]
    table = pd.DataFrame({"pair": names, "r": 1, "error": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]})
    ladders = read_ladders(write(table, tmp_path / f"a{suffix}"), CurveColumns("r", "error", group="pair"))
    assert [ladder.name for ladder in ladders] == [*names[:-1], "no pair"]
    assert [ladder.values[0] for ladder in ladders] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


@pytest.mark.parametrize("values", [["1.02", ".8", ".7"], ["60", "0.5", "0.4"], ["0.5", "0.4", "40"]])
def test_errors_in_two_units_are_refused_with_their_rows(tmp_path, values):
    path = text(tmp_path, "r,error\n" + "".join(f"{r},{value}\n" for r, value in enumerate(values, 1)))
    rows = sorted(row for row, value in enumerate(values, 2) if float(value) > 1)
    with pytest.raises(ValueError, match=rf"in row {rows[0]} and .* in row \d: percent, fractions or both"):
        read_ladders(path, CurveColumns("r", "error"))
    (ladder,) = read_ladders(path, CurveColumns("r", "error"), unit="percent")
    assert ladder.values.tolist() == [float(value) / 100 for value in values]


def test_an_sd_is_in_the_unit_of_its_value_unless_it_has_a_sign(tmp_path):
    for row, expected in (("1,90,1.5", 0.015), ("1,90%,1.5%", 0.015), ("1,0.9,1.5%", 0.015), ("1,0.9,0.015", 0.015)):
        (ladder,) = read_ladders(text(tmp_path, f"r,error,sd\n{row}\n"), CurveColumns("r", "error", sd="sd"))
        assert ladder.values.tolist() == [0.9] and ladder.sd.tolist() == [expected]
    with pytest.raises(ValueError, match=r"'error' is in percent, and column 'sd' is below 0\.05 everywhere"):
        read_ladders(text(tmp_path, "r,error,sd\n1,90,0.015\n"), CurveColumns("r", "error", sd="sd"))


def test_no_column_is_taken_for_a_date(tmp_path):
    path = text(tmp_path, '{"train_time": 36000000, "error": 0.9}\n{"train_time": 72000000, "error": 0.8}\n', "a.jsonl")
    assert read_ladders(path, CurveColumns("train_time", "error"))[0].budgets.tolist() == [36e6, 72e6]


@pytest.mark.parametrize(
    "content", ["größe,error\n1,0.9\n".encode("latin-1"), "r,error\n1,0.9\n".encode("utf-16")[:-1], b"\xff\xfe\0"]
)
def test_a_file_in_another_encoding_is_named(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.csv: byte \d+ is not text in UTF-(8|16): save the table as 'CSV UTF-8'"):
        read_ladders(tmp_path / "a.csv", CurveColumns("r", "error"))
    assert read_ladders(text(tmp_path, "r,error\n1,9.0%\n"), CurveColumns("r", "error"))[0].values.tolist() == [0.09]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_rows_are_chosen_by_number_or_by_text(tmp_path, suffix):
    table = pd.DataFrame(
        {
            "questions": [256, 256, None, 64],
            "arm": ["FSS", None, "teacher", "SE"],
            "r": 1,
            "error": [0.1, 0.2, 0.3, 0.4],
        }
    )
    path = write(table, tmp_path / f"a{suffix}")
    for where, expected in (
        ({"questions": "256"}, [0.1, 0.2]),
        ({"questions": "256.0"}, [0.1, 0.2]),
        ({"questions": "256", "arm": "FSS"}, [0.1]),
        ({"r": "1"}, [0.1, 0.2, 0.3, 0.4]),
    ):
        assert read_ladders(path, CurveColumns("r", "error"), where=where)[0].values.tolist() == expected
    with pytest.raises(ValueError, match=r"no row has questions = 265; it holds empty cells, 64(\.0)?, 256"):
        read_ladders(path, CurveColumns("r", "error"), where={"questions": "265"})
    with pytest.raises(ValueError, match="no row has arm = fss; it holds empty cells, FSS, SE, teacher"):
        read_ladders(path, CurveColumns("r", "error"), where={"arm": "fss"})
    with pytest.raises(ValueError, match="it has no column 'arms'; it has questions, arm, r, error"):
        read_ladders(path, CurveColumns("r", "error"), where={"arms": "FSS"})


def test_a_column_of_names_is_compared_as_text(tmp_path):
    path = text(tmp_path, "version,r,error\n1.10,1,0.9\n1.1a,1,0.8\n")
    assert read_ladders(path, CurveColumns("r", "error"), where={"version": "1.10"})[0].values.tolist() == [0.9]
