"""Arms against plain rejection sampling: verdicts on simulated truths, refusals, what may not matter."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reports.simulated_arms import BASE, EQUAL, arms, corpora, simulate_arms
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.arms import ComparedArm, arms_of
from toolkit.reports.corpora import CorpusKey, CorpusValue, counted, untested
from toolkit.reports.results import Series
from toolkit.reports.rules.audit import decide_audit
from toolkit.reports.rules.synthesis import decide_synthesis
from toolkit.reports.rules.verdict import NoAnswer
from toolkit.statistics.correlation import smallest_visible_correlation
from toolkit.workspace import canonical, to_json

RULES = DecisionRules()
BETTER = {**EQUAL, "evol": 0.06}
SIX = {f"p{at}": 0.0 for at in range(6)}


def synthesis(gains, values=(), **options):
    return decide_synthesis("sim", arms(gains, **options), list(values), RULES)


def test_equal_arms_are_confirmed():
    decision = synthesis(EQUAL)
    gains = decision.numbers["gains"]
    assert decision.verdict == "confirmed" and "every gain is below 3.0 points (one-sided, 95 %)" in decision.sentence
    assert all(gain.below and gain.inside and not gain.ahead and gain.high < 0.03 for gain in gains)
    assert [gain.estimate for gain in gains] == sorted((gain.estimate for gain in gains), reverse=True)
    to_json(decision)


def test_an_arm_that_is_better_refutes():
    decision = synthesis(BETTER)
    best, *others = decision.numbers["gains"]
    assert decision.verdict == "refuted" and decision.sentence.endswith("evol is better for sure (Holm).")
    assert best.arm == "evol" and best.low < 0.06 < best.high and 0 < best.holm < best.low
    assert not any(gain.ahead for gain in others)


def test_an_arm_that_is_worse_does_not_beat_the_baseline():
    decision = synthesis({"evol": -0.06, "persona": 0.0})
    assert decision.verdict == "confirmed" and decision.numbers["gains"][-1].high < 0
    assert not decision.numbers["gains"][-1].inside


def test_too_few_items_cannot_tell_and_say_what_could_have_been_seen():
    decision = synthesis({"evol": 0.0, "persona": 0.0}, items=80, sd=0.01)
    assert decision.verdict == "cannot tell"
    least, margin = (100 * decision.numbers[name] for name in ("detectable", "margin_shown"))
    assert (
        f"could have been seen is {least:.1f} points, the smallest margin that could have been shown {margin:.1f}."
        in (decision.sentence)
    )
    assert least > 3 and margin > 3


def test_few_replicates_are_told_and_may_see_nothing():
    decision = synthesis(EQUAL, items=80, replicates=2)
    assert "not even an arm without errors would have been seen" in decision.sentence
    assert any("With 2 replicates the intervals are wide; 5 are advised" in note for note in decision.notes)
    assert not any("advised" in note for note in synthesis({"evol": 0.0}, items=80).notes)


def test_a_small_gain_for_sure_is_within_the_margin():
    """Both bounds speak: the arm is better, and by less than what counts."""
    decision = synthesis({"evol": 0.015}, sd=0.0005, items=20000)
    (gain,) = decision.numbers["gains"]
    assert gain.ahead and gain.below and decision.verdict == "confirmed"
    assert decision.sentence.endswith("(one-sided, 95 %), though evol is better for sure (Holm).")


def two_matches(samples: float, tokens: float) -> list[ComparedArm]:
    """One arm with these gains at matched samples and at matched tokens."""
    parts = [
        simulate_arms({"evol": gain, "orca": 0.0}, matches=(match,))
        for match, gain in {"samples": samples, "tokens": tokens}.items()
    ]
    return arms_of(*(pd.concat(each, ignore_index=True) for each in zip(*parts, strict=True)))[1]


@pytest.mark.parametrize(
    ("samples", "tokens", "verdict"),
    [(0.06, 0.06, "refuted"), (0.06, 0.0, "cannot tell"), (0.0, 0.06, "cannot tell"), (0.0, 0.0, "confirmed")],
)
def test_the_verdict_needs_samples_and_tokens(samples: float, tokens: float, verdict: str):
    decision = decide_synthesis("sim", two_matches(samples, tokens), [], RULES)
    assert decision.verdict == verdict
    assert decision.sentence.startswith("At matched samples ") and "; at matched tokens " in decision.sentence
    assert [row[2] for row in decision.rows] == ["samples"] * 3 + ["tokens"] * 3
    assert ("in every way of matching" in decision.sentence) == (verdict == "cannot tell")


def test_a_baseline_without_a_match_serves_every_match():
    every = two_matches(0.0, 0.0)
    shared = replace(next(arm for arm in every if arm.name == BASE), match="responses")
    decision = decide_synthesis("sim", [shared, *(arm for arm in every if arm.name != BASE)], [], RULES)
    assert decision.verdict == "confirmed" and len(decision.rows) == 6


def test_an_arm_is_compared_only_as_it_was_matched():
    every = two_matches(0.0, 0.0)
    matched = {(BASE, "samples"): "responses", ("evol", "tokens"): "tokens", ("orca", "samples"): "samples"}
    own = [replace(a, match=matched[a.name, a.match]) for a in every if (a.name, a.match) in matched]
    decision = decide_synthesis("sim", own, [], RULES)
    assert [(row[0], row[2]) for row in decision.rows] == [
        (BASE, "samples"), ("orca", "samples"), (BASE, "tokens"), ("evol", "tokens"),
    ]  # fmt: skip


def test_several_pairs_and_budgets_are_labelled_and_one_family():
    decision = synthesis({"evol": 0.0}, pairs=("A>a", "B>a"), budgets=(4, 8), items=300, replicates=3)
    labels = [gain.label for gain in decision.numbers["gains"]]
    assert labels == [f"evol ({pair}, q256-r{budget})" for pair in ("A>a", "B>a") for budget in (4, 8)]
    assert [row[0] for row in decision.rows][:2] == ["rs (A>a, q256-r4)", "evol (A>a, q256-r4)"]
    alone = synthesis({"evol": 0.0}, pairs=("A>a",), budgets=(4,), items=300, replicates=3)
    assert alone.numbers["gains"][0].label == "evol"


def test_costs_stand_in_the_table_and_unequal_ones_in_a_note():
    values = corpora(
        {"evol": {}}, match="samples", ledger={"samples": 2000, "prompt_tokens": 1, "completion_tokens": 4}
    )
    dear = CorpusKey("sim", "persona", "persona", "samples", 8, 0)
    values += counted(dear, {"samples": 2200, "prompt_tokens": 10, "completion_tokens": 30, "accepted rows": 1234})
    values.append(untested(CorpusKey("sim", "mammoth2", "mammoth2")))
    decision = synthesis({"evol": 0.0, "persona": 0.0}, values, matches=("samples",), items=300)
    rows = {row[0]: row for row in decision.rows}
    assert rows["evol"][3:6] == ["2,000", "5", "-"] and rows["persona"][3:6] == ["2,200", "40", "1,234"]
    assert rows["mammoth2"] == ["mammoth2", "mammoth2", "not testable at nano", *["-"] * 6]
    assert "At matched samples the arms' samples differ by up to 10 %." in decision.notes


def errors_only(every: list[ComparedArm]) -> list[ComparedArm]:
    def plain(series: Series) -> Series:
        return replace(series, wrong={key: wrong.mean(keepdims=True) for key, wrong in series.wrong.items()})

    return [replace(arm, series=[plain(series) for series in arm.series]) for arm in every]


def test_without_items_intervals_hold_replicates_only():
    decision = decide_synthesis("sim", errors_only(arms(BETTER)), [], RULES)
    assert decision.verdict == "refuted" and any("Intervals hold replicates only" in note for note in decision.notes)


SMALL = arms(BETTER, items=200, replicates=3)


@settings(max_examples=20)
@given(order=st.permutations(range(len(SMALL))))
def test_the_order_of_arms_changes_nothing(order: list[int]):
    shuffled = decide_synthesis("sim", [SMALL[at] for at in order], [], RULES)
    assert canonical(shuffled) == canonical(decide_synthesis("sim", SMALL, [], RULES))


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(seed: int):
    tables = simulate_arms({"a": 0.02, "b": 0.0}, items=40, replicates=3)
    mixed = [table.sample(frac=1, random_state=seed) for table in tables]
    found, expected = (decide_synthesis("sim", arms_of(*each)[1], [], RULES) for each in (mixed, tables))
    assert canonical(found) == canonical(expected)


@pytest.mark.parametrize("rule", [decide_synthesis, decide_audit])
@pytest.mark.parametrize(
    ("every", "values", "baseline", "message"),
    [
        (SMALL, [], "base", "no arm with students is called 'base', the baseline; there are augment, evol"),
        ([], [], None, "the results hold no arms"),
        ([a for a in SMALL if a.name != BASE], [], None, "is plain rejection sampling, the baseline: train one"),
        ([replace(a, protocol="rejection_sampling") for a in SMALL], [], None, "5 arms are plain rejection sampling"),
        ([a for a in SMALL if a.name == BASE], [], None, "no arm beside the baseline rs: compare two arms"),
        (SMALL, corpora({"orca": {}}), None, "arm orca has a corpus but no students: train them, or mark it"),
        (arms({"a": 0.0}, items=20, replicates=1), [], None, r"share 1 replicate\(s\)"),
        (
            arms({"a": 0.0}, items=20, control="epochs"),
            [],
            None,
            "trained with control epochs, not steps, so arms would",
        ),
        (
            [*arms({"a": 0.0}, items=20), *(a for a in arms({"b": 0.0}, items=20, budgets=(4,)) if a.name == "b")],
            [],
            None,
            "arm a has no students of nano>nano at q256-r4|arm rs has no students of nano>nano at q256-r4",
        ),
        (
            arms({"a": 0.0}, items=20),
            [
                value
                for arm, steps in ((BASE, 100), ("a", 120))
                for value in counted(CorpusKey("sim", arm, arm, None, 8, 0), {"steps": steps})
            ],
            None,
            r"students differ in their optimiser steps \(rs 100, a 120\): train all arms for the same steps",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(rule, every, values, baseline, message):
    with pytest.raises(NoAnswer, match=message):
        rule("sim", every, values, RULES, baseline=baseline)


def test_another_control_counts_where_the_rules_say_so():
    every = arms({"a": 0.0}, items=50, control="epochs")
    assert decide_synthesis("sim", every, [], DecisionRules(control="epochs")).numbers["control"] == "epochs"


def test_a_named_baseline_need_not_be_plain():
    decision = decide_synthesis("sim", SMALL, [], RULES, baseline="evol")
    assert decision.numbers["baseline"] == "evol" and {g.arm for g in decision.numbers["gains"]} >= {BASE, "persona"}


def audit(gains, shifts, **options):
    return decide_audit("sim", arms(gains, **options), corpora(shifts), RULES)


def test_a_shift_without_transfer_is_decoupled():
    decision = audit({**SIX, "p5": -0.1}, {name: {"distinct_2": 8.0 * at} for at, name in enumerate(SIX)})
    found = {shift.arm: shift for shift in decision.numbers["shifts"]}
    assert not found["p0"].shifted and found["p1"].shift == pytest.approx(8, abs=4)
    assert found["p1"].decoupled and found["p4"].decoupled and found["p5"].shifted and not found["p5"].decoupled
    assert "distinct_2 of p4 +" in decision.sentence and "5 of 6 intrinsic shifts" in decision.sentence
    assert decision.numbers["shift_sd"] == 2 and decision.verdict == "confirmed"


def test_shifts_are_in_sd_over_corpus_draws_pooled_over_arms():
    values = [
        CorpusValue(CorpusKey("sim", arm, arm, None, 8, draw), "m", value)
        for arm, draws in ((BASE, (1.0, 3.0)), ("a", (6.0, 8.0)))
        for draw, value in enumerate(draws)
    ]
    (shift,) = decide_audit("sim", arms({"a": 0.0}, items=50, replicates=2), values, RULES).numbers["shifts"]
    assert (shift.baseline, shift.value, shift.sd) == (2, 7, pytest.approx(2**0.5))
    assert shift.shift == pytest.approx(5 / 2**0.5) and shift.shifted


def test_a_metric_that_follows_the_gain_has_rank_correlation_1():
    gains = {f"p{at}": 0.04 * at for at in range(5)}
    decision = audit(gains, {name: {"same": 20.0 * at, "turned": -20.0 * at} for at, name in enumerate(gains)})
    ranks = {order.metric: order.correlation for order in decision.numbers["orders"]}
    assert (ranks["same"].estimate, ranks["turned"].estimate) == pytest.approx((1, -1))
    assert ranks["same"].n == 5 and ranks["same"].low > 0.5


@pytest.mark.parametrize(("count", "least"), [(6, 0.92), (8, 0.85), (10, 0.79), (12, 0.73), (14, 0.69)])
def test_the_published_limits_of_so_many_protocols_are_told(count: int, least: float):
    gains = {f"p{at}": 0.0 for at in range(count)}
    decision = audit(gains, {name: {"m": float(at)} for at, name in enumerate(gains)}, items=60, replicates=3)
    assert smallest_visible_correlation(count) == pytest.approx(least, abs=0.005)
    assert f"only a correlation of {least} or more would show over {count} protocols" in decision.sentence


def test_three_protocols_are_too_few_to_correlate():
    decision = audit({"a": 0.0, "b": 0.0, "c": 0.0}, {name: {"m": 1.0} for name in "abc"}, items=60)
    assert "3 protocols are too few to correlate" in decision.sentence and not decision.numbers["orders"]


def test_what_the_baseline_lacks_or_what_does_not_vary_has_no_shift():
    values = corpora({name: {"m": 1.0} for name in SIX})
    values += [replace(v, metric="label_share") for v in values if v.metric == "m" and v.corpus.arm != BASE]
    values += [replace(v, metric="coverage", value=1.0) for v in values if v.metric == "m"]
    decision = decide_audit("sim", arms(SIX, items=60), values, RULES)
    assert {shift.metric for shift in decision.numbers["shifts"]} == {"m"}
    assert any(note.endswith("or more: coverage, label_share.") for note in decision.notes)


def test_an_audit_without_metrics_is_refused():
    with pytest.raises(NoAnswer, match=r"no metric of any is known: give their corpora\.parquet"):
        decide_audit("sim", SMALL, corpora({name: {} for name in EQUAL}), RULES)


@pytest.mark.slow
@pytest.mark.parametrize("gain", [0.0, 0.1])
def test_the_family_seldom_finds_what_is_not_there(gain: float):
    """Four arms equal to the baseline, beside one that may be better: any of the four is found in 5 % at most."""
    names = [f"p{at}" for at in range(4)]
    false = []
    for seed in range(300):
        every = arms({**dict.fromkeys(names, 0.0), "good": gain}, items=200, replicates=4, sd=0.02, seed=seed)
        gains = decide_synthesis("sim", every, [], RULES).numbers["gains"]
        false.append(any(found.ahead for found in gains if found.arm in names))
    assert np.mean(false) < 0.08


@pytest.mark.slow
def test_what_is_confirmed_seldom_beats_the_margin():
    """One arm better by exactly the margin is shown to lie below it in 5 % at most."""
    verdicts = [
        synthesis({"p": RULES.margin}, items=400, replicates=4, sd=0.01, seed=seed).verdict for seed in range(300)
    ]
    assert np.mean([verdict == "confirmed" for verdict in verdicts]) < 0.08
