"""Somebody's table: three good files and many bad ones; the number on the page is that of `fss fit` on the file."""

import io
import json

import pandas as pd
import pytest

import report
import selection
import table
import yours
from toolkit.cli import main
from views import law, your_data

START = [None] * len(selection.NAMES)
TOLD = {"control": "steps", "counting": "sampled"}
RUNGS = {1: (0.913, 0.921), 2: (0.857, 0.85), 4: (0.806, 0.798), 8: (0.755, 0.76), 16: (0.727, 0.72), 32: (0.7, 0.705)}
STUDENTS = [(r, seed, error) for r, errors in RUNGS.items() for seed, error in enumerate(errors)]
ENGLISH = "r,accuracy,seed\n" + "".join(f"{r},{1 - error:.3f},{seed}\n" for r, seed, error in STUDENTS)
GERMAN = '\ufeff"Budget";"Error";"Seed"\r\n' + "".join(
    f'{r};"{100 * error:.1f}";{seed}\r\n'.replace(".", ",") for r, seed, error in STUDENTS
)
LINES = "".join(json.dumps({"budget": r, "err": error, "run": seed}) + "\n" for r, seed, error in STUDENTS)
GOOD = {
    "plain.csv": (ENGLISH, {"unit": "fraction"}, "--x r --y accuracy --seed seed"),
    "excel.csv": (GERMAN, {}, None),  # decimal commas: `fss fit` reads the ladder that the page offers
    "lines.jsonl": (LINES, {"unit": "fraction"}, "--x budget --y err --seed run"),
    "list.json": (f"\ufeff[{','.join(LINES.splitlines())}]", {"unit": "fraction"}, None),
    "signs.csv": ("R;Error rate (%);Seed\n" + "".join(f"{r};{100 * e:.1f} %;{s}\n" for r, s, e in STUDENTS), {}, None),
    "wide.csv": (GERMAN.removeprefix("\ufeff").encode("utf-16"), {}, None),
}
HEAD = "budget,error,seed\n"
BAD = {
    "a word": (HEAD + "1,0.9,0\n2,low,0\n", "row 3, column 'error': 'low' is not a number; write it like 0.913"),
    "a formula": (HEAD + "1,=1-0.1,0\n", "row 2, column 'error': '=1-0.1' is not a number"),
    "nan": (HEAD + "1,0.9,0\n\n2,NaN,0\n", "row 4, column 'error': 'NaN' is not a measured number; delete the row"),
    "infinity": (HEAD + "inf,0.9,0\n", "row 2, column 'budget': 'inf' is not a measured number"),
    "beyond floats": (HEAD + "1e999,0.9,0\n", "row 2, column 'budget': '1e999' is not a number"),
    "negative": (HEAD + "1,-0.2,0\n", "row 2, column 'error': -0.2 cannot be a value: it should lie from 0 to 1"),
    "no budget": (HEAD + "0,0.2,0\n", "row 2, column 'budget': 0 cannot be a budget: budgets are above 0"),
    "above percent": (HEAD + "1,0.2,0\n2,120,0\n", "row 3, column 'error': 120 cannot be a value: .* from 0 to 100"),
    "a copy": (HEAD + "1,0.9,0\n1,0.8,0\n", "row 3 has the budget and seed of row 2: delete one"),
    "a copy without seeds": ("budget,error\n1,0.9\n1,0.9\n", "row 3 repeats row 2"),
    "empty cell": (HEAD + "1,,0\n", "row 2, column 'error': the cell is empty; fill it, or delete the row"),
    "short row": (HEAD + "1,0.9\n", "row 2 has 2 cells, the header 3: add what is missing"),
    "open quote": (HEAD + '1,"0.9,0\n', "a quote is not closed"),
    "no header": ("1,0.9,0\n2,0.8,0\n", "row 1 holds numbers, not names: put a header above it"),
    "same name": ("r,r\n1,2\n", "row 1 has two columns named 'r': rename one"),
    "no name": ("r,,error\n1,2,3\n", "row 1, column 2 has no name"),
    "no rows": (HEAD, "a header and no rows"),
    "nothing": ("\n \n", "nothing in it: paste a header and rows"),
    "broken JSON": ('{"budget": 1, "error": 0.9}\n{"budget"\n', "row 2 is no JSON: .*write an object a line"),
    "a broken list": ('[{"budget": 1,]', "it is no JSON: .*write an object a line"),
    "deep JSON": ('[{"budget": 1, "error": [0.9]}]', "row 1 is no flat object"),
    "NaN in JSON": ('[{"r": 1, "error": 0.9}, {"r": 2, "error": NaN}]', "row 2, column 'error': 'NaN' is not"),
    "infinity in JSON lines": ('\n{"r": -Infinity, "error": 0.9}', "row 2, column 'r': '-Infinity' is not a measured"),
    "some percent": (HEAD + "1,91 %,0\n2,0.8,0\n", "row 3, column 'error' has no percent sign, others have"),
    "UTF-16 without its mark": (HEAD.encode("utf-16-le"), "it is not text but a binary file: save the table as CSV"),
    "half of UTF-16": ((HEAD + "1,0.9,0\n").encode("utf-16")[:-1], "byte .* is not text in UTF-16: save the table"),
    "no byte": (b"", "nothing in it: paste a header and rows"),
    "10 MB": (b"9" * 10_000_000, "it has 10.0 MB: at most 1 MB are taken"),
    "a binary": (b"PK\x03\x04\x00\x00", "it is not text but a binary file"),
    "latin text": ("budget,größe\n1,2\n".encode("latin-1"), "byte 10 is not text in UTF-8: save .* as 'CSV UTF-8'"),
    "too large": (HEAD + "1,0.9,0\n" * 200_000, "it has 1.6 MB: at most 1 MB are taken"),
    "too long": (HEAD + "1,0.9,0\n" * 2001, "it has 2,001 rows: at most 2,000 are taken"),
    "too wide": (",".join(f"c{i}" for i in range(51)) + "\n1\n", "it has 51 columns: at most 50"),
    "long cell": (HEAD + f"1,{'9' * 300},0\n", "row 2, column 'error' holds 300 letters: at most 200 are taken"),
}  # fmt: skip


