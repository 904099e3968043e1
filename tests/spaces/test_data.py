"""Results as people choose them: what is read, what is refused and why."""

import json

import pandas as pd
import pytest

import comparing
import data
import selection

FIRST = [None] * len(selection.NAMES)


def table(**changed):
    """Four rungs with two seeds, teacher and base, in the schema of `curves.parquet`."""
    students = [
        {"arm": "FSS", "questions": 64.0, "budget": float(r), "train_seed": float(s), "error": 0.9 - 0.1 * i + 0.01 * s}
        for i, r in enumerate((1, 2, 4, 8))
        for s in (0, 1)
    ]
    lines = [{"arm": arm, "error": error} for arm, error in (("teacher", 0.2), ("base", 0.99))]
    shared = {"experiment": "tiny", "pair": "a>b", "counting": "sampled", "control": "steps", "n": 100}
    return pd.DataFrame([shared | row | changed for row in lines + students])


def folder(path, rows):
    (path / "data").mkdir(parents=True)
    rows.to_parquet(path / "data" / "curves-000000000000.parquet")
    return path


def test_the_example_is_a_real_run_with_its_declared_forecast(curves, ladder, forecast):
    choice, output = selection.settle(FIRST)
    last, held_out = (f"{budget:g}" for budget in (forecast["fitted"][-1]["budget"], forecast["held_out"]))
    assert choice.values == ["example", "math", "nano>nano", "FSS, 256 questions, matched steps", "1", last, held_out]
    assert (choice.why, choice.toy, output) == ("", True, [])
    scored = pd.read_parquet(curves).set_index("arm")["error"]
    assert choice.experiment.lines("nano>nano") == {arm: pytest.approx(scored[arm]) for arm in ("base", "teacher")}
    assert choice.ladder.budgets.tolist() == ladder["budget"].tolist()
    assert choice.ladder.values.tolist() == ladder["error"].tolist()


def test_a_results_folder_becomes_ladders(tmp_path):
    tiny = data.read_results(folder(tmp_path, table()), "here")["tiny"]
    assert tiny.pairs == ["a>b"] and list(tiny.ladders("a>b")) == ["FSS, 64 questions, matched steps"]
    assert tiny.declared == () and tiny.lines("a>b") == {"base": 0.99, "teacher": 0.2}


def test_results_with_and_without_protocol_and_benchmark_read_alike(tmp_path):
    old = table()
    new = old.assign(protocol=old["questions"].notna().map({True: "rejection_sampling"}), benchmark="pool")
    refined = new[new["questions"].notna()].assign(protocol="self_refine")
    elsewhere = new.assign(benchmark="gsm8k", error=0.5)
    before = data.read_results(folder(tmp_path / "old", old), "here")["tiny"]
    found = data.read_results(folder(tmp_path / "new", pd.concat([new, refined, elsewhere])), "here")
    assert list(found) == ["tiny", "tiny on gsm8k"]
    name, refined_name = found["tiny"].ladders("a>b")
    assert refined_name == f"{name}, self refine"
    pd.testing.assert_frame_equal(found["tiny"].ladders("a>b")[name], before.ladders("a>b")[name])
    assert found["tiny"].lines("a>b") == before.lines("a>b")


def test_another_experiment_of_the_same_name_is_reported_by_its_missing_column(tmp_path):
    with pytest.raises(ValueError, match="no column 'pair'; is this a results dataset"):
        data.read_results(folder(tmp_path, table().drop(columns="pair")), "here")
    with pytest.raises(ValueError, match="one data/curves-"):
        data.read_results(tmp_path / "data", "here")


def test_what_is_no_number_or_no_forecast_is_reported(tmp_path):
    folder(tmp_path, table().astype({"error": str}).replace({"error": {"0.9": "low"}}))
    with pytest.raises(ValueError, match="holds something other than a number: Unable to parse string 'low'"):
        data.read_results(tmp_path, "here")
    folder(tmp_path / "other", table())
    (tmp_path / "other" / "laws").mkdir()
    (tmp_path / "other" / "laws" / "forecast.json").write_text('{"held_out": 8}')
    with pytest.raises(ValueError, match="is not a forecast as"):
        data.read_results(tmp_path / "other", "here")


def test_three_rungs_are_no_ladder(tmp_path):
    rows = table()
    yours = data.read_results(folder(tmp_path, rows[rows["budget"] != 8]), "yours")["tiny"]
    with pytest.raises(ValueError, match="no ladder of 4 or more budgets"):
        selection.settle(["yours", *FIRST[1:]], yours)


@pytest.mark.parametrize("source", ["../../etc/passwd", "name", "/etc/passwd", "a/", ""])
def test_what_names_no_dataset_is_never_read_from_this_machine(source, monkeypatch):
    monkeypatch.setattr(data, "_at_commit", lambda repo, commit: pytest.fail(f"asked for {repo}"))
    with pytest.raises(ValueError, match="names no results"):
        data.load(source)


@pytest.mark.parametrize("changed", [{4: "2"}, {5: "8"}, {6: "none"}, {5: "4", 6: "8"}])
def test_another_range_or_held_out_rung_is_exploratory(changed):
    values = [changed.get(index) for index in range(len(FIRST))]
    declared = "fit up to r = 16, hold out r = 64 or fit up to r = 16, hold out r = 32"
    assert f"differ from what the recipe declared ({declared})" in selection.settle(values)[0].why


def test_every_rung_that_was_declared_is_as_declared_and_the_farthest_is_shown_first():
    assert selection.settle(FIRST)[0].held_out == 64
    other, output = selection.settle([*FIRST[:6], "32"])
    assert (other.held_out, other.why, output) == (32, "", [])


