import html
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard, constants

from tests.hub.remote import contents, quiet, tags
from toolkit.hub.results import LAWS, Results, law_rows, laws_table, mean_errors, publish_results, write_results
from toolkit.hub.version import Refused
from toolkit.reports.corpora import CorpusKey, CorpusValue, counted, untested, write_corpora
from toolkit.reports.step_costs import StepCost, write_step_costs

FORECAST = {
    "pair": "big>wide",
    "held_out": 8, "level": 0.9, "experiment": "tiny", "exploratory": False,
    "law": {"point": 0.4, "mean": 0.41, "low": 0.38, "high": 0.44, "low_new": 0.35, "high_new": None},
    "baselines": {"last value": 0.5},
    "parameters": {"E": {"value": 0.1, "low": 0.0, "high": 0.2}},
}  # fmt: skip
REFUSED = FORECAST | {
    "pair": "big>thin", "law": None, "baselines": {}, "parameters": {}, "notes": ["the error rises by 0.3"]
}  # fmt: skip
DECISION = {
    "rule": "law",
    "experiment": "tiny",
    "verdict": "cannot tell",
    "sentence": "A ladder *rises*.",
    "numbers": {},
}
LOADS = """
import sys
from datasets import load_dataset
for name in sys.argv[2:]:
    print(len(load_dataset(sys.argv[1], name, split="train", revision="v1.0.0")))
"""


@pytest.fixture
def measured(tmp_path):
    """The tables and files of two students and their teacher."""

    def make(error=0.5, laws=True, students=2, **changes):
        pairs = [("FSS", 4, 0, error), ("FSS", 4, 1, error + 0.25)][:students]
        cells = [*pairs, ("teacher", None, None, 0.125)]
        rows = [
            {"experiment": "tiny", "arm": arm, "questions": budget, "budget": budget, "train_seed": seed,
             "error": found, "n": 8, "eval_key": "k"}
            for arm, budget, seed, found in cells
        ]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "curves.parquet")
        pq.write_table(pa.table({"item_id": ["t0", "t1"], "correct": [1.0, 0.0]}), tmp_path / "items.parquet")
        for place, output in (("", FORECAST), ("big-thin-r8", REFUSED)):
            (tmp_path / place).mkdir(exist_ok=True)
            (tmp_path / place / "forecast.json").write_text(json.dumps(output))
            (tmp_path / place / "law.json").write_text(json.dumps({"forecast": output, "observed": {"mean": 0.42}}))
        (tmp_path / "decided.json").write_text(json.dumps(DECISION))
        names = ("forecast.json", "law.json", "big-thin-r8/forecast.json", "big-thin-r8/law.json") if laws else ()
        given = {"data_repo": "local/tiny", "data_version": "v1.0.0", "data_revision": "a" * 40, "limits": ["A *toy*."]}
        given |= {"embedded": ["big>thin"], "teacher": "big"}
        return Results(
            "Tiny <b>", tmp_path / "curves.parquet", tmp_path / "items.parquet",
            {name: tmp_path / name for name in names}, license="apache-2.0",
            **({"decisions": {"law.json": tmp_path / "decided.json"} if laws else {}} | given | changes),
        )  # fmt: skip

    return make


def test_a_row_for_each_number_of_a_law():
    rows = list(law_rows(FORECAST, {"observed": {"mean": 0.42}}))
    assert [(row["kind"], row["name"], row.get("budget"), row["value"]) for row in rows] == [
        ("parameter", "E", None, 0.1), ("forecast", "mean of students", 8, 0.41), ("forecast", "one student", 8, 0.41),
        ("baseline", "last value", 8, 0.5), ("observed", "mean of students", 8, 0.42),
    ]  # fmt: skip
    assert (rows[1]["low"], rows[1]["high"], rows[2]["low"], rows[2]["high"]) == (0.38, 0.44, 0.35, None)
    assert set().union(*rows) | {"experiment", "pair", "held_out", "exploratory"} == set(LAWS.names)


def test_what_a_forecast_rests_on_is_in_words_in_the_table_and_on_the_card(measured, tmp_path):
    results = measured()
    said = FORECAST | {"by": "averaged", "reading": "mostly a law (72 %)", "notes": ["8 times the last", "a bend"]}
    results.laws["law.json"].write_text(json.dumps({"forecast": said, "observed": {"mean": 0.42}}))
    rows = [(row["kind"], row["name"]) for row in laws_table(results.laws).to_pylist()]
    assert {("reading", "mostly a law (72 %)"), ("note", "8 times the last"), ("note", "a bend")} <= set(rows)
    write_results(tmp_path / "out", results, "local/tiny-results", "v1.0.0")
    text = html.unescape((tmp_path / "out" / "README.md").read_text())
    assert "The forecast of big>wide at budget 8: mostly a law (72 %). Note: 8 times the last. Note: a bend." in text


