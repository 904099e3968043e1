"""The number on the page is the number of `fss fit` and `fss plan`, digit by digit."""

import json

import numpy as np
import pandas as pd
import pytest

import fitting
import selection
from toolkit.cli import main
from views import extrapolate, law, plan

START = [None] * len(selection.NAMES)
PRICES = (20.0, 1.0, 0.0, *[0.0] * 7)


def printed(capsys, *arguments):
    assert main([str(each) for each in arguments]) == 0
    return capsys.readouterr().out.rstrip("\n")


def fss_fit(capsys, curves, *more):
    columns = ("--x", "budget", "--y", "error", "--seed", "train_seed", "--where", "arm=FSS", "control=steps")
    return printed(capsys, "fit", curves, *columns, "--fit-max", 16, "--predict", *more)


def test_the_law_on_the_page_is_what_fss_fit_prints(capsys, curves, ladder):
    choice, _ = selection.settle(START)
    output, figure, misses, words, text, _ = law.render(choice, "r", "log")
    command = fss_fit(capsys, curves, 64)
    assert text.split(": ", 1)[1] == command.split(": ", 1)[1]
    row = next(line for line in command.splitlines() if line.startswith("| 64"))
    mean, new = row.split("|")[3].strip(), row.split("|")[5].strip()
    assert f"forecast {mean} %" in output and f"90 % of new students {new} %" in output
    observed = 100 * ladder[ladder["budget"] == 64]["error"].mean()
    assert f"observed {observed:.2f} %" in output
    assert float(misses.splitlines()[2].split("|")[3]) == pytest.approx(float(mean) - observed, abs=0.0101)
    floor = next(line for line in command.splitlines() if line.startswith("| E "))
    assert (
        next(line for line in words.splitlines() if line.startswith("| floor E")).split("|")[2:] == floor.split("|")[2:]
    )
    assert {"law", "fitted budgets", "held out, observed", "baselines"} <= {trace.name for trace in figure.data}
    assert figure.layout.xaxis.tickvals[-1] == choice.held_out


def test_the_page_shows_the_forecast_that_was_written_before_the_rung_was_trained(forecast):
    written = forecast["law"]
    output = law.render(selection.settle(START)[0], "r", "log")[0]
    before = output[output.index("Written before these students were trained, by the rectified law alone: ") :]
    assert f"forecast {100 * written['mean']:.2f} %" in before and "was made afterwards" in before
    assert f"{100 * written['low_new']:.2f} to {100 * written['high_new']:.2f} %" in before


@pytest.mark.parametrize("budget", [48, 64])
def test_a_forecast_on_the_page_is_what_fss_fit_prints(capsys, curves, budget):
    choice, _ = selection.settle(START)
    output, _, _, text, _ = extrapolate.render(choice, budget, "90")
    ahead = next(iter(json.loads(fss_fit(capsys, curves, budget, "--json")).values()))["forecasts"][0]
    assert f"the error is forecast at {100 * ahead['mean']:.2f} %" in output
    assert f"{100 * ahead['low']:.2f} % to {100 * ahead['high']:.2f} %" in output
    assert f"{100 * ahead['low_new']:.2f} % to {100 * ahead['high_new']:.2f} %" in output
    assert text.split(": ", 1)[1] == fss_fit(capsys, curves, budget).split(": ", 1)[1]


def test_a_budget_that_may_stay_is_not_set_anew():
    """It would come back late and overwrite the one that somebody has typed meanwhile."""
    choice = selection.settle(START)[0]
    assert "value" not in extrapolate.render(choice, 48, "90")[-1]
    assert extrapolate.render(choice, 100_000, "90")[-1]["value"] == 4 * choice.law().rungs.x[-1]


def test_no_median_lies_outside_its_interval():
    for upto in ("8", "16", "32"):
        words = law.render(selection.settle([*START[:5], upto, "none"])[0], "r", "log")[3]
        rows = [line.split("|")[2:4] for line in words.splitlines()[4:] if line.startswith("|")]
        spans = [(float(median), *map(float, span.split(" to "))) for median, span in rows]
        assert len(spans) == 4 and all(low <= median <= high for median, low, high in spans)


def test_text_for_copying_says_that_it_is_exploratory():
    choice, _ = selection.settle([*START[:5], "8", "32"])
    for text in (law.render(choice, "r", "log")[4], extrapolate.render(choice, 32, "90")[3]):
        assert text.startswith("EXPLORATORY: fitted range or held-out rung differ")


