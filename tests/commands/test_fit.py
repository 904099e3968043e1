"""`fss fit` from table to text, JSON and figure."""

import argparse
import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from toolkit import fit_law, forecast
from toolkit.commands.fit import add_fit_arguments, fit_command
from toolkit.reports.fit_report import error_text


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(2)
    rows = [
        (pair, r, seed, E + A / (1 + (r / 3) ** 0.7) + rng.normal(0, 0.008))
        for pair, E, A in (("small", 0.35, 0.5), ("large", 0.2, 0.6))
        for r in (1, 2, 4, 8, 16, 32)
        for seed in range(3)
    ]
    path = tmp_path / "curve.csv"
    pd.DataFrame(rows, columns=["pair", "r", "seed", "error"]).to_csv(path, index=False)
    return path


def run(*arguments):
    parser = argparse.ArgumentParser()
    add_fit_arguments(parser)
    return fit_command(parser.parse_args([str(argument) for argument in arguments]))


def test_text_has_forecasts_baselines_and_warnings(table, capsys):
    assert (
        run(
            table, "--x", "r", "--y", "error", "--seed", "seed", "--group", "pair", "--fit-max", 16, "--predict", 32, 80
        )
        == 0
    )
    text = capsys.readouterr().out
    assert "small: E + B / (D0 + x^beta), fitted to 15 rows at 5 budgets (1, 2, 4, 8, 16)" in text and "large:" in text
    for words in (
        "90 % of new runs",
        "| 32 ",
        "| 80 ",
        "log-linear, last three",
        "miss at 32",
        "spread over runs",
        "warning: no floor",
    ):
        assert words in text
    assert "note: 5 times the last budget fitted" in text and "it assumes that no further fall begins" in text


ONE = ("--x", "r", "--y", "error", "--seed", "seed", "--group", "pair", "--fit-max", 16, "--predict", 32, "--json")


@pytest.fixture
def rows(table):
    """The rows of one ladder."""
    return pd.read_csv(table).query("pair == 'large'").sort_values("r", kind="stable")


def test_json_repeats_the_library(table, rows, capsys):
    run(table, *ONE)
    report = json.loads(capsys.readouterr().out)["large"]
    ahead = forecast(rows.r.to_numpy(), rows.error.to_numpy(), 32, fit_max=16)
    law = fit_law(rows.r.to_numpy(), rows.error.to_numpy(), fit_max=16)
    output = report["forecasts"][0]
    assert [output["low"], output["high"]] == pytest.approx(ahead.interval()[:, 0])
    assert [output["low_new"], output["high_new"]] == pytest.approx(ahead.interval(rows=1)[:, 0])
    assert (report["forecast"], report["reading"]) == ("averaged", ahead.reading)
    assert output["point"] == pytest.approx(law.at(32)) and report["baselines"]["law"] == pytest.approx(law.mean(32))
    observed, misses = rows.query("r == 32").error.mean(), {row["form"]: row["miss"][0] for row in report["table"]}
    assert misses["averaged"] == pytest.approx(ahead.mean[0] - observed) and output["mean"] == ahead.mean[0]
    assert misses["law"] == pytest.approx(law.mean(32)[0] - observed)


def test_the_law_alone_forecasts_where_it_is_named(table, rows, capsys):
    run(table, *ONE, "--forecast", "rectified")
    report = json.loads(capsys.readouterr().out)["large"]
    expected = fit_law(rows.r.to_numpy(), rows.error.to_numpy(), fit_max=16).predict(32)
    output = report["forecasts"][0]
    assert output == pytest.approx({name: getattr(expected, name) for name in output})
    assert report["reading"].startswith("by the rectified form alone") and "averaged" not in str(report["table"])
    with pytest.raises(ValueError, match="forecast is 'lomax': use 'averaged', or 'rectified', the form that is"):
        run(table, *ONE, "--forecast", "lomax")


