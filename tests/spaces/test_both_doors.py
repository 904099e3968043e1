"""Messy tables through both doors: `fss fit` and the page read the same numbers, or refuse for the same reason."""

import json

import pytest

import fitting
import table
import yours
from toolkit.cli import main
from toolkit.reports.curves import CurveColumns, read_ladders
from views import your_data

ERRORS = {1: 0.913, 2: 0.857, 4: 0.806, 8: 0.755, 16: 0.727, 1024: 0.7}
RUNS = [(r, seed, round(error + 0.004 * seed, 3)) for r, error in ERRORS.items() for seed in (0, 1)]
ONE = [(r, seed, error) for r, seed, error in RUNS if not seed]


def lines(head, rows, row, between="\n"):
    return between.join([head, *(row(*each) for each in rows)])


def comma(value):
    return str(value).replace(".", ",")


# name -> text, columns, and what nobody but the owner of the table tells
TABLES = {
    "decimal-comma.csv": (
        lines("\ufeffr;Fehler;seed", RUNS, lambda r, s, e: f'{r};"{comma(e)}";{s}', "\r\n"),
        CurveColumns("r", "Fehler", seed="seed"),
        {"quantity": "error"},
    ),
    "percent.csv": (
        lines("r,error rate,run", RUNS, lambda r, s, e: f"{r},{100 * e:.1f} %,{s}"),
        CurveColumns("r", "error rate", seed="run"),
        {},
    ),
    "thousands.csv": (
        lines("r;accuracy;seed", RUNS, lambda r, s, e: f"{r:,};{100 - 100 * e:.1f};{s}"),
        CurveColumns("r", "accuracy", seed="seed"),
        {},
    ),
    "groups.csv": (
        lines(
            "group,r,err", [(g, *run) for g in ("None", "NA", "null", "nan", "a b") for run in RUNS],
            lambda g, r, _, e: f"{g},{r},{e}",
        ),
        CurveColumns("r", "err", group="group"),
        {},
    ),
    "one-seed.tsv": (
        lines("k\tpass@1\tsd", ONE, lambda r, _, e: f"{r}\t{1 - e:.3f}\t0.01"),
        CurveColumns("k", "pass@1", sd="sd"),
        {},
    ),
    "three-rungs.csv": (
        lines('"","r","error"', ONE[:3], lambda r, _, e: f'"{r + 6}",{r},{e}'),
        CurveColumns("r", "error"),
        {},
    ),
    "list.json": (
        json.dumps([{"budget": r, "solve_rate": 100 - 100 * e, "run": s, "time": 36000000} for r, s, e in RUNS]),
        CurveColumns("budget", "solve_rate", seed="run"),
        {},
    ),
    "wide.txt": (
        lines("\ufeffresponses   test error   seed", RUNS, lambda r, s, e: f"{r:,}".replace(",", " ") + f"   {e}   {s}")
        .removeprefix("\ufeff")
        .encode("utf-16"),
        CurveColumns("responses", "test error", seed="seed"),
        {},
    ),
}  # fmt: skip


def written(folder, name):
    given, columns, output = TABLES[name]
    path = folder / name
    path.write_bytes(given if isinstance(given, bytes) else given.encode())
    return path, columns, output


def dropped(path, columns, output):
    """What the page makes of the file, with the unit that fits where it asks."""
    found = table.read(path.read_bytes())
    guessed = yours.guess(found)
    named = {"budget": columns.x, "value": columns.y, "sd": columns.sd, "seed": columns.seed, "group": columns.group}
    if "quantity" not in output:
        assert {role: getattr(guessed, role) for role in named} == named
    meaning = guessed._replace(**named, **output, unit="fraction", control="steps", counting="sampled")
    return yours.experiment(found, meaning)