def cells(path):
    """A two-axis experiment with a known surface, as a results table."""
    rng = np.random.default_rng(0)
    rows = [
        {"questions": float(m), "budget": float(r), "train_seed": float(seed), "error": float(error)}
        for m in (64, 128, 256)
        for r in (1, 2, 4, 8)
        for seed, error in enumerate(0.2 + 25 / (30 + m * r / (1 + 0.1 * (r - 1))) + 0.01 * rng.standard_normal(3))
    ]
    shared = {"experiment": "two", "arm": "FSS", "pair": "a>b", "counting": "sampled", "control": "steps", "n": 1000}
    table = pd.DataFrame([shared | row for row in rows])
    (path / "data").mkdir()
    table.to_parquet(path / "data" / "curves-000000000000.parquet")
    return path / "data" / "curves-000000000000.parquet"


@pytest.mark.parametrize("goal", [("--spend", 6000), ("--target", 0.4), ("--spend", 60000, "--beyond")])
def test_the_plan_on_the_page_is_what_fss_plan_prints(capsys, tmp_path, goal):
    import data

    file = cells(tmp_path)
    yours = data.read_results(tmp_path, "yours")["two"]
    choice, _ = selection.settle(["yours", *START[1:]], yours)
    output, heat, frontier, text = plan.render(choice, goal[0][2:], goal[1], 40, "--beyond" in goal, *PRICES)
    command = printed(capsys, "plan", file, "--price", "question=20", "response=1", *goal)
    assert text == f"EXPLORATORY: {choice.why}\n{command}" and output.startswith(f"**{command.splitlines()[0]}**")
    assert "Exploratory: from 36 students of 12 cells." in output and heat.layout.title.text == "exploratory"
    assert all(line in output for line in command.splitlines()[2:5])
    assert {"frontier", "tested", "90 % interval"} <= {trace.name for trace in (*heat.data, *frontier.data)}


@pytest.mark.parametrize(("fitted", "left"), [(("1", "4"), [8]), (("2", "8"), [1])])
def test_the_plan_learns_from_the_fitted_budgets_and_says_so(capsys, tmp_path, fitted, left):
    import data

    file = cells(tmp_path)
    yours = data.read_results(tmp_path, "yours")["two"]
    choice, _ = selection.settle(["yours", *START[1:4], *fitted, "none"], yours)
    output, heat, frontier, text = plan.render(choice, "spend", 6000, 40, False, *PRICES)
    rows = pd.read_parquet(file)
    rows[~rows["budget"].isin(left)].to_parquet(tmp_path / "fitted.parquet")
    command = printed(
        capsys, "plan", tmp_path / "fitted.parquet", "--price", "question=20", "response=1", "--spend", 6000
    )
    assert text == f"EXPLORATORY: {choice.why}\n{command}"
    assert f"from 27 students of 9 cells; not from those of r = {left[0]}, outside the fitted range" in output
    tested = next(trace for trace in heat.data if trace.name == "tested")
    assert left[0] not in tested.y and len(tested.x) == 9
    assert heat.layout.title.text == frontier.layout.title.text == "exploratory"


def test_one_number_of_questions_cannot_be_planned_with_and_says_so(ladder):
    choice, _ = selection.settle(START)
    output, figure, frontier, text = plan.render(choice, "spend", 12000, 60, False, *PRICES)
    assert "These data cannot tell whether more questions or more answers are better" in output
    assert "students on 128 and on 512 questions" in output and frontier is None and text == "" and figure.data
    assert "forecast from r = 1 to 16:" in output and figure.layout.title.text is None
    changed, _ = selection.settle([*START[:5], "8", "32"])
    output, other, *_ = plan.render(changed, "spend", 12000, 60, False, *PRICES)
    assert "forecast from r = 1 to 8 (exploratory):" in output and other.layout.title.text == "exploratory"
    fitted = [ladder[ladder["budget"] <= upto]["budget"].nunique() for upto in (8, 16)]
    assert [len(each.data[-1].x) for each in (other, figure)] == fitted


def test_a_fit_is_made_once_for_the_same_data():
    choice, _ = selection.settle(START)
    assert fitting.fit(choice.ladder, 1, 16) is fitting.fit(selection.settle(START)[0].ladder, 1, 16)
    assert fitting.fit(choice.ladder, 1, 16) is not fitting.fit(choice.ladder, 2, 16)
