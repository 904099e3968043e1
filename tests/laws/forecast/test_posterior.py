"""Floor and amplitude integrated out, against sums over a fine grid of both."""

import numpy as np
import pytest

from toolkit.laws.forecast.discrepancy import walk
from toolkit.laws.forecast.family import shape
from toolkit.laws.forecast.posterior import SURE, Hypothesis, Rung, average, integrate

X = np.array([1.0, 2, 4, 8, 16])
T = np.log2(X)
Y = np.array([0.62, 0.55, 0.46, 0.41, 0.36])
MEMBERS = ((3.0, 0.6, 1.0), (8.0, 1.0, 0.5), (2.0, 1.0, 1e-6))  # (h, m, q)
VARIANCE = np.full(5, 0.015**2)


def shapes(x):
    return np.array([shape(np.log(x / h), m, q) for h, m, q in MEMBERS])


def grid(top, floor_max, size=300):
    """Midpoints (E, A) over 0 <= E <= floor_max, 0 <= A <= 1, with a mask of A <= top - E, and a cell's area."""
    E, A = (np.arange(size) + 0.5) / size * floor_max, (np.arange(size) + 0.5) / size
    E, A = np.meshgrid(E, A, indexing="ij")
    return E, A, top >= E + A, floor_max / size**2


def densities(S, sigma, top, floor_max):
    """The likelihood at the grid, normalised but for (2 pi)^(-J/2), with the grid."""
    E, A, inside, area = grid(top, floor_max)
    residual = Y - E[..., None] - A[..., None] * S
    cost = np.einsum("abj,jk,abk->ab", residual, np.linalg.inv(sigma), residual)
    return E, A, inside * np.exp(-cost / 2) / np.sqrt(np.linalg.det(sigma)), area


@pytest.mark.parametrize("top", [1.0, 0.7])
def test_evidence_of_every_member_is_the_double_integral(top):
    sigma = np.diag(VARIANCE) + 0.01**2 * walk([T], [T]).fitted
    S, floor_max = shapes(X), 0.38
    kept, marginal = integrate(S, Y, sigma, top, floor_max)
    assert kept.tolist() == [0, 1, 2]
    for index in kept:
        *_, density, area = densities(S[index], sigma, top, floor_max)
        exact = np.log(density.sum() * area) - np.log(2 * np.pi) / 2
        assert np.logaddexp.reduce(marginal.log_mass[index]) == pytest.approx(exact, abs=0.03)  # 16 midpoints


def test_draws_have_the_mean_and_spread_of_the_exact_posterior():
    """Over three members: E, A on a grid, and the walk at the target conditioned on the residuals."""
    far = np.array([32.0])
    tau, fall, octaves = 0.1, float(np.ptp(Y)), walk([T], [np.log2(far)])
    variance = VARIANCE + (SURE * fall) ** 2
    sigma = np.diag(variance) + (tau * fall) ** 2 * octaves.fitted
    gain = (tau * fall) ** 2 * octaves.cross @ np.linalg.inv(sigma)
    left = ((tau * fall) ** 2 * (octaves.ahead - gain @ octaves.cross.T)).item()
    floor_max = float(np.min(Y + 2.5 * np.sqrt(VARIANCE)))
    S = shapes(np.concatenate([X, far]))
    weights, means, squares, floors = [], [], [], []
    for row in S:
        E, A, density, area = densities(row[:5], sigma, 1.0, floor_max)
        value = E + A * row[5] + (Y - E[..., None] - A[..., None] * row[:5]) @ gain[0]
        weights.append(density.sum() * area)
        means.append((density * value).sum() * area)
        squares.append((density * value**2).sum() * area)
        floors.append((density * E).sum() * area)
    total = sum(weights)
    mean = sum(means) / total
    sd = np.sqrt(sum(squares) / total - mean**2 + left)
    rungs, draws = Rung(Y, VARIANCE, 1.0), 40_000
    post = average(S, rungs, octaves, [Hypothesis(tau, 0.0)], draws, np.random.default_rng(0))
    assert post.weight == pytest.approx(np.array(weights) / total, abs=0.005)
    assert post.curve.mean() == pytest.approx(mean, abs=4 * sd / draws**0.5)
    assert post.curve.std() == pytest.approx(sd, rel=0.03)
    assert post.floor.mean() == pytest.approx(sum(floors) / total, abs=0.005)


def test_an_amplitude_that_the_rungs_do_not_tell_is_flat():
    """S of 0 at every rung: A given E is uniform on [0, top - E]."""
    S = np.concatenate([np.zeros((1, 5)), np.ones((1, 1))], axis=1)
    rungs, octaves = Rung(Y, np.full(5, 0.2**2), 1.0), walk([T], [np.array([5.0])])
    post = average(S, rungs, octaves, [Hypothesis(1e-9, 0.0)], 4000, np.random.default_rng(0))
    share = (post.curve[:, 0] - post.floor) / (1 - post.floor)
    assert np.quantile(share, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.03)
