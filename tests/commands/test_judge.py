"""`fss judge` on anybody's rows: counts, labels, what is written, and what is refused."""

import argparse
import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit.commands.judge import add_judge_arguments, judge_command
from toolkit.commands.judge_rows import UNJUDGED
from toolkit.verification.verdicts import VERDICTS as VERDICTS_THERE

ROOT = Path(__file__).resolve().parents[2]

ROWS = [
    {"id": 9007199254740993, "gold": 7, "response": "so \\boxed{7.0}", "right": True},
    {"id": 1, "gold": "7", "response": "so \\boxed{8}", "right": False},
    {"id": 2, "gold": "7", "response": "it is 7", "right": True},
    {"id": 3, "gold": None, "response": "\\boxed{1}", "right": True},
    {"id": 4, "gold": "0.5", "response": None, "right": None},
    {"id": 5, "gold": "1/2", "response": "half: \\boxed{0.5}", "right": False},
]


def judge(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_judge_arguments(parser)
    return judge_command(parser.parse_args([str(argument) for argument in arguments]))


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text)))
    return [json.loads(line) for line in text.splitlines()]


VERDICTS = ["accepted", "rejected", "unparsable", "unjudged", "unjudged", "accepted"]


REPORT = """
verdict             rows     share
accepted               2    33.3 %
rejected               1    16.7 %
unparsable             1    16.7 %
unjudged               2    33.3 %
all                    6

by right              accepted  not accepted
  right                      1             1
  wrong                      1             1

agreement                    2        50.0 %
false accepts                1        50.0 % of those labelled wrong
false rejects                1        50.0 % of those labelled right

false accepts, 1:
  row 5: gold 1/2, answer 0.5

false rejects, 1:
  row 2: gold 7, no answer

unjudged, 2:
  row 3: gold holds null: it must be a text or a number
  row 4: response holds null: it must be a text or a number
"""


def test_the_report_counts_compares_and_names_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(lines(tmp_path / "a.jsonl", ROWS), "--label", "right") == 0
    display = capsys.readouterr()
    assert display.out.split("\n", 1)[1] == REPORT
    assert "judge" in display.err and "6 rows" in display.err


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_verdicts_are_written_beside_the_columns(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    assert judge(lines(tmp_path / "a.jsonl", ROWS), "--output", out) == 0
    written = read(out)
    assert [row["verdict"] for row in written] == VERDICTS
    assert [row["extracted"] or None for row in written] == ["7.0", "8", None, None, None, "0.5"]
    assert [bool(row["problem"]) for row in written] == [False, False, False, True, True, False]
    assert list(written[0]) == ["id", "gold", "response", "right", "verdict", "extracted", "problem"]
    assert str(written[0]["id"]) == "9007199254740993"
    assert not list(tmp_path.glob(".*.part"))


def test_jsonl_comes_out_as_it_came_in(tmp_path: Path) -> None:
    path, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    row = '{"gold": 0.70, "response": "\\\\boxed{0.7}", "deep": [1.0, {"é": null}], "big": 6.022e23}'
    path.write_text(row + "\n", encoding="utf-8")
    judge(path, "--output", out)
    added = '"verdict": "accepted", "extracted": "0.7", "problem": null'
    assert out.read_text(encoding="utf-8") == f"{row[:-1]}, {added}}}\n"


def test_a_parquet_table_keeps_its_types(tmp_path: Path) -> None:
    columns = {
        "gold": pa.array([0.7, 2.0], pa.float32()),
        "response": pa.array(["\\boxed{0.7}", "\\boxed{3}"]).dictionary_encode(),
        "id": pa.array([2**63 - 1, None], pa.int64()),
        "price": pa.array([1.5, None]).cast(pa.decimal128(9, 4)),
        "tags": pa.array([["a"], None]),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    judge(tmp_path / "a.parquet", "--output", tmp_path / "b.parquet", "--prefix", "our_")
    written = pq.read_table(tmp_path / "b.parquet")
    assert written.select(list(columns)).cast(pa.table(columns).schema) == pa.table(columns)
    assert {field.name: field.type for field in written.schema}["price"] == pa.decimal128(9, 4)
    assert written["our_verdict"].to_pylist() == ["accepted", "rejected"]


def test_kinds_patterns_and_finish_reasons_come_from_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"kind": "numeric", "gold": "9.8 m/s^2", "response": "\\boxed{980 cm/s^2}", "end": "stop"},
        {"kind": "choice", "gold": "B", "response": "The answer is (B).", "end": "eos_token"},
        {"kind": "mathematics", "gold": "7", "response": "\\boxed{7}", "end": "max_tokens"},
        {"kind": "numeric", "gold": "blue", "response": "\\boxed{7}", "end": "stop"},
        {"kind": "poetry", "gold": "7", "response": "\\boxed{7}", "end": "stop"},
        {"kind": "mathematics", "gold": "7", "response": None, "end": "error"},
        {"kind": "mathematics", "gold": "7", "response": "\\boxed{7}", "end": "tired"},
    ]
    out = tmp_path / "b.jsonl"
    judge(lines(tmp_path / "a.jsonl", rows), "--kind-column", "kind", "--finish-reason", "end", "--output", out)
    written = read(out)
    assert [row["verdict"] for row in written] == [
        "accepted", "accepted", "truncated", "unjudged", "unjudged", "failed", "unjudged",
    ]  # fmt: skip
    problems = [row["problem"] for row in written if row["problem"]]
    assert "'blue' is not a number" in problems[0]
    assert problems[1] == "kind is 'poetry'; known: mathematics, numeric, choice"
    assert problems[2] == "end is 'tired'; known: stop, length, error"
    assert "choice" in capsys.readouterr().out
    gsm8k = [{"gold": "so\n#### 1,234", "response": "#### 1234"}, {"gold": "no mark", "response": "#### 1"}]
    mark = r"####\s*(.+)"
    judge(lines(tmp_path / "g.jsonl", gsm8k), "--pattern", mark, "--gold-pattern", mark, "--output", out)
    assert [row["verdict"] for row in read(out)] == ["accepted", "unjudged"]


