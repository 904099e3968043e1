"""`fss compare` from tables to words, JSON and figure."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.reports.simulated import LADDER, LATE, SPENT, simulate
from tests.reports.simulated_arms import corpora, simulate_arms
from toolkit.cli import main
from toolkit.reports.corpora import write_corpora


@pytest.fixture
def tables(tmp_path):
    def write(cells, **options):
        for name, table in zip(("curves", "items"), simulate(cells, sd=0.004, items=60, **options), strict=True):
            table.to_parquet(tmp_path / f"{name}.parquet")
        return str(tmp_path / "curves.parquet")

    return write


def test_the_verdict_comes_first(tables, capsys, tmp_path):
    figure = tmp_path / "stem.png"
    assert main(["compare", tables(SPENT, kappa=0.5), "--rule", "mixture", "--plot", str(figure)]) == 0
    output = capsys.readouterr().out
    assert output.startswith(("Confirmed. ", "Cannot tell. ")) and "60 test items" in output and "q256-r16" in output
    assert figure.stat().st_size > 20_000


def test_json_is_what_the_library_says(tables, capsys):
    curves = tables(LADDER)
    assert (
        main(
            [
                "compare",
                curves,
                "--rule",
                "law",
                "--fit-max",
                "16",
                "--held-out",
                "32",
                "--set",
                "law_miss=0.5",
                "--json",
            ]
        )
        == 0
    )
    output = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert output["rules"]["law_miss"] == 0.5 and output["numbers"]["held_out"] == 32 and output["experiment"] == "sim"


def test_curves_alone_hold_replicates_only(tables, capsys, tmp_path):
    curves = tables(SPENT)
    (tmp_path / "items.parquet").unlink()
    assert main(["compare", curves, "--rule", "mixture"]) == 0
    assert "which hold replicates only" in capsys.readouterr().out


def release(folder, questions, draws=32):
    """Question n finds n + 1 paths among its draws; the odd draws of question 0 are rejected."""
    for verdict, kept in (("accepted", lambda q, i: q or i % 2 == 0), ("rejected", lambda q, i: not q and i % 2)):
        rows = [
            (f"q{q}", i, f"path  {i % (q + 1)}\n", verdict)
            for q in range(questions)
            for i in range(draws)
            if kept(q, i)
        ]
        columns = dict(
            zip(("question_id", "response_index", "response", "verdict"), zip(*rows, strict=True), strict=True)
        )
        file = folder / "data" / verdict / "q1" / "i000-032.parquet"
        file.parent.mkdir(parents=True)
        pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), file)
    return str(folder)


def test_saturation_reads_a_release(tables, capsys, tmp_path):
    curves = tables([(6, r) for _, r in LATE])
    assert main(["compare", curves, "--rule", "saturation", "--release", release(tmp_path / "r", 6), "--json"]) == 0
    last = json.loads(capsys.readouterr().out)["numbers"]["doublings"][-1]
    assert (last["distinct"], last["distinct_doubled"], last["covered"]) == (21, 21, 6)


@pytest.fixture
def arms(tmp_path):
    gains = {f"p{at}": 0.0 for at in range(5)}
    for name, table in zip(("curves", "items"), simulate_arms(gains, items=60, replicates=3), strict=True):
        table.to_parquet(tmp_path / f"{name}.parquet")
    write_corpora(tmp_path, corpora({name: {"distinct_2": 3.0} for name in gains}, draws=3))
    return tmp_path


@pytest.mark.parametrize("rule", ["synthesis", "audit"])
def test_arms_are_compared_from_their_folder(rule, arms, capsys):
    figure = arms / "arms.svg"
    assert main(["compare", str(arms), "--rule", rule, "--set", "shift_sd=2.5", "--plot", str(figure)]) == 0
    output = capsys.readouterr().out
    assert output.startswith(("Confirmed. ", "Cannot tell. ")) and "2,048" in output and figure.stat().st_size > 20_000
    assert ("exceed 2.5 sd" in output) == (rule == "audit")
    assert main(["compare", str(arms / "curves.parquet"), "--rule", rule, "--baseline", "p1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["numbers"]["baseline"] == "p1"


def test_an_audit_needs_corpora_and_a_synthesis_does_not(arms, capsys):
    (arms / "corpora.parquet").unlink()
    assert main(["compare", str(arms), "--rule", "synthesis"]) == 0
    assert main(["compare", str(arms), "--rule", "audit"]) == 1
    assert "give their corpora.parquet" in capsys.readouterr().err


def test_another_rule_asks_for_one_arm(arms, capsys):
    assert main(["compare", str(arms), "--rule", "bound"]) == 1
    assert "choose one protocol" in capsys.readouterr().err
    assert main(["compare", str(arms / "nothing"), "--rule", "audit"]) == 1


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (["--rule", "law"], "needs fit_max"),
        (["--rule", "saturation"], "name it with --release"),
        (["--rule", "bound", "--set", "nope=1"], "the rules have no 'nope'"),
        (["--rule", "bound", "--set", "level=much"], "level must be a number, got 'much'"),
        (["--rule", "bound", "--where", "pair=x"], "no row has pair = x"),
    ],
)
def test_complaints_are_plain(arguments, messages, tables, capsys):
    assert main(["compare", tables(LADDER), *arguments]) == 1
    assert messages in capsys.readouterr().err


def test_a_release_of_other_questions_is_refused(tables, capsys, tmp_path):
    assert main(["compare", tables(LATE), "--rule", "saturation", "--release", release(tmp_path / "r", 6)]) == 1
    assert "first shells hold 6 questions, the ladder has 256" in capsys.readouterr().err


def test_a_table_in_another_dialect_gives_the_same_verdict(tables, capsys, tmp_path):
    arguments = ["--rule", "mixture", "--json", "--where", "pair=small>nano"]
    curves = tables(SPENT)
    (tmp_path / "items.parquet").unlink()
    pair = pd.read_parquet(curves)["pair"].iloc[0]
    arguments[-1] = f"pair={pair}"
    assert main(["compare", curves, *arguments]) == 0
    expected = capsys.readouterr().out
    pd.read_parquet(curves).to_csv(tmp_path / "curves.csv", sep=";", decimal=",", index=False)
    assert main(["compare", str(tmp_path / "curves.csv"), *arguments]) == 0
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("questions=255", "curves.parquet: no row has questions = 255; it holds "),
        ("arm=FFS", "curves.parquet: no row has arm = FFS; it holds "),
        ("arms=FSS", "curves.parquet: it has no column 'arms'; it has experiment, pair"),
    ],
)
def test_a_mistyped_choice_lists_what_is_there(tables, capsys, where, message):
    assert main(["compare", tables(SPENT), "--rule", "mixture", "--where", where]) == 1
    assert message in capsys.readouterr().err


def test_rows_are_chosen_by_their_questions(tables, capsys):
    assert main(["compare", tables(SPENT), "--rule", "mixture", "--where", "questions=256"]) in (0, 1)
    output = capsys.readouterr()
    assert "no row has" not in output.err and "Traceback" not in output.err


def test_an_error_in_percent_is_named_by_its_row(tables, capsys, tmp_path):
    curves = pd.read_parquet(tables(SPENT))
    (tmp_path / "items.parquet").unlink()
    curves.assign(error=curves["error"] * 100).to_csv(tmp_path / "curves.csv", index=False)
    assert main(["compare", str(tmp_path / "curves.csv"), "--rule", "mixture"]) == 1
    assert "curves.csv: row 2, column 'error': " in capsys.readouterr().err


def test_a_law_of_another_form_is_compared(tables, capsys):
    words = ["compare", tables(LADDER), "--rule", "law", "--fit-max", "16", "--held-out", "32", "--json"]
    assert main([*words, "--form", "power"]) == 0
    (part,) = json.loads(capsys.readouterr().out)["numbers"]["parts"]
    assert part["form"] == "power" and "rectified" in part["baselines"] and "power" not in part["baselines"]
    assert main([*words, "--form", "parabola"]) == 1
    assert "form is 'parabola': use one of rectified, " in capsys.readouterr().err
