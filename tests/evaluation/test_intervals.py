"""Properties of the intervals, and their coverage on simulated results."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from toolkit.evaluation.intervals import accuracy_interval, paired_difference


def tables(matrix: np.ndarray) -> list[dict[str, float]]:
    return [{f"item-{index}": float(value) for index, value in enumerate(row)} for row in matrix]


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


correct = st.integers(1, 4).flatmap(
    lambda replicates: st.integers(2, 30).flatmap(
        lambda items: st.tuples(*[st.lists(st.booleans(), min_size=items, max_size=items)] * (2 * replicates))
    )
)


@settings(deadline=None)
@given(rows=correct)
def test_difference_is_antisymmetric_and_inside_its_bounds(rows: tuple[list[bool], ...]) -> None:
    half = len(rows) // 2
    first, second = tables(np.array(rows[:half])), tables(np.array(rows[half:]))
    there = paired_difference(first, second, resamples=200)
    back = paired_difference(second, first, resamples=200)
    assert there.estimate == pytest.approx(np.mean(rows[:half]) - np.mean(rows[half:]))
    assert there.estimate == pytest.approx(-back.estimate)
    assert there.high - there.low == pytest.approx(back.high - back.low)
    assert there.low - 1e-9 <= there.estimate <= there.high + 1e-9


@settings(deadline=None)
@given(rows=correct, level=st.sampled_from([0.8, 0.95]))
def test_several_replicates_are_never_narrower_than_student_t(rows: tuple[list[bool], ...], level: float) -> None:
    half = len(rows) // 2
    first, second = np.array(rows[:half], dtype=float), np.array(rows[half:], dtype=float)
    interval = paired_difference(tables(first), tables(second), level, resamples=200)
    if half == 1:
        assert interval.method == "item bootstrap"
        return
    means = (first - second).mean(axis=1)
    width = 2 * stats.t.ppf((1 + level) / 2, half - 1) * means.std(ddof=1) / half**0.5
    assert interval.high - interval.low >= width - 1e-12


def test_equal_results_differ_by_exactly_nothing() -> None:
    table = tables(np.random.default_rng(0).integers(0, 2, (3, 50)))
    interval = paired_difference(table, table)
    assert (interval.estimate, interval.low, interval.high) == (0, 0, 0)


def test_item_order_does_not_matter() -> None:
    generator = np.random.default_rng(0)
    first, second = (tables(generator.integers(0, 2, (2, 40))) for _ in range(2))
    turned = [dict(reversed(table.items())) for table in second]
    assert paired_difference(first, turned) == paired_difference(first, second)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([], [], "0 and 0 replicates"),
        ([{"a": 1.0}], [], "1 and 0 replicates"),
        ([{}], [{}], "1 and 1 replicates"),
        ([{"a": 1.0, "b": 0.0}], [{"a": 1.0}], "replicate 0: item 'b'"),
        ([{"a": 1.0}, {"c": 1.0}], [{"a": 1.0}, {"a": 1.0}], "replicate 1: item 'a'"),
    ],
)
def test_tables_that_do_not_line_up_are_refused(first: list, second: list, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        paired_difference(first, second)


@pytest.mark.parametrize(("replicates", "spread"), [(1, 0.0), (3, 0.05)])
def test_the_interval_covers_the_true_difference(replicates: int, spread: float) -> None:
    """Items of shared difficulty, arms .1 apart, and a replicate effect of the given standard deviation."""
    generator, trials, covered = np.random.default_rng(1), 200, 0
    for _ in range(trials):
        difficulty = generator.beta(2, 2, 150)
        arms = [
            np.clip(difficulty * 0.8 + gain + generator.normal(0, spread, (replicates, 1)), 0, 1) for gain in (0.1, 0.0)
        ]
        first, second = (tables(generator.random((replicates, 150)) < chance) for chance in arms)
        interval = paired_difference(first, second, level=0.9, resamples=300)
        covered += interval.low <= 0.1 <= interval.high
    assert covered / trials > 0.9 - 3 * (0.9 * 0.1 / trials) ** 0.5
