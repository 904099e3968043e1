"""Where the tables of results lie, of a run and of a results dataset, and what a decision recorded."""

import json

import pytest

from toolkit.reports.folder import result_tables


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_run_has_plain_names_and_a_dataset_has_digests(tmp_path):
    run = result_tables(touch(tmp_path / "run", "curves.parquet", "ledger.parquet"))
    assert (run.curves.name, run.items, run.ledger.name) == ("curves.parquet", None, "ledger.parquet")
    assert result_tables(tmp_path / "run" / "curves.parquet") == run
    dataset = result_tables(touch(tmp_path / "set", "data/curves-0a.parquet", "data/corpora-1b.parquet"))
    assert (dataset.curves.name, dataset.corpora.name, dataset.items) == (
        "curves-0a.parquet",
        "corpora-1b.parquet",
        None,
    )
    assert dataset.decisions == tmp_path / "set" / "decisions"


def test_a_dataset_with_two_tables_or_none_is_refused(tmp_path):
    touch(tmp_path / "two", "data/curves-0a.parquet", "data/items-0a.parquet", "data/items-1b.parquet")
    with pytest.raises(ValueError, match=r"one data/items-\*.parquet, this one has 2"):
        result_tables(tmp_path / "two")
    with pytest.raises(ValueError, match="no data/curves"):
        result_tables(touch(tmp_path / "none", "data/items-0a.parquet"))


@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        (
            {"rules": {"margin": 0.02, "new": 1.0, "question_prices": [0.0]}, "numbers": {"baseline": "rs"}},
            ("rs", {"margin": 0.02}),
        ),
        ({"rule": "audit", "verdict": "cannot tell", "sentence": "The rule does not apply"}, (None, {})),
    ],
)
def test_a_decision_records_baseline_and_rules(tmp_path, text, recorded):
    tables = result_tables(touch(tmp_path, "curves.parquet", "decisions/audit.json"))
    (tmp_path / "decisions" / "audit.json").write_text(json.dumps(text))
    assert tables.recorded("audit") == recorded and tables.recorded("synthesis") == (None, {})


def test_a_decision_that_is_none_is_named(tmp_path):
    tables = result_tables(touch(tmp_path, "curves.parquet", "decisions/audit.json"))
    with pytest.raises(ValueError, match=r"decisions/audit.json: it is no decision"):
        tables.recorded("audit")