def test_labels_are_read_in_their_usual_spellings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messages = [True, "True", 1, "1.0", "correct", False, "no", 0, "wrong", None, "perhaps"]
    rows = [{"gold": "7", "response": "\\boxed{7}", "label": label} for label in messages]
    judge(lines(tmp_path / "a.jsonl", rows), "--label", "label")
    text = capsys.readouterr().out
    assert "  right                      5             0" in text
    assert "  wrong                      4             0" in text
    assert "without a label              2" in text


def test_workers_compare_formulas(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"gold": "x+1", "response": "\\boxed{1+x}"}, {"gold": "x+1", "response": "\\boxed{2+x}"}]
    judge(lines(tmp_path / "a.jsonl", rows), "--workers", 1)
    assert "accepted               1    50.0 %" in capsys.readouterr().out


REFUSED: list[tuple[str, list[str], str]] = [
    ('{"answer": "7", "output": "7"}', [], r"no column 'gold', only answer, output; did you mean --gold answer\?"),
    ('{"gold": "7", "output": "7"}', [], r"no column 'response', only gold, output; did you mean --response output\?"),
    ('{"golds": "7", "response": "7"}', [], r"did you mean 'golds'\?"),
    ('{"gold": "7", "response": "7"}', ["--label", "ok"], r"no column 'ok', only gold, response$"),
    ('{"gold": "7", "response": "7", "verdict": 1}', ["--output", "b.jsonl"], r"column 'verdict' already: .*--prefix"),
    ('{"gold": "7", "response": "7"}', ["--output", "a.jsonl"], r"is the file that is read: choose another"),
    ('{"gold": "7", "response": "7"}', ["--output", "b.xlsx"], r"cannot write \.xlsx; use \.jsonl"),
    ('{"gold": "7", "response": "7"}', ["--output", "no/b.csv"], r"there is no folder no; make it first"),
    ('{"gold": "7", "response": "7"}', ["--pattern", "(a"], r"--pattern: '\(a' is not a regular expression"),
    ('{"gold": "7", "response": "7"}', ["--gold-pattern", "a"], r"--gold-pattern: 'a' has 0 groups"),
    ('{"gold": "blue", "response": "7"}', ["--kind", "numeric"], r"none of 1 rows can be judged; row 0: .*'blue'"),
    ('{"gold": null, "response": "7"}', ["--examples", "0"], r"none of 1 rows can be judged; row 0: gold holds null"),
    ("", [], r"a\.jsonl has no rows"),
    ('{"gold": "7", "response": "7"}\n{"go', [], r"a\.jsonl, line 2 is not readable JSON"),
]


