"""Linear least squares on its triangle, and noise-free laws recovered to rounding."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from toolkit.laws import fit_law
from toolkit.laws.coverage.ladders import LADDERS, TRUTHS
from toolkit.laws.curve.variable_projection import solve_linear


@pytest.mark.parametrize("seed", range(40))
def test_linear_part_agrees_with_a_constrained_solver(seed):
    rng = np.random.default_rng(seed)
    S, y, weights = np.sort(rng.random(6))[::-1], rng.uniform(-0.3, 1.3, 6), rng.uniform(0.1, 3, 6)
    found = solve_linear(S[None], y, weights, top=1.0)
    assert found.floor[0] >= 0 and found.amplitude[0] >= 0 and found.floor[0] + found.amplitude[0] <= 1 + 1e-12
    # In (E, E + A) only E <= E + A is not a box: the reference is exact wherever it keeps that order.
    design = np.column_stack([1 - S, S]) * np.sqrt(weights)[:, None]
    reference = lsq_linear(design, y * np.sqrt(weights), (0, 1), tol=1e-14)
    if reference.x[1] >= reference.x[0]:
        assert found.cost[0] == pytest.approx(2 * reference.cost, rel=1e-8, abs=1e-12)
    else:
        assert found.amplitude[0] == pytest.approx(0, abs=1e-12)


def recover(count, scale=1.0, **options):
    """Largest miss of `point` from the rungs to 4 x the last, over `count` noise-free laws of the prior."""
    rng, worst = np.random.default_rng(3), 0.0
    for index in range(count):
        x = np.array(list(LADDERS.values())[index % 3], float) * scale
        truth = TRUTHS["prior"](rng, x)
        request = np.append(x, [2 * x[-1], 4 * x[-1]])
        fit = fit_law(x, truth(x), **options)
        worst = max(worst, float(np.abs(fit.predict(request).point - truth(request)).max()))
    return worst


def test_noise_free_laws_are_recovered():
    assert recover(40) < 1e-6
    assert recover(20, scale=1e9, quantity="loss", residuals="log") < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scale", "options"),
    [(1.0, {}), (1.0, {"sd": 1e-4, "draws": 100}), (1e-3, {}), (1e11, {"quantity": "loss", "residuals": "log"})],
)
def test_a_thousand_noise_free_laws_are_recovered(scale, options):
    assert recover(1000, scale, **options) < 1e-6