def test_any_form_is_fitted_by_its_name(table, capsys):
    run(table, "--x", "r", "--y", "error", "--where", "pair=small", "--seed", "seed", "--form", "lomax", "--json")
    (report,) = json.loads(capsys.readouterr().out).values()
    assert report["form"] == "E + A (1 + x/c)^-a"
    assert {"E", "L0", "c", "a", "A"} == set(report["parameters"])


def test_an_unknown_form_is_refused_with_those_that_exist(table):
    with pytest.raises(ValueError, match="form is 'cubic': use one of rectified, lomax"):
        run(table, "--x", "r", "--y", "error", "--form", "cubic")


def test_pooling_shares_beta(table, capsys):
    arguments = (table, "--x", "r", "--y", "error", "--seed", "seed", "--json")
    run(*arguments, "--group", "pair")
    alone = json.loads(capsys.readouterr().out)
    run(*arguments, "--group", "pair", "--pool")
    pooled = json.loads(capsys.readouterr().out)
    assert pooled["small"]["parameters"]["beta"] != alone["small"]["parameters"]["beta"]
    assert any("pooled" in note for note in pooled["small"]["warnings"])
    with pytest.raises(ValueError, match="--pool needs --group"):
        run(*arguments, "--pool")


def test_losses_are_not_percent(tmp_path, capsys):
    path = tmp_path / "loss.csv"
    x = 200 * 2.0 ** np.arange(10)
    pd.DataFrame({"tokens": x, "loss": 1.069 + 563.8 / (166.1 + x**0.455)}).to_csv(path, index=False)
    run(path, "--x", "tokens", "--y", "loss", "--quantity", "loss", "--predict", 400_000)
    text = capsys.readouterr().out
    assert "percent" not in text and "the law has no interval" in text and "it is a nugget" in text
    assert re.search(r"\| E +\| +- \| +- \| +1\.069 \|", text)


def test_too_far_is_refused(table):
    with pytest.raises(ValueError, match="32 times the largest one fitted"):
        run(table, "--x", "r", "--y", "error", "--seed", "seed", "--group", "pair", "--fit-max", 16, "--predict", 512)


def test_a_group_that_cannot_be_fitted_is_named(table):
    with pytest.raises(ValueError, match="small: 3 distinct budgets up to fit_max = 4"):
        run(table, "--x", "r", "--y", "error", "--seed", "seed", "--group", "pair", "--fit-max", 4)


@pytest.mark.parametrize("name", ["law.png", "law.svg"])
def test_figure_is_written(table, tmp_path, capsys, name):
    arguments = (
        table,
        "--x",
        "r",
        "--y",
        "error",
        "--seed",
        "seed",
        "--group",
        "pair",
        "--fit-max",
        16,
        "--predict",
        80,
    )
    run(*arguments, "--plot", tmp_path / name)
    start = (tmp_path / name).read_bytes()[:5]
    assert start == (b"\x89PNG\r" if name.endswith("png") else b"<?xml")
    assert "small" in capsys.readouterr().out


def test_another_kind_of_figure_is_refused(table, tmp_path):
    arguments = (table, "--x", "r", "--y", "error", "--seed", "seed", "--group", "pair")
    with pytest.raises(ValueError, match=re.escape("cannot draw law.docx: use .png, .svg, .pdf")):
        run(*arguments, "--plot", tmp_path / "law.docx")
    assert list(tmp_path.iterdir()) == [table]


def test_the_arguments_import_nothing_heavy():
    script = (
        "import sys; from toolkit.commands.fit import add_fit_arguments; "
        "print({'numpy', 'pandas', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_means_of_the_same_answers_are_shown_alike_whatever_order_they_were_added_in():
    half = 6498 / 8000  # 81.225 %
    shown_as = {error_text(value, True) for value in (half, np.nextafter(half, 0), np.nextafter(half, 1), half + 1e-13)}
    assert len(shown_as) == 1 and error_text(-0.0144, True, "+") == "-1.44" and error_text(1.23456, False) == "1.235"
