"""Tables of arms: what may stand in them, and what cannot be paired."""

import pandas as pd
import pytest

from tests.reports.simulated_arms import BASE, arms, simulate_arms
from toolkit.reports.arms import arms_of, match_name, read_arms


def test_arms_have_a_match_and_a_protocol(tmp_path):
    curves, items = simulate_arms({"evol": 0.0}, matches=(None, "samples"), items=20, replicates=2)
    curves.to_parquet(tmp_path / "c.parquet"), items.to_parquet(tmp_path / "i.parquet")
    experiment, every = read_arms(tmp_path / "c.parquet", tmp_path / "i.parquet")
    assert experiment == "sim" and [(arm.name, arm.match) for arm in every] == [
        (name, match) for match in ("responses", "samples") for name in ("evol", BASE)
    ]
    assert {arm.name: arm.protocol for arm in every} == {"evol": "evol", BASE: "rejection_sampling"}
    _, chosen = read_arms(tmp_path / "c.parquet", tmp_path / "i.parquet", {"match": "samples"})
    assert {arm.match for arm in chosen} == {"samples"}


def test_tables_without_a_match_are_compared_at_equal_responses(tmp_path):
    curves, items = simulate_arms({"evol": 0.0}, items=20, replicates=2)
    curves.drop(columns="match").to_csv(tmp_path / "c.csv", index=False)
    assert {arm.match for arm in read_arms(tmp_path / "c.csv")[1]} == {"responses"}
    assert {arm.match for arm in arms_of(curves.drop(columns="match"), items.drop(columns="match"))[1]} == {"responses"}


@pytest.mark.parametrize(("cell", "name"), [(None, "responses"), ("none", "responses"), ("tokens", "tokens")])
def test_a_cell_of_match_has_one_meaning(cell, name):
    assert match_name(cell) == name


def test_teacher_and_base_belong_to_no_arm():
    curves, _ = simulate_arms({"evol": 0.0}, items=20, replicates=2)
    line = curves.iloc[:1].assign(arm="teacher", questions=None, budget=None, protocol=None, error=0.2)
    every = arms_of(pd.concat([curves, line]), None)[1]
    assert {arm.name for arm in every} == {"evol", BASE} and every[0].series[0].lines["teacher"] == 0.2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c, i: (c.assign(match="words"), i), "column 'match': 'words' is not known; use samples, tokens"),
        (lambda c, i: (c, i[(i["arm"] == BASE) | (i["item_id"] != "7")]), "were scored on different items"),
        (lambda c, i: (c.assign(experiment=c["arm"]), i), "results of 2 experiments"),
        (lambda c, i: (c.assign(questions=None), i), "the results hold no students"),
        (lambda c, i: (c.assign(eval_key=c["arm"]), i), "scored in 2 ways"),
        (lambda c, i: (c.assign(protocol=c["train_seed"].astype(str)), i), "of 2 protocols"),
    ],
)
def test_arms_that_cannot_be_paired_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        arms_of(*change(*simulate_arms({"evol": 0.0}, items=20, replicates=2)))


def test_an_arm_of_two_countings_is_refused():
    curves, _ = simulate_arms({"evol": 0.0}, items=20, replicates=2)
    with pytest.raises(ValueError, match="counts its budget in several ways"):
        arms_of(pd.concat([curves, curves.assign(counting="accepted")]), None)


def test_simulated_gains_are_what_they_say():
    base, better = (
        sum(arm.series[0].errors((256, 8))) / 5
        for arm in sorted(arms({"a": 0.1}, sd=0.0), key=lambda a: a.name != BASE)
    )
    assert base == pytest.approx(0.6, abs=0.01) and better == pytest.approx(0.5, abs=0.01)