@pytest.mark.parametrize("name", TABLES)
def test_both_doors_read_the_same_numbers(name, tmp_path):
    path, columns, output = written(tmp_path, name)
    ladders = read_ladders(path, columns, output.get("quantity"))
    result = dropped(path, columns, output)
    groups = [rows for _, rows in result.curves.groupby("arm", sort=False)]
    assert len(ladders) == len(groups) == (5 if columns.group else 1)
    for ladder, rows in zip(ladders, groups, strict=True):
        assert rows["budget"].tolist() == ladder.budgets.tolist()
        assert rows["error"].tolist() == ladder.values.tolist()
        assert columns.sd is None or rows["sd"].tolist() == ladder.sd.tolist()
        expected = ONE[:3] if name.startswith("three") else ONE if columns.sd else RUNS
        assert ladder.values.tolist() == pytest.approx([error for _, _, error in expected], abs=1e-12)
        assert ladder.budgets.tolist() == [budget for budget, _, _ in expected]


@pytest.mark.parametrize("name", TABLES)
def test_both_doors_fit_the_same_law_or_refuse(name, tmp_path, capsys):
    path, columns, output = written(tmp_path, name)
    flags = ["--x", columns.x, "--y", columns.y, *(["--quantity", output["quantity"]] if output else [])]
    for flag in ("sd", "seed", "group"):
        flags += [f"--{flag}", getattr(columns, flag)] if getattr(columns, flag) else []
    code = main(["fit", str(path), *flags, "--json"])
    printed = capsys.readouterr()
    result = dropped(path, columns, output)
    if name.startswith("three"):
        assert code == 1 and "3 distinct budgets: the law needs at least 4" in printed.err
        with_answers = your_data._take(table.read(path.read_bytes()), columns.x, columns.y, *[None] * 5, "error",
                                       "fraction", "steps", "sampled")  # fmt: skip
        assert "a law needs 4 different budgets in a ladder, the longest here has 3" in with_answers[1]
        return
    for name, report in json.loads(printed.out).items():
        rows = result.curves[result.curves["arm"] == (name if columns.group else "yours")]
        law = fitting.fit(fitting.ladder_of(rows, name))
        assert fitting.report(law, ())["parameters"] == report["parameters"]
        assert fitting.report(law, ())["fitted"] == report["fitted"]


AMBIGUOUS = {
    "two readings": ("r;error\n1,000;0,9\n2,000;0,8\n", "row 2, column 'r': '1,000' may be 1000 or 1"),
    "some percent": ("r,error\n1,9 %\n2,0.8\n", "row 3, column 'error' has no percent sign, others have"),
    "a spread": ("r,error\n1,0.9±0.1\n", "row 2, column 'error': '0.9±0.1' holds a value and its spread"),
    "two marks": ('r,error\n1,0.9\n2,"0,8"\n', "row 3, column 'error' has a decimal comma"),
    "mixed units": ("r,error\n1,1.02\n2,0.8\n", "column 'error'"),
    "no column": ("r,error,error\n1,0.9,0.8\n", "row 1 has two columns named 'error'"),
    "too many cells": ("r,error\n1,0,9\n", "row 2 has 3 cells, the header 2"),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_both_doors_refuse_what_is_unclear(name, tmp_path):
    text, message = AMBIGUOUS[name]
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"a.csv: {message}"):
        read_ladders(path, CurveColumns("r", "error"))
    with pytest.raises(ValueError, match=message):
        found = table.read(text)
        yours.experiment(found, yours.guess(found)._replace(control="steps", counting="sampled", unit="fraction"))


def test_a_mixture_is_read_as_percent_where_its_owner_says_so():
    found = table.read("r,error\n1,1.02\n2,0.8\n")
    meaning = yours.guess(found)._replace(control="steps", counting="sampled", unit="percent")
    assert yours.experiment(found, meaning).curves["error"].tolist() == [1.02 / 100, 0.8 / 100]


def test_what_a_name_does_not_say_is_asked():
    found = table.read("r,y\n1,0.9\n2,0.8\n")
    assert yours.guess(found)[:3] == ("r", "y", None)
    with pytest.raises(ValueError, match="say if the values are errors or accuracies"):
        yours.experiment(found, yours.guess(found)._replace(unit="fraction", control="steps", counting="sampled"))
    assert yours.guess(table.read("r,loss\n1,0.9\n")).value is None
