"""Paired comparisons on the page: the real example with its items, and made-up results with two axes and two arms."""

import json

import pandas as pd
import pytest

import comparing
import data
import selection
import table
import yours
from toolkit.doors import OLDER
from toolkit.statistics.intervals import contrasts
from views import compare

START = [None] * len(selection.NAMES)
ERRORS = {("FSS", 64): 0.9, ("SE", 128): 0.8, ("other", 64): 0.85}


@pytest.fixture
def example():
    return selection.settle(START)[0]


@pytest.fixture
def result():
    """Arms FSS (64 questions), SE (128) and another protocol; each doubling wins 10 points, seeds differ by 1."""
    rows = [
        {"arm": arm, "questions": float(m), "budget": float(r), "train_seed": float(seed),
         "error": start - 0.1 * step + 0.01 * seed + 0.001 * step * seed}
        for (arm, m), start in ERRORS.items() for step, r in enumerate((1, 2, 4, 8)) for seed in (0, 1, 2)
    ]  # fmt: skip
    shared = {"experiment": "two", "pair": "a>b", "counting": "sampled", "control": "steps", "n": 100}
    curves = pd.DataFrame([shared | OLDER | row for row in rows])
    experiment = data.Experiment("two", "yours", curves)
    return selection.settle(["yours", None, None, "FSS, 64 questions, matched steps", *START[4:]], experiment)[0]


def test_the_example_pairs_seeds_and_items(example, ladder):
    first = comparing.doublings(example)[0]
    items = pd.read_parquet(example.experiment.items)
    wrong = [
        1 - rows.pivot(index="train_seed", columns="item_id", values="correct").to_numpy()
        for rows in (items[items["budget"] == r] for r in (1, 2))
    ]
    assert first.contrast.items == ladder["n"].iloc[0] and first.contrast.replicates == ladder["train_seed"].nunique()
    assert first.errors == pytest.approx([wrong[0].mean(), wrong[1].mean()], abs=1e-12)
    alone = contrasts([wrong[0] - wrong[1]])[0].interval(0.9)
    assert first.interval.estimate == pytest.approx(alone.estimate) and first.interval.low == pytest.approx(alone.low)


def test_errors_of_items_are_those_of_the_curves(example):
    curves = example.experiment.students.groupby("budget")["error"].mean()
    for each in comparing.doublings(example):
        assert each.errors[0] == pytest.approx(curves[float(each.first.removeprefix("r = "))], abs=1e-12)


def test_the_page_tells_what_doubling_brought(example, ladder):
    output, figure, table, *_ = compare.render(example, "budgets", "distinct")
    mean = ladder.groupby("budget")["error"].mean()
    doubled = [budget for budget in mean.index if 2 * budget in mean.index]
    better = sum(each.interval.low > 0 for each in comparing.doublings(example))
    assert 0 < better < len(doubled)
    assert f"Of {len(doubled)} comparisons the second is better in {better}" in output
    assert f"{ladder['train_seed'].nunique()} seeds and {ladder['n'].iloc[0]:,} test items" in output
    assert [*figure.data[0].y] == pytest.approx([100 * (mean[r] - mean[2 * r]) for r in doubled])
    assert f"| {100 * mean[1]:.2f} % |" in table and f"{100 * (mean[1] - mean[2]):+.2f}" in table


def test_the_page_tells_what_the_corpus_holds(example, ladder, curves):
    output = json.loads((curves.parent / "statistics.json").read_text())["statistics"]
    _, _, _, intrinsic, counts, *_ = compare.render(example, "budgets", "distinct")
    rungs = sorted(int(budget) for budget in ladder["budget"].unique())
    assert list(intrinsic.data[0].x) == [output[f"r{r}"]["distinct"] for r in rungs]
    assert list(intrinsic.data[0].hovertext) == [f"r = {r}" for r in rungs]
    assert [name for name in intrinsic.data[0].text if name] == ["r = 2", "r = 4", "r = 8", "r = 16", "r = 64"]
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in counts.splitlines()[2:]]
    assert rows == [[f"r = {r}", *(f"{output[f'r{r}'][name]:,}" for name in ("sampled", "distinct"))] for r in rungs]
    covered = compare.render(example, "budgets", "covered")[3]
    assert list(covered.data[0].x) == [output[f"r{r}"]["covered"] for r in rungs]


def test_what_is_not_there_is_said(example):
    for kind, words in (("questions", "no two cells have one total"), ("arms", "FSS is the only arm")):
        output, figure, table, *_ = compare.render(example, kind, "distinct")
        assert words in output and figure is None and table == ""


def test_more_questions_at_equal_totals(result):
    pairs = comparing.more_questions(result)
    assert pairs[0][:3] == ("64 × 2", "128 × 1", 128)
    assert [each.interval.estimate for each in pairs] == pytest.approx([0.001] * 3, abs=1e-9)
    assert "answers to single items are not available" in compare.render(result, "questions", "distinct")[0]


def test_another_arm_in_the_same_cells(result):
    pairs = comparing.other_arms(result)
    assert [each.second for each in pairs] == [f"other, r = {r}" for r in (1, 2, 4, 8)]
    assert [each.interval.estimate for each in pairs] == pytest.approx([0.05] * 4, abs=1e-9)


def test_all_at_once_is_wider(example):
    pairs = comparing.doublings(example)
    for each, wide in zip(pairs, comparing.together(pairs), strict=True):
        assert wide.low < each.interval.low < each.interval.high < wide.high


def display(text):
    read = table.read(text)
    mine = yours.experiment(read, yours.guess(read)._replace(unit="fraction", control="nan", counting="nan"))
    return compare.render(selection.settle([mine.origin, *START[1:]], mine)[0], "budgets", "distinct")[:5]


def test_a_table_without_questions_compares_budgets():
    rows = [f"{2**i},{0.9 - 0.1 * i + 0.01 * s},{s}\n" for i in range(5) for s in (0, 1)]
    output, _, _, intrinsic, counts = display("r,error,seed\n" + "".join(rows))
    assert "Of 4 comparisons the second is better in 4" in output
    assert intrinsic is None and "the card of the release has the counts" in counts


def test_one_seed_without_items_has_no_spread_to_compare_with():
    output = display("r,error\n" + "".join(f"{2**i},{0.9 - 0.1 * i}\n" for i in range(5)))[0]
    assert "Nothing to compare" in output and "without either there is no spread" in output
