"""Properties of the intervals, and their coverage on simulated results."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from toolkit.statistics.intervals import accuracy_interval, contrasts


@given(n=st.integers(1, 3000), share=st.floats(0, 1), level=st.floats(0.5, 0.99))
def test_wilson_holds_the_estimate_and_mirrors(n: int, share: float, level: float) -> None:
    right = round(share * n)
    interval, mirrored = accuracy_interval(right, n, level), accuracy_interval(n - right, n, level)
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 1
    assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-9)


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_narrows_with_more_items(n: int, share: float) -> None:
    right = round(share * n)
    few, many = accuracy_interval(right, n), accuracy_interval(4 * right, 4 * n)
    assert many.high - many.low < few.high - few.low


def test_wilson_matches_a_published_value() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263.
    interval = accuracy_interval(81, 263)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize(("right", "n"), [(-1, 10), (11, 10), (0, 0)])
def test_wilson_refuses_impossible_counts(right: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"{right} right of {n}"):
        accuracy_interval(right, n)


@st.composite
def differences(draw: st.DrawFn) -> np.ndarray:
    """(replicates, items) of differences of answers."""
    shape = draw(st.integers(1, 5)), draw(st.integers(2, 40))
    return np.random.default_rng(draw(st.integers(0, 10**6))).integers(-1, 2, shape).astype(float)


@given(matrix=differences(), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_arms_that_change_places_change_the_sign(matrix: np.ndarray, level: float) -> None:
    there, back = contrasts([matrix, -matrix], resamples=300)
    one, other = there.interval(level), back.interval(level)
    assert one.estimate == pytest.approx(matrix.mean()) == pytest.approx(-other.estimate)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)
    turned = (-there).interval(level)
    assert (turned.low, turned.high) == pytest.approx((other.low, other.high), abs=1e-9)
    assert one.low - 1e-9 <= one.high


@given(matrix=differences(), level=st.sampled_from([0.8, 0.95]))
def test_neither_method_reaches_further_and_the_wider_is_named(matrix: np.ndarray, level: float) -> None:
    (contrast,) = contrasts([matrix], resamples=300)
    interval, means = contrast.interval(level), matrix.mean(axis=1)
    bounds = [tuple(np.quantile(contrast.draws, [(1 - level) / 2, (1 + level) / 2]))]
    if len(means) > 1:
        half = stats.t.ppf((1 + level) / 2, len(means) - 1) * means.std(ddof=1) / len(means) ** 0.5
        bounds.append((means.mean() - half, means.mean() + half))
    lows, highs = zip(*bounds, strict=True)
    assert (interval.low, interval.high) == pytest.approx((min(lows), max(highs)), abs=1e-12)
    widths = np.subtract(highs, lows)
    if abs(widths[-1] - widths[0]) > 1e-9:
        assert interval.method.startswith("t over") == (widths[-1] > widths[0])


@given(matrix=differences(), shift=st.floats(-0.5, 0.5), scale=st.floats(0.1, 4))
def test_shift_and_scale_carry_over(matrix: np.ndarray, shift: float, scale: float) -> None:
    plain, moved = contrasts([matrix, scale * matrix + shift], resamples=200)
    one, other = plain.interval(), moved.interval()
    assert (other.low, other.high) == pytest.approx((scale * one.low + shift, scale * one.high + shift), abs=1e-9)
    assert moved.detectable() == pytest.approx(scale * plain.detectable(), abs=1e-9)


@given(matrix=differences())
@example(matrix=np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0], [1.0, -1.0]]))  # draws and t on two sides of 0
def test_a_lower_level_and_a_smaller_chance_agree_with_the_bound(matrix: np.ndarray) -> None:
    (contrast,) = contrasts([matrix], resamples=300)
    assert 0 < contrast.chance() <= 1
    assert contrast.interval(0.8).low >= contrast.interval(0.95).low - 1e-12
    if contrast.interval(0.9).low > 0:
        assert contrast.chance() <= 0.05 + 2 / 300
    assert (-contrast).chance() + contrast.chance() >= 0.99


def test_equal_results_differ_by_exactly_nothing() -> None:
    interval = contrasts(np.zeros((1, 3, 50)))[0].interval()
    assert (interval.estimate, interval.low, interval.high) == (0, 0, 0)


def test_contrasts_together_are_those_apart() -> None:
    matrices = np.random.default_rng(0).integers(-1, 2, (3, 4, 60)).astype(float)
    together = [each.interval() for each in contrasts(matrices)]
    assert together == [contrasts(matrices[at : at + 1])[0].interval() for at in range(3)]


@pytest.mark.parametrize(
    ("matrices", "messages"),
    [
        ([], r"shape \(0,\)"),
        ([[[0.5]]], r"shape \(1, 1, 1\)"),
        (np.zeros((1, 0, 3)), r"shape \(1, 0, 3\)"),
        ([[[np.nan, 0.0]]], "missing or infinite"),
    ],
)
def test_what_cannot_be_compared_is_refused(matrices: list, messages: str) -> None:
    with pytest.raises(ValueError, match=messages):
        contrasts(matrices)


def simulated(rng: np.random.Generator, trials: int, replicates: int, items: int, spread: float, gap: float):
    """(trials, replicates, items) differences: items of shared difficulty, a gap that varies over them, and an effect
    of `spread` (sd) of every replicate on either arm."""
    hard = rng.uniform(0.35, 0.65, (trials, 1, items))
    other = hard - gap + rng.uniform(-0.15, 0.15, (trials, 1, items))
    arms = [each + rng.normal(0, spread, (trials, replicates, 1)) for each in (hard, other)]
    first, second = (rng.random((trials, replicates, items)) < np.clip(arm, 0, 1) for arm in arms)
    return first.astype(float) - second


def coverage(trials: int, replicates: int, items: int, spread: float, level: float = 0.95) -> float:
    rng, content = np.random.default_rng(replicates + items), []
    for start in range(0, trials, 200):
        output = contrasts(simulated(rng, 200, replicates, items, spread, 0.1), resamples=600, seed=start)
        content += [interval.low <= 0.1 <= interval.high for interval in (each.interval(level) for each in output)]
    return float(np.mean(content))


@pytest.mark.parametrize(("replicates", "items", "spread"), [(1, 150, 0.0), (3, 150, 0.04), (4, 300, 0.03)])
def test_the_interval_covers_the_true_difference(replicates: int, items: int, spread: float) -> None:
    assert 0.92 < coverage(400, replicates, items, spread) <= 0.998


def test_one_replicate_says_nothing_of_others() -> None:
    assert coverage(200, 1, 1000, 0.04) < 0.75  # items alone: why replicates are asked for


@pytest.mark.slow
@pytest.mark.parametrize("replicates", [2, 3, 4, 8])
@pytest.mark.parametrize(("items", "spread"), [(300, 0.0), (1000, 0.015), (1000, 0.04), (2000, 0.03)])
def test_coverage_is_nominal_or_above(replicates: int, items: int, spread: float) -> None:
    assert coverage(2000, replicates, items, spread) >= 0.95 - 3 * (0.95 * 0.05 / 2000) ** 0.5


def test_the_smallest_detectable_gap_is_detected_as_often_as_promised() -> None:
    rng, output = np.random.default_rng(0), []
    for replicates in (3, 4, 6):
        noise = rng.normal(0, 0.02, (500, replicates, 1))
        spread = float(np.mean([each.detectable() / stats.sem(each.means) for each in contrasts(noise[:20], 200)]))
        gap = spread * 0.02 / replicates**0.5
        output.append(np.mean([each.interval().low > 0 for each in contrasts(noise + gap, 200)]))
    assert output == pytest.approx([0.8] * 3, abs=0.06)
