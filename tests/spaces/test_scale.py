"""Errors or accuracies: one scale for every number of the law and of a forecast."""

import re

import pytest
from scipy.stats import t as student

import selection
from scale import Scale
from views import extrapolate, law

CHOSEN = selection.settle([None] * len(selection.NAMES))[0]
VIEWS = {
    "law": lambda choice: law.render(choice, "r", "log"),
    "far": lambda choice: extrapolate.render(choice, 100, "90"),
}
VIEWS["near"] = lambda choice: extrapolate.render(choice, 48, "50")
PERCENT = re.compile(r"\d+\.\d\d(?= %| to)")


def display(name, accuracy):
    """The view's first words and its figure."""
    return VIEWS[name](CHOSEN._replace(scale=Scale(accuracy)))


@pytest.mark.parametrize("name", VIEWS)
def test_what_is_an_error_on_one_scale_is_its_complement_on_the_other(name):
    errors, accuracies = display(name, False), display(name, True)
    found = [sorted(map(float, PERCENT.findall(words))) for words in (errors[0], accuracies[0])]
    assert found[0] and found[1][::-1] == pytest.approx([100 - each for each in found[0]], abs=0.0101)
    assert "accuracy" in accuracies[0] and "accuracy" not in errors[0]
    assert not re.search(r"\berror\b", accuracies[0])
    assert "accuracy" in accuracies[1].layout.yaxis.title.text and "error" in errors[1].layout.yaxis.title.text
    for one, other in zip(errors[1].data, accuracies[1].data, strict=True):
        assert sum(other.y) / len(other.y) == pytest.approx(100 - sum(one.y) / len(one.y)) or one.fill or not one.name


def test_tables_follow_and_what_stays_an_error_says_so():
    errors, accuracies = display("law", False), display("law", True)
    first = [[cell.strip() for cell in table.splitlines()[2].split("|")[1:-1]] for table in (errors[2], accuracies[2])]
    assert f"| accuracy at r = {CHOSEN.held_out:g} |" in accuracies[2]
    assert float(first[0][1][:-2]) == pytest.approx(100 - float(first[1][1][:-2]), abs=0.0101)
    assert float(first[0][2]) == -float(first[1][2])
    assert "errors as fractions" in accuracies[3] and "ceiling of accuracy" in accuracies[3]
    assert accuracies[4] == errors[4]  # the text of `fss fit`


def test_hover_follows(ladder):
    output = next(trace.hovertemplate for trace in display("law", True)[1].data if trace.name == "fitted budgets")
    right = 100 - 100 * ladder[ladder["budget"] == 1]["error"]
    half = student.ppf(0.95, len(right) - 1) * right.std() / len(right) ** 0.5
    assert output.startswith(f"r = 1: {right.mean():.2f} %<br>students: {len(right)}, ")
    assert f"90 % interval of the mean {right.mean() - half:.2f} to {right.mean() + half:.2f}<" in output