@pytest.mark.parametrize(("text", "options", "message"), REFUSED)
def test_what_cannot_be_judged_is_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text(text)
    output = [] if "--output" in options else ["--output", "b.csv"]
    with pytest.raises(ValueError, match=message):
        judge("a.jsonl", *options, *output)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_damaged_row_leaves_the_old_output(tmp_path: Path) -> None:
    path, out = lines(tmp_path / "a.jsonl", ROWS * 400), tmp_path / "b.jsonl"
    path.write_text(path.read_text() + "{")
    out.write_text("old")
    with pytest.raises(ValueError, match="line 2401 is not readable JSON"):
        judge(path, "--output", out)
    assert out.read_text() == "old" and len(list(tmp_path.iterdir())) == 2


def test_an_interrupt_leaves_the_old_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(row: dict[str, Any]) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("toolkit.records.writing.as_json", interrupted)
    (tmp_path / "b.jsonl").write_text("old")
    assert judge(lines(tmp_path / "a.jsonl", ROWS), "--output", tmp_path / "b.jsonl") == 130
    assert capsys.readouterr().err.endswith("stopped; nothing was written\n")
    assert (tmp_path / "b.jsonl").read_text() == "old" and len(list(tmp_path.iterdir())) == 2


def test_the_help_has_examples_and_the_names_of_columns() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "toolkit.cli", "judge", "--help"], capture_output=True, text=True, check=True
    )
    assert "fss judge answers.jsonl --gold answer --response output --output judged.jsonl" in ran.stdout
    assert r"--gold-pattern '####\s*(.+)'" in ran.stdout and "(default: response)" in ran.stdout


def test_a_key_that_comes_late_has_its_column(tmp_path: Path) -> None:
    rows = [{"gold": "7", "response": "\\boxed{7}"}] * 2000 + [{"gold": "7", "response": "", "late": "here"}]
    judge(lines(tmp_path / "a.jsonl", rows), "--output", tmp_path / "b.csv")
    written = read(tmp_path / "b.csv")
    assert written[-1]["late"] == "here" and written[0]["late"] == "" and len(written) == 2001


def test_the_command_reads_standard_input_and_packed_files(tmp_path: Path) -> None:
    text = "".join(json.dumps(row) + "\n" for row in ROWS)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    for file, given in (("-", text), ("a.jsonl.gz", "")):
        ran = subprocess.run(
            [sys.executable, "-m", "toolkit.cli", "judge", file, "--output", "out.jsonl"],
            input=given, capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
        assert [row["verdict"] for row in read(tmp_path / "out.jsonl")] == VERDICTS
    refused = subprocess.run(
        [sys.executable, "-m", "toolkit.cli", "judge", "-", "--output", "out.csv"],
        input=text, capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert refused.returncode == 1 and "from standard input can only be written as .jsonl" in refused.stderr


def test_no_line_is_wider_than_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"gold": "x" * 300, "response": f"\\boxed{{{'y' * 300}}}", "right": True},
        {"gold": ["a" * 300], "response": "", "right": True},
    ]
    judge(lines(tmp_path / "a.jsonl", rows), "--label", "right")
    text = capsys.readouterr().out.partition("\n")[2]
    assert max(map(len, text.splitlines())) <= 80 and "row 1: gold holds" in text


def test_hand_labelled_pairs_are_distinguished(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shared_data / "judge_pairs.jsonl"
    assert judge(file, "--label", "accept", "--kind-column", "kind", "--workers", 1) == 0
    text = capsys.readouterr().out
    assert "all                  402" in text and "agreement" in text


def test_the_page_names_every_verdict() -> None:
    page = (ROOT / "docs" / "judge.md").read_text(encoding="utf-8")
    assert all(f"`{verdict}`" in page for verdict in (*VERDICTS_THERE, UNJUDGED))


@pytest.mark.slow
def test_ten_times_the_rows_take_no_more_memory(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "benchmarks/judge.py"], capture_output=True, text=True, cwd=ROOT, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert float(ran.stdout.split(" x ")[1].split()[0]) <= 1.1, ran.stdout
