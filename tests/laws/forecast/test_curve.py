"""Forecasts along one axis: invariants, what is refused, how intervals grow, and this project's own ladders."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toolkit
from toolkit import forecast
from toolkit.laws.curve.data import NoCurve
from toolkit.laws.forecast.averaged import ASSUMES, what_carried
from toolkit.laws.forecast.family import KINDS

EXAMPLES = Path(toolkit.__file__).resolve().parents[1] / "spaces" / "law" / "example"
X = np.array([1.0, 2, 4, 8, 16])
FAR = [32.0, 64.0, 128.0]


def ladder(seeds=4, sd=0.004, x=X, seed=0):
    """A rectified law with noise: rows of budgets and errors."""
    budgets = np.repeat(x, seeds)
    noise = np.random.default_rng(seed).normal(0, sd, budgets.size)
    return budgets, 0.3 + 0.45 / (1.5 + budgets**0.6) + noise


def width(ahead, **options):
    return np.diff(ahead.interval(**options), axis=0)[0]


def test_shapes_of_what_comes_back():
    ahead = forecast(*ladder(), FAR, draws=500)
    assert ahead.curve.shape == ahead.row_sd.shape == (500, 3) and ahead.floor.shape == ahead.half.shape == (500,)
    assert ahead.mean.shape == (3,) and ahead.interval().shape == (2, 3) and ahead.questions is ahead.kappa is None
    assert sum(ahead.weights.values()) == pytest.approx(1) and sum(ahead.kinds.values()) == pytest.approx(1)
    assert list(ahead.weights) == ["rectified", "Lomax", "free"] and list(ahead.kinds) == list(KINDS)
    assert ahead.budgets.tolist() == FAR and ahead.rungs.x.tolist() == X.tolist()
    assert np.all((ahead.curve >= 0) & (ahead.curve <= 1))


def test_the_truth_lies_inside_and_new_rows_scatter_more():
    ahead = forecast(*ladder(), FAR)
    truth = 0.3 + 0.45 / (1.5 + np.array(FAR) ** 0.6)
    low, high = ahead.interval()
    assert np.all((low < truth) & (truth < high))
    assert np.all(width(ahead, rows=1) > width(ahead, rows=4)) and np.all(width(ahead, rows=4) > width(ahead) * 0.99)
    assert np.all(width(ahead, level=0.5) < width(ahead))
    low, high = ahead.floor_interval()
    assert 0 <= low < 0.3 < high


def test_distance_widens():
    assert np.all(np.diff(width(forecast(*ladder(), FAR))) > 0)


def test_more_replicates_narrow():
    few, many = (width(forecast(*ladder(seeds, 0.02), FAR, sd=0.02)) for seeds in (2, 32))
    assert np.all(many < few)


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(20)))
def test_the_order_of_rows_changes_nothing(order):
    x, y = ladder()
    straight, other = forecast(x, y, FAR), forecast(x[order], y[order], FAR)
    assert other.interval() == pytest.approx(straight.interval(), abs=1e-4)
    assert other.weights == pytest.approx(straight.weights, abs=1e-6)


@settings(max_examples=8, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_units_change_nothing(unit, scale):
    """Budgets in tokens and losses in other units give the same forecast in those units."""
    x, y = ladder()
    plain = forecast(x, 3 * y, FAR, quantity="loss")
    scaled = forecast(unit * x, 3 * scale * y, unit * np.array(FAR), quantity="loss")
    assert scaled.interval() / scale == pytest.approx(plain.interval(), rel=1e-3)
    assert scaled.weights == pytest.approx(plain.weights, abs=1e-4)
    assert np.median(scaled.half) / unit == pytest.approx(np.median(plain.half), rel=1e-3)


def test_seeds_fix_the_draws():
    rows = ladder()
    first, again, other = (forecast(*rows, FAR, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.curve, again.curve) and np.array_equal(first.interval(rows=2), again.interval(rows=2))
    assert not np.array_equal(first.curve, other.curve)
    assert other.mean == pytest.approx(first.mean, abs=0.003) and other.weights == first.weights


def test_errors_stay_below_one_and_losses_need_not():
    x = np.repeat(X, 3)
    y = np.clip(0.99 - 0.02 * np.log2(x) + np.random.default_rng(0).normal(0, 0.01, x.size), 0, 1)
    assert forecast(x, y, [1.5]).curve.max() <= 1
    assert forecast(x, 1 + y, [1.5], quantity="loss").mean[0] == pytest.approx(1.98, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_four_rungs_widen(seed):
    x, y = ladder(seed=seed)
    short = x < 16
    four = forecast(x[short], y[short], [32, 64], sd=0.004)
    five = forecast(x, y, [32, 64], sd=0.004)
    assert np.all(width(four) > width(five)) and any("fewer than 5 rungs" in note for note in four.notes)
    assert not any("fewer than 5" in note for note in five.notes)


def test_without_replicates_a_nugget_stands_for_the_noise():
    x, y = ladder(1)
    ahead = forecast(x, y, FAR)
    assert any("no noise is known" in note for note in ahead.notes)
    assert np.all(ahead.row_sd > 0) and len(np.unique(ahead.row_sd)) > 1
    rough = y + np.array([0, 0.03, -0.03, 0.03, -0.03])
    assert np.median(forecast(x, rough, FAR).row_sd) > 3 * np.median(ahead.row_sd)


def test_items_and_the_last_rung_fitted():
    x, y = ladder(1, x=np.array([1.0, 2, 4, 8, 16, 32]))
    ahead = forecast(x, y, [32], n=1000, fit_max=16)
    assert ahead.rungs.x[-1] == 16 and ahead.noise.source == "items"
    assert ahead.row_sd.mean() == pytest.approx((0.35 * 0.65 / 1000) ** 0.5, rel=0.1)
    assert np.array_equal(ahead.curve, forecast(x[:5], y[:5], [32], n=1000).curve)


def test_a_family_that_hardly_any_point_of_fits_is_noted():
    """Many rungs without noise, on a curve that only members near one point follow within the walk's allowance."""
    x = np.geomspace(1, 1024, 41)
    y = 0.05 + 0.9 * np.exp(-((x / 40) ** 1.4))
    assert any("effective points" in note for note in forecast(x, y, [2048], sd=1e-5).notes)
    assert not any("effective points" in note for note in forecast(*ladder(), [32]).notes)