def test_every_law_is_in_the_one_table_with_its_pair_and_its_rung(measured):
    table = laws_table(measured().laws)
    assert table.schema.equals(LAWS)
    rows = [row for row in table.to_pylist() if row["kind"] != "parameter"]
    assert {(row["pair"], row["held_out"], row["exploratory"]) for row in rows} == {
        ("big>wide", 8, False), ("big>thin", 8, False),
    }  # fmt: skip
    assert [(row["kind"], row["name"], row["value"]) for row in rows if row["pair"] == "big>thin"] == [
        ("refused", "the error rises by 0.3", None), ("observed", "mean of students", 0.42),
    ]  # fmt: skip
    assert laws_table({}).schema.equals(LAWS)


def test_mean_errors_by_cell(measured):
    rows = list(mean_errors(measured().curves))
    assert [(row["arm"], row["budget"], row["models"], row["mean"]) for row in rows] == [
        ("FSS", 4, 2, 0.625), ("teacher", None, 1, 0.125),
    ]  # fmt: skip
    assert rows[0]["sd"] == pytest.approx(0.25 / 2**0.5) and rows[1]["sd"] is None


@pytest.fixture
def results_card(measured, tmp_path) -> DatasetCard:
    write_results(tmp_path / "out", measured(), "local/tiny-results", "v1.0.0")
    return DatasetCard.load(tmp_path / "out" / "README.md")


def test_the_manifest_names_embedded_pairs_and_the_teacher(measured, tmp_path):
    manifest = write_results(tmp_path / "out", measured(), "local/tiny-results", "v1.0.0")
    assert (manifest.embedded, manifest.teacher) == (["big>thin"], "big")


def test_the_card_names_the_data_and_the_limits(results_card):
    assert f"at v1&#46;0&#46;0, commit `{'a' * 40}`" in results_card.text
    assert results_card.data.to_dict()["source_datasets"] == ["local/tiny"]
    assert "- A &#42;toy&#42;." in results_card.text and "# Tiny &#60;b&#62;: results" in results_card.text


def test_the_card_has_mean_errors_and_says_what_their_spread_is(results_card):
    assert "|  | FSS | 4 | 4 |  | 2 | 8 | 0.625 | 0.1768 |" in results_card.text
    assert "spread is that of train seeds alone" in results_card.text


def test_the_card_has_a_row_per_law_and_says_why_there_is_none(results_card):
    text = results_card.text
    assert "| big&#62;wide | 8 | 0.41 | 0.35 | - | 0.9 | - | 0.5 | 0.42 | before students of that budget |" in text
    assert "| big&#62;thin | 8 | none | - | - | - | - | - | 0.42 | before students of that budget |" in text
    assert "No law for big&#62;thin at budget 8: the error rises by 0&#46;3." in text


def test_the_card_has_every_decision_with_its_sentence(results_card):
    assert "- **law: cannot tell.** A ladder &#42;rises&#42;." in results_card.text


@pytest.fixture
def arms(tmp_path) -> dict[str, Path]:
    """The tables of two arms in two draws, in which one step was asked for in one draw only."""
    values = []
    for draw, shift in ((0, 0.25), (1, 0.75)):
        for arm in ("rs", "more <b>"):
            corpus = CorpusKey("tiny", arm, "rejection_sampling", None, 4, draw)
            values += [
                CorpusValue(corpus, "distinct_2", shift, shift, shift, "share"),
                *counted(corpus, {"samples": 8}),
            ]
    write_corpora(tmp_path, [*values, untested(CorpusKey("tiny", "later", "later"))])
    steps = [(0, "answer", 6.0, 3.0), (0, "review", 4.0, None), (1, "answer", 8.0, 5.0)]
    write_step_costs(
        tmp_path,
        [StepCost("tiny", "rs", "p", None, 4, 4, draw, step, n, 1, n, n, cost) for draw, step, n, cost in steps],
    )
    return {"corpora": tmp_path / "corpora.parquet", "ledger": tmp_path / "ledger.parquet"}


