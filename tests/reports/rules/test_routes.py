"""More questions or more answers: verdicts on simulated truths, matched cells, and swaps."""

from dataclasses import replace

import pandas as pd
import pytest

from tests.reports.simulated import GRID, LADDER, SPENT, simulate
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.results import series_of
from toolkit.reports.rules.expansion import decide_expansion
from toolkit.reports.rules.gaps import covering, crossover, gaps_of, matched, widest
from toolkit.reports.rules.mixture import decide_mixture
from toolkit.workspace import to_json


def series(cells, **options):
    return series_of(*simulate(cells, **options))[1]


def test_matched_cells_have_one_total():
    pairs = matched(GRID)
    assert pairs[0] == ((256, 2), (512, 1)) and pairs[-1] == ((256, 32), (1024, 8))
    assert all(few[0] == 256 < many[0] and few[0] * few[1] == many[0] * many[1] for few, many in pairs)
    assert ((512, 2), (1024, 1)) in covering(SPENT) and len(covering(SPENT)) == 7
    assert all(many[1] == 1 for _, many in covering(SPENT))


def test_correlated_answers_lose_at_the_largest_total():
    decision = decide_expansion("sim", series(GRID, kappa=0.02, sd=0.001, items=400), DecisionRules())
    part = decision.numbers["parts"][0]
    assert decision.verdict == "confirmed" and part.equivalent and part.gaps[-1].low > 0
    assert f"more questions win from {part.crossover_total:,} on" in decision.sentence
    assert part.surface.kappa[0] < 0.02 < part.surface.kappa[1]
    assert [plan.question_price for plan in part.surface.plans] == [0, 20]
    to_json(decision)


def test_noise_leaves_it_open_and_says_what_could_have_been_detected():
    decision = decide_expansion("sim", series(GRID, kappa=0.0, sd=0.02), DecisionRules())
    part = decision.numbers["parts"][0]
    assert decision.verdict == "cannot tell"
    assert f"seen at 8,192 is {100 * part.detectable:.1f} points" in decision.sentence
    assert f"total is {100 * part.margin_shown:.1f}" in decision.sentence


def flipped(every):
    """The same students with right and wrong exchanged: whatever won loses."""
    return [replace(each, wrong={key: 1 - wrong for key, wrong in each.wrong.items()}) for each in every]


def test_what_wins_when_flipped_loses():
    every = series(GRID, kappa=0.1, sd=0.002)
    there, back = (
        decide_expansion("sim", every, DecisionRules()),
        decide_expansion("sim", flipped(every), DecisionRules()),
    )
    assert back.verdict == "refuted" and back.numbers["parts"][0].crossover_total is None
    for gap, other in zip(there.numbers["parts"][0].gaps, back.numbers["parts"][0].gaps, strict=True):
        assert (gap.low, gap.high) == pytest.approx((-other.high, -other.low))
    assert decide_mixture("sim", flipped(series(SPENT, kappa=0.3, sd=0.001)), DecisionRules()).verdict == "refuted"


def test_the_other_control_stands_beside():
    decision = decide_expansion("sim", series(GRID, controls=("epochs", "steps"), kappa=0.1, sd=0.002), DecisionRules())
    assert [part.control for part in decision.numbers["parts"]] == ["steps", "epochs"]
    assert decision.verdict == decision.numbers["parts"][0].verdict and "; control epochs: " in decision.sentence
    assert {row[0] for row in decision.rows} == {"steps", "epochs"}


def test_a_growing_gap_is_confirmed_and_a_level_one_is_not():
    grown = decide_mixture("sim", series(SPENT, kappa=0.3, sd=0.001), DecisionRules())
    part = grown.numbers["parts"][0]
    assert grown.verdict == "confirmed"
    assert all(each.above_0 for each in part.holm_lower) and part.slopes["256"].low > 0
    level = decide_mixture("sim", series(SPENT, kappa=0.0, sd=0.01), DecisionRules())
    assert level.verdict == "cannot tell" and "smallest gap that could have been seen" in level.sentence


def test_the_crossover_holds_at_every_larger_total():
    (one,) = series(GRID, kappa=0.1, sd=0.003)
    gaps = gaps_of(one, matched(one.cells))
    total = crossover(gaps, 0.95)
    assert total is not None
    later = [gap.contrast.interval(0.95).low > 0 for gap in widest(gaps) if gap.total >= total]
    before = [gap for gap in widest(gaps) if gap.total < total]
    assert all(later) and (not before or before[-1].contrast.interval(0.95).low <= 0)


def test_a_ladder_of_one_set_has_no_matched_totals():
    with pytest.raises(ValueError, match="no two cells have one total of responses"):
        decide_expansion("sim", series(LADDER), DecisionRules())


def test_one_replicate_cannot_tell():
    decision = decide_mixture("sim", series(SPENT, kappa=0.5, replicates=1), DecisionRules())
    assert decision.verdict == "cannot tell" and "one replicate tells nothing of others" in decision.sentence
    with pytest.raises(ValueError, match=r"shape \(7, 1, 1\)"):
        decide_mixture("sim", series_of(simulate(SPENT, replicates=1)[0], None)[1], DecisionRules())


def test_pairs_are_confirmed_together_and_refuted_apart():
    tables = [simulate(SPENT, kappa=0.3, sd=0.001, pair=pair, seed=at) for at, pair in enumerate(("A>a", "B>a"))]
    every = series_of(*(pd.concat(each) for each in zip(*tables, strict=True)))[1]
    assert decide_mixture("sim", every, DecisionRules()).verdict == "confirmed"
    mixed = decide_mixture("sim", [every[0], *flipped(every[1:])], DecisionRules())
    assert mixed.verdict == "refuted" and mixed.sentence.startswith("A>a, control steps: ")
    assert mixed.header[:2] == ("pair", "control") and {row[0] for row in mixed.rows} == {"A>a", "B>a"}
    assert all(len(row) == len(mixed.header) for row in mixed.rows)
    assert [part.name for part in mixed.numbers["parts"]] == ["A>a, control steps", "B>a, control steps"]
    assert decide_mixture("sim", every[:1], DecisionRules()).header[0] == "control"