def forecast(rows, pair, **more):
    """What `fss run` writes of a pair's ladder, fitted up to r = 4."""
    fitted = rows[(rows["pair"] == pair) & (rows["budget"] <= 4)]
    return {
        "experiment": "tiny",
        "held_out": 8,
        "fitted": fitted[["budget", "train_seed", "error"]].to_dict("records"),
    } | more


@pytest.fixture
def two_pairs(tmp_path):
    """Two pairs with a forecast each, of which one came after its students; the second pair has a longer ladder."""
    longer = table(pair="a>c").assign(error=lambda rows: rows["error"] / 2)
    last = longer[longer["budget"] == 8].assign(budget=16.0, error=0.25)
    rows = pd.concat([table(), longer, last], ignore_index=True)
    folder(tmp_path, rows)
    for place, output in {
        "": forecast(rows, "a>b", exploratory=True),
        "a-c-r8": forecast(rows, "a>c"),
        "a-c-r16": forecast(rows, "a>c", held_out=16),
    }.items():
        (tmp_path / "laws" / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / "laws" / place / "forecast.json").write_text(json.dumps(output))
    return data.read_results(tmp_path, "yours")["tiny"]


@pytest.mark.parametrize(
    ("pair", "held_out", "why"),
    [
        ("a>b", None, "students of the held-out rung existed before"),
        ("a>c", None, ""),
        ("a>c", "8", ""),
        ("a>c", "none", r"fit up to r = 4, hold out r = 16 or fit up to r = 4, hold out r = 8"),
    ],
)
def test_what_was_declared_is_reported_for_the_pair_and_rung_that_it_was_declared_of(two_pairs, pair, held_out, why):
    choice, _ = selection.settle(["yours", None, pair, None, None, None, held_out], two_pairs)
    first = {"a>b": 8, "a>c": 16}[pair]
    assert (choice.fit_max, choice.held_out) == (4, None if held_out == "none" else float(held_out or first))
    assert why in choice.why and bool(why) == bool(choice.why)


def test_students_of_another_control_are_not_those_of_the_forecast(tmp_path):
    rows = pd.concat([table(control="epochs").assign(error=lambda rows: rows["error"] / 2), table()])
    folder(tmp_path, rows)
    (tmp_path / "laws").mkdir()
    (tmp_path / "laws" / "forecast.json").write_text(json.dumps(forecast(table(), "a>b")))
    tiny = data.read_results(tmp_path, "yours")["tiny"]
    why = {name: selection.settle(["yours", None, None, name, *FIRST[4:]], tiny)[0].why for name in tiny.ladders("a>b")}
    assert why["FSS, 64 questions, matched steps"] == ""
    assert "no forecast was written" in why["FSS, 64 questions, equal epochs"]


def test_students_of_twice_the_steps_are_in_no_ladder_plan_or_comparison(tmp_path):
    doubled = table(control="doubled").query("budget == 8")
    tiny = data.read_results(folder(tmp_path, pd.concat([table(), doubled])), "yours")["tiny"]
    assert list(tiny.ladders("a>b")) == ["FSS, 64 questions, matched steps"]
    choice, _ = selection.settle(["yours", *FIRST[1:]], tiny)
    assert set(choice.cells["control"]) == {"steps"} and len(choice.cells) == len(choice.ladder.budgets) == 8
    assert comparing.doublings(choice)[-1].contrast.replicates == 2


def test_data_without_a_forecast_are_exploratory(tmp_path):
    yours = data.read_results(folder(tmp_path, table()), "yours")["tiny"]
    choice, _ = selection.settle(["yours", *FIRST[1:]], yours)
    assert "no forecast was written" in choice.why and choice.held_out is None


def test_what_is_not_there_is_reported_and_the_nearest_shown():
    choice, output = selection.settle(["example", "other", None, None, None, "7", "32"])
    assert choice.experiment.name == "math" and choice.fit_max == 16
    assert output == ["These results have no such experiment; math is shown.", "This ladder has no rung r = 7."]


def test_an_embedded_model_is_a_toy_whatever_its_pair_is_called(tmp_path):
    results = folder(tmp_path, table())
    start = ["yours", *FIRST[1:]]
    assert not selection.settle(start, data.read_results(results, "yours")["tiny"])[0].toy
    (results / "manifest.json").write_text('{"embedded": ["a>b"]}')
    assert selection.settle(start, data.read_results(results, "yours")["tiny"])[0].toy
    (results / "manifest.json").write_text('["a>b"]')
    with pytest.raises(ValueError, match=r"manifest\.json is not one of a results dataset"):
        data.read_results(results, "yours")


def test_only_one_teacher_s_responses_are_published(tmp_path):
    results = folder(tmp_path, table())
    assert data.read_results(results, "yours")["tiny"].published("a>b")
    (results / "manifest.json").write_text('{"teacher": "a"}')
    tiny = data.read_results(results, "yours")["tiny"]
    assert tiny.published("a>b") and tiny.published("a>c") and not tiny.published("ab>b")


def test_the_example_has_four_pairs_each_with_its_own_forecast():
    pairs = data.load("example")["pairs-math"].pairs
    assert pairs == ["large>narrow", "large>wide", "small>narrow", "small>wide"]
    for pair in pairs:
        choice, output = selection.settle(["example", "pairs-math", pair, *FIRST[3:]])
        assert (choice.why, choice.toy, choice.held_out, output) == ("", True, 32, [])
        assert choice.experiment.published(pair) == pair.startswith("large")