@pytest.mark.parametrize(("times", "noted"), [(4, False), (8, True)])
def test_far_targets_are_noted(times, noted):
    notes = forecast(*ladder(), [16.0 * times]).notes
    assert any("8 times the last budget" in note for note in notes) is noted


@pytest.mark.parametrize(
    ("budgets", "errors", "options", "message"),
    [
        ([1, 2, 4], [0.5, 0.4, 0.3], {}, "3 distinct budgets: the law needs at least 4"),
        (X, [0.5, 0.4, 0.35, 0.3, 0.28], {"fit_max": 4}, "3 distinct budgets up to fit_max = 4"),
        (X, [0.4] * 5, {}, "all errors are equal"),
        (X, [50, 40, 30, 20, 10], {}, "divide percent by 100"),
        (X, [0.5, 0.4, 0.35, np.nan, 0.28], {}, "errors has nan in row 3"),
        ([X, X], [0.5] * 10, {}, "budgets must be one column"),
        (X[::-1], [0.5, 0.4, 0.35, 0.3, 0.28], {}, "not in increasing order"),
        (X, [0.5, 0.4, 0.35, 0.3, 0.28], {"ahead": 512}, "32 times the largest one fitted"),
        (X, [0.5, 0.4, 0.35, 0.3, 0.28], {"ahead": 0}, "must be a number above 0"),
        (X, [0.5, 0.4, 0.35, 0.3, 0.28], {"draws": 9}, "draws must be at least 100"),
        (X, [0.5, 0.4, 0.35, 0.3, 0.28], {"quantity": "bits"}, "quantity is 'bits'"),
        (X, [0.2, 0.25, 0.3, 0.4, 0.5], {"sd": 0.005}, "repetition hurts here"),
    ],
)
def test_what_cannot_be_forecast_is_named(budgets, errors, options, message):
    options = {"ahead": 32} | options
    with pytest.raises(ValueError, match=re.escape(message)):
        forecast(budgets, errors, **options)


