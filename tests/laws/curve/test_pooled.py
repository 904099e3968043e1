"""Pairs that share beta: less spread where they agree, little where they do not."""

import numpy as np
import pytest

from toolkit.laws import fit_law, pool_beta

X = np.array([1.0, 2, 4, 8, 16, 32])


def pairs(betas, sd=0.003, seed=0):
    rng = np.random.default_rng(seed)
    fits = {}
    for index, beta in enumerate(betas):
        y = 0.2 + 0.05 * index + 0.6 / (1 + (X / 4) ** beta) + rng.normal(0, sd, X.size)
        fits[f"pair {index}"] = fit_law(X, y, sd=sd, sd_df=np.inf)
    return fits


def spread(fit):
    return float(np.std(fit.draws[:, 3]))


def test_agreeing_pairs_know_beta_better_together():
    fits = pairs([0.6] * 6)
    pooled = pool_beta(fits)
    assert list(pooled) == list(fits)
    assert np.mean([spread(fit) for fit in pooled.values()]) < 0.85 * np.mean([spread(fit) for fit in fits.values()])
    together = np.mean([fit.draws[:, 3].mean() for fit in pooled.values()])
    assert together == pytest.approx(0.6, abs=0.12)
    for name, fit in pooled.items():
        assert fit.predict(64).point == fits[name].predict(64).point
        assert any("pooled" in note for note in fit.warnings)


def test_a_pair_that_is_sure_of_another_beta_keeps_it():
    fits = pairs([0.4, 0.4, 0.4, 0.9], sd=0.0003)
    pooled = pool_beta(fits)
    assert pooled["pair 3"].draws[:, 3].mean() == pytest.approx(fits["pair 3"].draws[:, 3].mean(), abs=0.03)


def test_pooling_tightens_forecasts_that_still_hold_the_truth():
    pooled = pool_beta(pairs([0.6] * 6, seed=4))
    inside = [
        fit.predict(64).low <= 0.2 + 0.05 * index + 0.6 / (1 + 16**0.6) <= fit.predict(64).high
        for index, fit in enumerate(pooled.values())
    ]
    assert sum(inside) >= 4


def test_bad_requests():
    fits = pairs([0.5, 0.5])
    with pytest.raises(ValueError, match="at least 2 ladders"):
        pool_beta({"one": fits["pair 0"]})
    with pytest.raises(ValueError, match="no noise is known"):
        pool_beta({**fits, "bare": fit_law(X, 0.2 + 0.6 / (1 + X / 4))})
    with pytest.raises(ValueError, match="'lomax'"):
        pool_beta({**fits, "other": fit_law(X, 0.2 + 0.6 / (1 + X / 4), sd=0.01, form="lomax")})
    with pytest.raises(ValueError, match="max_beta differs"):
        pool_beta({**fits, "wide": fit_law(X, 0.2 + 0.6 / (1 + X / 4), sd=0.01, max_beta=2)})
