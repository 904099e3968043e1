"""Equivalence, Holm's bounds and growth: what they must never do, and their error rates on simulated results."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.statistics.families import bonferroni, equivalent, holm_bounds, holm_claims, per_doubling
from toolkit.statistics.intervals import contrasts


def family(seed: int, gaps: list[float], replicates: int = 4, sd: float = 0.02):
    noise = np.random.default_rng(seed).normal(0, sd, (len(gaps), replicates, 1))
    return contrasts(noise + np.array(gaps)[:, None, None], resamples=500)


@given(seed=st.integers(0, 10**6), gap=st.floats(-0.1, 0.1), margin=st.floats(0.001, 0.2))
def test_equivalence_is_the_narrower_interval_within_the_margin(seed: int, gap: float, margin: float) -> None:
    (contrast,) = family(seed, [gap])
    same, interval = equivalent(contrast, margin)
    assert same == (-margin < interval.low and interval.high < margin)
    assert interval == contrast.interval(0.9)
    assert not same or equivalent(contrast, 2 * margin)[0]


def test_no_evidence_is_no_equivalence() -> None:
    (noisy,) = family(0, [0.0], replicates=2, sd=0.1)
    assert not equivalent(noisy, 0.03)[0]


@given(seed=st.integers(0, 10**6), gaps=st.lists(st.floats(-0.1, 0.2), min_size=1, max_size=6))
def test_holm_lies_between_bonferroni_and_no_correction(seed: int, gaps: list[float]) -> None:
    output = family(seed, gaps)
    found = holm_bounds(output, 0.05)
    for contrast, (low, holds) in zip(output, found, strict=True):
        strict = contrast.interval(bonferroni(0.9, len(gaps))).low
        assert strict - 1e-12 <= low <= contrast.interval(0.9).low + 1e-12
        assert not holds or low > 0
    turned = holm_bounds([-each for each in output], 0.05)
    assert not any(above and below for (_, above), (_, below) in zip(found, turned, strict=True))


def test_holm_stops_at_the_first_failure() -> None:
    # The second bound alone would hold at its own tail; the order of evidence decides.
    strong, weak, none = family(3, [0.3, 0.001, -0.05], sd=0.01)
    assert [holds for _, holds in holm_bounds([none, strong, weak])] == [False, True, False]


def test_a_claim_of_several_contrasts_is_as_strong_as_its_weakest() -> None:
    strong, weak, none = family(3, [0.3, 0.2, -0.05], sd=0.01)
    (lows, holds), (others, fails) = holm_claims([[strong, weak], [strong, none]])
    assert holds and not fails and len(lows) == len(others) == 2
    assert lows == [contrast.interval(1 - 2 * 0.05 / 2).low for contrast in (strong, weak)]
    assert others == [contrast.interval(1 - 2 * 0.05).low for contrast in (strong, none)]


@given(seed=st.integers(0, 10**6), gaps=st.lists(st.floats(-0.1, 0.2), min_size=1, max_size=5))
def test_claims_of_one_contrast_are_a_family(seed: int, gaps: list[float]) -> None:
    output = family(seed, gaps)
    assert holm_bounds(output) == [(low, holds) for (low,), holds in holm_claims([[each] for each in output])]


def test_holm_seldom_finds_what_is_not_there() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.02, (400, 5, 4, 1))
    false = [any(holds for _, holds in holm_bounds(contrasts(trial, resamples=200, seed=7))) for trial in noise]
    assert 0.005 < np.mean(false) < 0.085  # 5 % nominal, 400 families of five


def test_bonferroni_splits_what_may_fail() -> None:
    assert bonferroni(0.9, 4) == pytest.approx(0.975) and bonferroni(0.9, 1) == pytest.approx(0.9)


@given(
    slope=st.floats(-0.1, 0.1), level=st.floats(-0.2, 0.2), steps=st.lists(st.integers(0, 8), min_size=2, unique=True)
)
def test_a_line_in_log2_has_its_slope(slope: float, level: float, steps: list[int]) -> None:
    gaps = np.array([np.full((3, 5), level + slope * step) for step in steps])
    assert per_doubling(gaps, [256 * 2**step for step in steps]) == pytest.approx(np.full((3, 5), slope), abs=1e-9)


def test_one_total_has_no_slope() -> None:
    with pytest.raises(ValueError, match=r"1 total\(s\) has no slope"):
        per_doubling(np.zeros((2, 3, 4)), [512, 512])