def test_too_few_rungs_are_no_curve():
    with pytest.raises(NoCurve):
        forecast([1, 2, 4], [0.5, 0.4, 0.3], 8)


@pytest.mark.parametrize("rows", [0, -1])
def test_rows_and_levels_are_checked(rows):
    ahead = forecast(*ladder(), 32, draws=100)
    with pytest.raises(ValueError, match="rows must be above 0"):
        ahead.interval(rows=rows)
    with pytest.raises(ValueError, match="level must lie between"):
        ahead.interval(level=90)


def test_a_saturated_ladder_flattens_sooner_than_the_rectified_law():
    x = np.repeat(X, 4)
    y = 0.3 + 0.5 * np.exp(-x / 3) + np.random.default_rng(0).normal(0, 0.003, x.size)
    ahead = forecast(x, y, [64])
    assert ahead.weights["rectified"] < 0.01 and ahead.kinds["rectified"] + ahead.kinds["longer"] < 0.05
    assert KINDS["sooner"] in ahead.reading and ASSUMES in ahead.reading
    low, high = ahead.interval()[:, 0]
    assert low < 0.3 < high and ahead.mean[0] == pytest.approx(0.3, abs=0.03)


def test_a_larger_library_gives_nearly_the_same_interval(monkeypatch):
    """Steep ladders leave few of its points effective; the walk smooths over the gaps between them."""
    x = np.repeat(X, 4)
    y = 0.3 + 0.5 * np.exp(-x / 3) + np.random.default_rng(0).normal(0, 0.003, x.size)
    small = forecast(x, y, [32])
    monkeypatch.setattr("toolkit.laws.forecast.curve.POINTS", 8192)
    large = forecast(x, y, [32])
    assert small.interval() == pytest.approx(large.interval(), abs=0.2 * width(large)[0])
    assert small.weights["rectified"] == pytest.approx(large.weights["rectified"], abs=0.01)


def test_words_for_every_mixture():
    shares = dict.fromkeys(KINDS, 0.0)
    assert what_carried(shares | {"rectified": 0.97}) == "almost only the rectified law (97 %)"
    assert what_carried(shares | {"sooner": 0.7}).startswith("mostly a law that flattens sooner than the rectified one")
    mixed = what_carried(shares | {"rectified": 0.3, "sooner": 0.45, "longer": 0.2, "threshold": 0.05})
    assert mixed.startswith("the rungs do not tell the kind of curve: a law that flattens sooner")
    assert "threshold" not in mixed and mixed.index("45 %") < mixed.index("30 %") < mixed.index("20 %")


def own_ladders():
    """(budgets, errors) of the five measured ladders of this repository that go from r = 1 beyond 16."""
    for name in ("math", "pairs-math"):
        (path,) = (EXAMPLES / name / "data").glob("curves-*.parquet")
        table = pd.read_parquet(path)
        table = table[(table["arm"] == "FSS") & (table["control"] == "steps")]
        for _, rows in table.groupby("pair"):
            yield rows["budget"].to_numpy(float), rows["error"].to_numpy(float)


def test_our_own_ladders_are_forecast_from_rungs_up_to_16():
    misses, inside = [], []
    for x, y in own_ladders():
        far = np.unique(x[x > 16])
        ahead = forecast(x, y, far, fit_max=16)
        seen = np.array([y[x == r].mean() for r in far])
        low, high = ahead.interval(rows=4)
        misses += list(np.abs(ahead.mean - seen))
        inside += list((low <= seen) & (seen <= high))
    assert len(misses) == 6 and np.mean(misses) < 0.02 and all(inside)
