"""`fss plan` on a measured table: reading cells, prices, text, JSON and figure."""

import argparse
import json

import numpy as np
import pytest

from toolkit.commands.plan import add_plan_arguments, plan_command, read_prices
from toolkit.laws.curve.forms import n_eff, rectified
from toolkit.reports.cells import read_cells


@pytest.fixture
def table(tmp_path):
    """Two controls, 4 x 5 cells, two replicates each, in percent; kappa .1."""
    rng, lines = np.random.default_rng(0), ["control,replicate,pool,r,err"]
    for control in ("epochs", "steps"):
        for replicate in (1, 2):
            for m in (64, 128, 256, 512):
                for r in (1, 2, 4, 8, 16):
                    truth = rectified(n_eff(m, r, 0.1), 0.1, 250, 300, 0.9)
                    lines.append(f"{control},{replicate},{m},{r},{100 * (truth + rng.normal(0, 0.01)):.3f}")
    path = tmp_path / "cells.csv"
    path.write_text("\n".join(lines))
    return path


def run(table, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_plan_arguments(parser)
    columns = ["--questions", "pool", "--budget", "r", "--error", "err", "--where", "control=epochs"]
    return plan_command(parser.parse_args([str(table), *columns, *arguments]))


PRICES = ("--price", "question=20", "response=1")


def test_text_begins_with_the_advice(table, capsys):
    assert run(table, *PRICES, "--spend", "6000") == 0
    output = capsys.readouterr().out
    assert output.startswith("With 6,000 to spend, take ") or output.startswith("Cannot tell: with 6,000 to spend")
    assert "no number of responses makes a question worth more than" in output
    assert "At equal totals" in output and "At these prices" in output
    assert "Averaged over forms the plan's error is forecast at " in output
    assert "| spending" in output and "note: column 'err' reaches" in output


def test_json_holds_the_same_and_no_nan(table, capsys):
    assert run(table, *PRICES, "--spend", "6000", "--target", "0.5", "--json") == 0
    output = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    best = output["plan"]["best"]
    assert best["cost"] <= 6000 and 8 <= best["budget"] <= 22
    assert output["plan"]["target"] == 0.5 and 0 <= output["plan"]["reachable"] <= 1
    assert output["sentence"].count(f"{best['questions']:,} questions") >= 1
    assert [row["error"] for row in output["frontier"]] == sorted(
        (row["error"] for row in output["frontier"]), reverse=True
    )
    assert abs(output["surface"]["parameters"]["kappa"] - 0.1) < 0.05
    truth = float(rectified(n_eff(best["questions"], best["budget"], 0.1), 0.1, 250, 300, 0.9))
    assert (
        output["forecast"]["low"] < truth < output["forecast"]["high"]
        and "further fall" in output["forecast"]["reading"]
    )


def test_plot_is_written(table, tmp_path, capsys):
    assert run(table, *PRICES, "--spend", "6000", "--plot", str(tmp_path / "plan.png")) == 0
    assert capsys.readouterr().out
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "plan.png").stat().st_size > 30_000


def test_prices_from_a_file_and_arguments_win(tmp_path):
    listed = tmp_path / "prices.yaml"
    listed.write_text("question: 3\nresponse: 0.1\nowned_questions: 64\nowned_budget: 1\n")
    prices = read_prices(listed, ["question=20"])
    assert prices == {"question": 20.0, "response": 0.1, "owned_questions": 64, "owned_budget": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*PRICES,), "nothing to plan for"),
        (("--price", "qestion=2", "--spend", "9"), "nothing is called 'qestion'; known are question, response"),
        (("--price", "question", "--spend", "9"), "--price takes NAME=VALUE, got 'question'"),
        (("--price", "question=two", "--spend", "9"), "question must be a number, got 'two'"),
        (("--prices", "/nowhere.yaml", "--spend", "9"), "/nowhere.yaml: no such file"),
        (("--spend", "9"), "cannot both be free"),
        ((*PRICES, "--spend", "9e9"), "twice what was tested"),
    ],
)
def test_bad_requests_are_named(table, arguments, message):
    with pytest.raises(ValueError, match=message):
        run(table, *arguments)


def test_a_price_file_must_be_a_mapping(tmp_path):
    listed = tmp_path / "prices.yaml"
    listed.write_text("- 3\n- 4\n")
    with pytest.raises(ValueError, match="a mapping of names to numbers, got list"):
        read_prices(listed, [])


def test_cells_are_filtered_and_scaled(table):
    cells = read_cells(table, questions="pool", budget="r", error="err", where={"control": "steps", "replicate": "2"})
    assert cells.questions.shape == cells.budgets.shape == cells.errors.shape == (20,)
    assert cells.errors.max() <= 1 and "read as percent" in cells.notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"questions": "pools"}, "no column 'pools'; it has control, replicate, pool, r, err"),
        ({"where": {"control": "none"}}, "no row has control = none; it holds epochs, steps"),
        ({"where": {"arm": "FSS"}}, "no column 'arm'"),
        ({"error": "control"}, "cells.csv: the name of column 'control' does not tell what it measures"),
        ({"error": "control", "quantity": "error"}, "cells.csv: row 2, column 'control': 'epochs' is not a number"),
    ],
)
def test_bad_tables_are_named(table, options, message):
    with pytest.raises(ValueError, match=message):
        read_cells(table, **{"questions": "pool", "budget": "r", "error": "err", **options})


def test_unknown_files_are_named(tmp_path):
    (tmp_path / "cells.xlsx").write_text("x")
    with pytest.raises(ValueError, match=r"cells.xlsx: cannot read .xlsx; use .csv"):
        read_cells(tmp_path / "cells.xlsx")
    with pytest.raises(ValueError, match="no such file"):
        read_cells(tmp_path / "cells.csv")


def test_accuracies_are_planned_with_as_errors_and_losses_refused(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("questions,budget,accuracy,eval_loss,metric\n64,1,10.5,2.1,0.2\n128,1,20,2,0.3\n")
    cells = read_cells(path, error="accuracy")
    assert cells.errors.tolist() == [1 - 0.105, 0.8]
    assert "column 'accuracy' is read as an accuracy: error = 1 - accuracy" in cells.notes
    with pytest.raises(ValueError, match="column 'eval_loss' holds losses: a plan is made from errors or accuracies"):
        read_cells(path, error="eval_loss")
    with pytest.raises(ValueError, match="the name of column 'metric' does not tell"):
        read_cells(path, error="metric")
    assert read_cells(path, error="metric", quantity="accuracy").errors.tolist() == [0.8, 0.7]


def test_cells_of_a_european_table(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_bytes("questions;budget;error;n\r\n1.024;1;0,9;1.319\r\n2.048;1;0,85;1.319\r\n".encode("utf-16"))
    cells = read_cells(path, n="n")
    assert cells.questions.tolist() == [1024, 2048] and cells.n.tolist() == [1319, 1319]
    assert cells.errors.tolist() == [0.9, 0.85]