def experiment(given, **output):
    read = table.read(given)
    return yours.experiment(read, yours.guess(read)._replace(**TOLD, **{"unit": "fraction"} | output))


def display(result):
    return selection.settle([result.origin, *START[1:]], result)[0]


def fss_fit(capsys, file, flags):
    assert main(["fit", str(file), *flags.split(), "--fit-max", "16", "--predict", "32"]) == 0
    return numbers(capsys.readouterr().out)


def numbers(text):
    """What `fss fit` prints, without the name of the file and the notes on its columns."""
    return [line for line in text.split(": ", 1)[1].splitlines() if not line.startswith(("note:", "warning:"))]


@pytest.mark.parametrize("name", GOOD)
def test_the_number_on_the_page_is_that_of_fss_fit_on_the_file(name, capsys, tmp_path):
    text, output, flags = GOOD[name]
    choice = display(experiment(text if isinstance(text, bytes) else text.encode(), **output))
    page = numbers(law.render(choice, "r", "log")[4].split("\n", 1)[1])  # below the line EXPLORATORY
    (tmp_path / report.FILE).write_text(report.as_csv(choice))
    assert fss_fit(capsys, tmp_path / report.FILE, "--x budget --y error --seed seed") == page
    if flags:
        (tmp_path / name).write_text(text)
        assert fss_fit(capsys, tmp_path / name, flags) == page


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_reported_by_row_and_column(name):
    given, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        experiment(given)


def test_what_no_table_says_is_asked():
    read = table.read(ENGLISH)
    meaning = yours.guess(read)
    assert meaning[:5] == ("r", "accuracy", "accuracy", None, "seed")
    for missing, message in (
        ({"control": None}, "say how students were trained"),
        ({"counting": None}, "say what the budget counts"),
        ({}, "all values of column 'accuracy' are 1 or less: say if they are fractions or percent"),
        ({"budget": None}, "say which column holds the budget"),
        ({"seed": "r"}, "column 'r' is named for two things"),
    ):
        with pytest.raises(ValueError, match=message):
            yours.experiment(read, meaning._replace(**TOLD | missing))
    percent = yours.experiment(read, meaning._replace(**TOLD, unit="percent"))
    assert percent.curves["error"].min() == pytest.approx(1 - 0.003)
    assert yours.unit(table.read(GERMAN), "Error") == "percent"


def test_one_seed_without_sd_has_no_interval_and_says_so():
    result = experiment("r,error\n" + "".join(f"{r},{errors[0]}\n" for r, errors in RUNGS.items()))
    assert any("no interval" in note for note in result.notes)
    choice = display(result)
    assert choice.law().solution.posterior is None and "no interval" in your_data.render(choice)[0]
    with_sd = experiment("r,error,sd\n" + "".join(f"{r},{errors[0]},0.01\n" for r, errors in RUNGS.items()))
    assert display(with_sd).law().noise.source == "sd" and "--sd sd" in your_data.render(display(with_sd))[4]


def test_groups_and_questions_are_ladders_of_their_own():
    rows = [
        f"{m},{r},{e - m / 1e4},{arm}"
        for m in (64, 128)
        for arm in ("a", "=b", "teacher")
        for r, (e, _) in RUNGS.items()
    ]
    result = experiment("questions,r,error,arm\n" + "\n".join(rows))
    assert len(result.ladders("your pair")) == 6 and set(result.curves["arm"]) == {"a", "b", "teacher (yours)"}


def test_rows_per_item_are_averaged():
    rows = [
        f"{r},{seed},{int(item >= 50 - 6 * i)}"
        for i, r in enumerate((1, 2, 4, 8))
        for seed in (0, 1)
        for item in range(50)
    ]
    result = experiment("r,seed,correct\n" + "\n".join(rows))
    assert result.curves["n"].tolist() == [50.0] * 8 and result.curves["error"].tolist()[:2] == [1.0, 1.0]


def test_the_lines_of_the_report_give_its_number(tmp_path, monkeypatch, capsys):
    choice = display(experiment(ENGLISH))
    head, _, as_json, as_csv, lines = your_data.render(choice)
    assert "**Exploratory**" in head and lines.startswith("# EXPLORATORY: no forecast") and ",exploratory\n" in as_csv
    monkeypatch.chdir(tmp_path)
    (tmp_path / report.FILE).write_text(as_csv)
    exec(compile(lines, "law.py", "exec"), names := {})
    output = json.loads(as_json)
    assert output["exploratory"] and output["forecasts"][0]["r"] == 32
    assert names["ahead"].mean == pytest.approx([output["forecasts"][0]["mean"]], abs=1e-12)
    assert names["ahead"].reading in capsys.readouterr().out
    assert pd.read_csv(io.StringIO(as_csv))["error"].tolist() == pytest.approx([error for _, _, error in STUDENTS])


def test_markup_in_a_table_is_text():
    status = your_data._read("budget,<script>alert(1)</script>\n1,$x$ [a](javascript:1)\n")[1]
    assert "<script>" not in status and "$x$" not in status and "](" not in status


def test_a_link_to_a_table_of_another_session_says_so():
    with pytest.raises(ValueError, match="a pasted table stays in its own session"):
        selection.settle([experiment(ENGLISH).origin, *START[1:]])
