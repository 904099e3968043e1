"""Saturation: corpora that run dry or do not, against curves that flatten or do not."""

import numpy as np
import pytest

from tests.reports.simulated import LATE, simulate
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.results import series_of
from toolkit.reports.rules.saturation import decide_saturation
from toolkit.workspace import to_json


def labels(paths: int, questions: int = 60, draws: int = 32):
    """Each question's draws fall on so many equally likely paths; a fifth is rejected."""
    rng = np.random.default_rng(0)
    sample, kept = rng.integers(paths, size=(questions, draws)), rng.random((questions, draws)) < 0.8
    return [[int(p) if k else None for p, k in zip(*row, strict=True)] for row in zip(sample, kept, strict=True)]


def curve(**options):
    (series,) = series_of(*simulate(LATE, items=400, **options))[1]
    return series


FLAT, STEEP = {"kappa": 0.9}, {"kappa": 0.0}  # answers beyond the first are worth next to nothing, or as much as it


@pytest.mark.parametrize(
    ("paths", "options", "verdict"),
    [(3, FLAT, "confirmed"), (10**6, STEEP, "cannot tell"), (10**6, FLAT, "refuted"), (3, STEEP, "refuted")],
)
def test_verdicts(paths, options, verdict):
    decision = decide_saturation("sim", curve(**options), labels(paths), DecisionRules())
    numbers = decision.numbers
    assert decision.verdict == verdict, decision.sentence
    assert (numbers["flat_corpus"] is None) == (paths > 3) and (numbers["flat_curve"] is None) == (options != FLAT)
    to_json(decision)


def test_a_fall_that_may_be_either_side_of_the_limit_tells_nothing():
    noisy = decide_saturation("sim", curve(kappa=0.9, sd=0.03), labels(10**6), DecisionRules())
    last = noisy.numbers["doublings"][-1].fall
    assert last.low < DecisionRules().flat_fall < last.high and noisy.verdict == "cannot tell"
    assert "could have been seen there" in noisy.sentence


def test_the_forecast_reads_only_the_draws_before_the_doubling():
    sample = labels(8)
    cut = [[*row[:4], *["new"] * 4, *row[8:]] for row in sample]
    one, other = (
        decide_saturation("sim", curve(), each, DecisionRules()).numbers["doublings"] for each in (sample, cut)
    )
    assert one[0].budget == 4 and one[0].forecast_share == other[0].forecast_share
    assert one[0].counted_share != other[0].counted_share


def test_counts_are_counts():
    step = decide_saturation("sim", curve(), [["a", "b", "a", None, "c", *[None] * 27]] * 2, DecisionRules()).numbers[
        "doublings"
    ][0]
    assert (step.budget, step.distinct, step.distinct_doubled, step.covered) == (4, 4, 6, 2)
    assert step.counted_share == pytest.approx(1 / 3)


def test_too_few_draws_are_refused():
    with pytest.raises(ValueError, match="16 responses a question"):
        decide_saturation("sim", curve(), labels(3, draws=16), DecisionRules())
