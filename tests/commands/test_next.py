"""`fss next` on a measured table: text, JSON, figure, and requests that are refused."""

import argparse
import json

import numpy as np
import pytest

from toolkit.commands.next import add_next_arguments, cell, next_command
from toolkit.laws.curve.forms import n_eff, rectified


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """4 x 3 cells with two students each, in percent."""
    rng, lines = np.random.default_rng(0), ["seed,pool,r,err"]
    for seed in (1, 2):
        for m in (64, 128, 256, 512):
            for r in (1, 4, 16):
                error = rectified(n_eff(m, r, 0.1), 0.1, 250, 300, 0.9) + rng.normal(0, 0.01)
                lines.append(f"{seed},{m},{r},{100 * error:.3f}")
    path = tmp_path_factory.mktemp("next") / "cells.csv"
    path.write_text("\n".join(lines))
    return path


def run(table, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_next_arguments(parser)
    columns = ["--questions", "pool", "--budget", "r", "--error", "err", "--price", "question=20", "response=1"]
    return next_command(parser.parse_args([str(table), *columns, *arguments]))


def test_text_says_what_to_run_first_and_for_how_much(table, capsys):
    assert run(table, "--spend", "50000", "--target", "1024x32") == 0
    output = capsys.readouterr().out
    assert output.startswith("Run ") and "the 90 % interval at 1,024 questions with 32 responses each" in output
    assert "| questions | responses | students |" in output and "right" not in output
    assert "As much money in another order is expected to leave, in points: D-optimal" in output
    assert "note: column 'err' reaches" in output


def test_text_of_a_choice_has_the_probability_to_be_right(table, capsys):
    assert run(table, "--spend", "50000", "--decide", "6000", "--confidence", "0.9999", "--worth", "0") == 0
    output = capsys.readouterr().out
    assert "is expected to narrow from" in output and " right |" in output and "to be right with probability" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--spend", "50000", "--target", "1024x32", "--width", "0.9"), "Nothing has to be run: the 90 % interval at"),
        (
            ("--spend", "50000", "--decide", "6000", "--confidence", "0.51"),
            "or worse by at most a point, with probability",
        ),
        (("--spend", "1500", "--target", "1024x32", "--cells", "64x1"), "No cell is worth its money: all of 1,500 is"),
        (
            ("--spend", "50000", "--target", "1024x32", "--width", "0.001"),
            "points, not to the 0.1 asked for; the other",
        ),
    ],
)
def test_it_stops_and_says_why(table, capsys, arguments, words):
    assert run(table, *arguments) == 0
    assert words in capsys.readouterr().out


def test_json_holds_the_same_and_no_nan(table, capsys):
    assert run(table, "--spend", "50000", "--decide", "6000", "--confidence", "0.9999", "--worth", "0", "--json") == 0
    output = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (
        output["verdict"] == "reached" and output["cost"] == output["cells"][-1]["spent"] <= output["spend"] == 50_000
    )
    assert output["expected"] == output["cells"][-1]["width"] < output["now"]["width"]
    assert output["asked"]["best"]["cost"] <= 6000 and output["sentence"].startswith("Run ")
    assert set(output["other_orders"]) == {"D-optimal", "cheapest first", "random"}


@pytest.mark.parametrize("asked", [("--target", "1024x32", "--width", "0.05"), ("--decide", "6000")])
def test_plot_is_written(table, tmp_path, capsys, asked):
    assert run(table, "--spend", "50000", *asked, "--plot", str(tmp_path / "next.png")) == 0
    assert capsys.readouterr().out
    assert (tmp_path / "next.png").read_bytes().startswith(b"\x89PNG")


def test_cells_are_read():
    assert cell("2048x16") == cell("2048X16") == (2048, 16)
    for text in ("2048", "0x4", "x4", "1.5x4", "-1x4", "²x1"):
        with pytest.raises(argparse.ArgumentTypeError, match="no cell: write questions x responses"):
            cell(text)
