"""Arms on the page: the numbers of `fss compare`, for results that have arms, and nothing of it for others."""

import csv
import io
from itertools import pairwise

import pytest

import arms_figure
import data
import selection
from tests.spaces.arm_results import ARMS, write_arms
from toolkit.cli import main
from views import compare

START = [None] * len(selection.NAMES)
NAMES = ("verdict", "gains", "table", "took", "ranks", "scatter", "beside", "text", "csv", "metric")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_arms(tmp_path_factory.mktemp("results") / "audit")


@pytest.fixture(scope="module")
def choice(folder):
    return selection.settle(["here", *START[1:]], data.read_results(folder, "here")["audit"])[0]


def shown(choice, *knobs):
    """What the ladder shows, whether that part and that of the arms are shown, and what the arms show by name."""
    values = compare.render(choice, "budgets", "distinct", *knobs)
    return values[:5], values[5], values[6], dict(zip(NAMES, values[7:], strict=True))


def test_the_page_says_what_fss_compare_prints(folder, choice, capsys):
    _, _, _, parts = shown(choice, "length_mean", "gain")
    assert main(["compare", str(folder), "--rule", "audit", "--metric", "length_mean"]) == 0
    assert parts["text"].split("\n\n", 1)[1] + "\n" == capsys.readouterr().out
    assert parts["text"].startswith("fss compare FOLDER --rule audit --metric length_mean\n")


def test_the_verdict_the_gains_and_the_ledger_are_shown(choice):
    ladder, of_ladder, of_arms, parts = shown(choice)
    assert (of_ladder, of_arms, ladder) == (False, True, ["", None, "", None, ""])
    assert choice.why == "" and "**Refuted.** The claim: *protocols shift" in parts["verdict"]
    assert (
        "small synthetic experiment" in parts["verdict"]
        and "The smallest gain that could have been" in parts["verdict"]
    )
    assert [len(trace.x) for trace in parts["gains"].data] == [4, 1] and parts["took"].count("| critique |") == 1
    assert (
        "| guided " in parts["table"]
        and "Spearman's rank correlation" in parts["ranks"]
        and "±0&#46;99" in parts["ranks"]
    )


def test_every_arm_is_a_labelled_point_and_the_baseline_is_one(choice):
    figure = shown(choice, "distinct_2", "error")[3]["scatter"]
    names = {"rs", *(f"{arm}, {match}" for arm, (match, *_) in ARMS.items() if match)}
    assert {trace.name for trace in figure.data} == names == {note.text for note in figure.layout.annotations}
    assert len(figure.data) == len(names)
    errors = {trace.name: trace.y[0] for trace in figure.data}
    assert errors["rs"] == pytest.approx(60) and errors["guided, samples"] == pytest.approx(50)
    gains = {trace.name: trace.y[0] for trace in shown(choice, "distinct_2", "gain")[3]["scatter"].data}
    assert gains["rs"] == 0 and gains["guided, samples"] == pytest.approx(10)


def test_the_saved_table_has_every_point(choice):
    rows = list(csv.DictReader(io.StringIO(shown(choice, "distinct_2", "gain")[3]["csv"])))
    assert [row["arm"] for row in rows].count("rs") == 2 and len(rows) == len(ARMS) + 1
    guided = next(row for row in rows if row["arm"] == "guided")
    assert float(guided["gain"]) == pytest.approx(0.1) and float(guided["corpus"]) == pytest.approx(0.512)
    assert guided["result"] == "as declared" and float(guided["gain_low"]) < 0.1 < float(guided["gain_high"])


def test_a_metric_that_is_not_there_gives_the_first(choice):
    assert shown(choice, "nothing", "gain")[3]["metric"]["value"] == "distinct_2"


def test_the_other_views_say_where_the_arms_are(choice):
    with pytest.raises(ValueError, match="the view Compare is about them"):
        choice.law()


def test_results_without_arms_look_as_before():
    ladder, of_ladder, of_arms, parts = shown(selection.settle(START)[0])
    assert (of_ladder, of_arms) == (True, False) and "comparisons the second is better" in ladder[0]
    assert not any(parts[name] for name in NAMES[:-1])


def test_without_a_recorded_rule_it_is_exploratory_and_the_baseline_must_be_known(tmp_path):
    results = write_arms(tmp_path / "audit")
    (results / "decisions" / "audit.json").unlink()
    choice = selection.settle(["here", *START[1:]], data.read_results(results, "here")["audit"])[0]
    assert choice.why == "no rule for these arms is recorded with their results"
    verdict = shown(choice)[3]["verdict"]
    assert "cannot be compared" in verdict and "2 arms are plain rejection sampling" in verdict


def test_an_example_of_arms_does_not_open_the_page(tmp_path, monkeypatch):
    write_arms(tmp_path / "a-first")
    (tmp_path / "math").symlink_to(data.FOLDER / "math")
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    assert list(data._example.__wrapped__()) == ["math", "audit"]


def test_labels_keep_their_distance_and_stay_in_the_figure():
    heights = arms_figure._spread([10.0, 11.0, 12.0, 200.0, 399.0], 400.0)
    gaps = [high - low for low, high in pairwise(heights)]
    assert min(gaps) >= arms_figure.APART - 1e-9 and heights[0] >= 0 and heights[-1] <= 400
    assert heights[3] == pytest.approx(200)