def test_results_of_arms_have_their_tables_on_the_card_and_as_configurations(measured, arms, tmp_path):
    manifest = write_results(tmp_path / "out", measured(arms=arms), "local/tiny-results", "v1.0.0")
    card = DatasetCard.load(tmp_path / "out" / "README.md")
    assert "| rs | 4 | 4 | answer | 7 | 1 | 7 | 7 | 4 |" in card.text
    assert "| rs | 4 | 4 | review | 2 | 0 | 2 | 2 | 0 |" in card.text
    assert "| metric | unit | budget | rs | more &#60;b&#62; |" in card.text
    assert "| distinct&#95;2 | share | 4 | 0.5 | 0.5 |" in card.text and "later" not in card.text
    assert {"corpora", "ledger"} < {config["config_name"] for config in card.data.to_dict()["configs"]}
    assert [manifest.configs[name].files[0].split("-")[0] for name in arms] == ["data/corpora", "data/ledger"]
    assert 'load_dataset("local/tiny-results", "ledger"' in card.text
    plain = write_results(tmp_path / "plain", measured(), "local/tiny-results", "v1.0.0")
    assert not plain.configs.keys() & arms.keys() and "arms" not in (tmp_path / "plain" / "README.md").read_text()


def test_the_hub_takes_the_card_for_a_valid_one(results_card, hub, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    assert results_card.validate() is None  # it raises for another one


def test_a_forecast_of_what_was_known_is_said_to_be_one(measured, tmp_path):
    results = measured()
    law = results.laws["law.json"]
    law.write_text(json.dumps(json.loads(law.read_text()) | {"forecast": FORECAST | {"exploratory": True}}))
    write_results(tmp_path / "out", results, "local/tiny-results", "v1.0.0")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "| EXPLORATORY: after students of that budget |" in text
    assert text.count("before students of that budget") == 1


@pytest.mark.parametrize("laws", [True, False])
def test_results_load_from_the_hub_by_tag(measured, api, hub, repo, tmp_path, laws):
    published = publish_results(measured(laws=laws), repo, quiet(api), version="v1.0.0")
    assert tags(api, repo) == {"v1.0.0": published.commit}
    names = ["curves", "items", "laws", "decisions"] if laws else ["curves", "items"]
    environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", LOADS, repo, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["3", "2", "7", "1"][: len(names)], done.stderr


def test_a_rerun_is_nothing_new_and_other_scores_take_the_next_version(measured, api, repo):
    def put(version="v1.0.0", **changes):
        return publish_results(measured(**changes), repo, quiet(api), version=version)

    first, again = put(), put()
    assert first.new and not again.new and again.commit == first.commit
    second, again = put(error=0.25), put(error=0.25)
    assert second.version == again.version == "v1.0.1" and not again.new
    assert [name.split("-")[0] for name in second.deleted] == ["data/curves"]
    assert contents(api, repo, "v1.0.0") != contents(api, repo, "v1.0.1") and tags(api, repo)["v1.0.0"] == first.commit
    assert put("v1.1.0", error=0.5, data_version="v1.1.0").version == "v1.1.0"
    with pytest.raises(Refused, match="data repo: published 'local/tiny', now 'local/other'"):
        put("v1.2.0", data_repo="local/other")


@pytest.mark.parametrize(("students", "laws"), [(1, True), (2, False)])
def test_a_part_of_what_is_published_is_nothing_new(measured, api, repo, students, laws):
    whole = publish_results(measured(), repo, quiet(api), version="v1.0.0")
    part = publish_results(measured(students=students, laws=laws), repo, quiet(api), version="v1.0.0")
    assert not part.new and (part.version, part.commit) == ("v1.0.0", whole.commit)


def test_another_draw_of_responses_is_part_of_the_spread(measured, tmp_path):
    results = measured()
    rows = [row | {"corpus_draw": row["train_seed"]} for row in pq.read_table(results.curves).to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows), results.curves)
    write_results(tmp_path / "out", results, "local/tiny-results", "v1.0.0")
    assert "over replicates, each with its own responses and train seed" in (tmp_path / "out/README.md").read_text()


def test_mean_errors_of_pairs_and_controls_stay_apart(measured):
    path = measured().curves
    rows = pq.read_table(path).to_pylist()[:2]
    apart = [row | {"pair": pair, "control": "steps"} for row, pair in zip(rows, ("a>x", "b>x"), strict=True)]
    pq.write_table(pa.Table.from_pylist([*apart, apart[0] | {"control": "epochs"}]), path)
    assert [(row["pair"], row["control"], row["models"]) for row in mean_errors(path)] == [
        ("a>x", "steps", 1), ("b>x", "steps", 1), ("a>x", "epochs", 1),
    ]  # fmt: skip


def test_equal_results_give_equal_bytes(measured, tmp_path):
    for name in "ab":
        write_results(tmp_path / name, measured(), "local/tiny-results", "v1.0.0")
    files = [
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*.*")
            if path.is_file()
        }
        for name in "ab"
    ]
    assert files[0] == files[1] and len(files[0]) == 11
