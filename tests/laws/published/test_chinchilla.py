"""Five-parameter fits: the optimum of the summed Huber loss, from the library's own starts."""

import numpy as np
import pytest
from scipy.optimize import minimize

from toolkit.laws.published import chinchilla as module
from toolkit.laws.published.chinchilla import fit_chinchilla
from toolkit.laws.published.laws import chinchilla

REPLICATION = np.array([1.8172, 482.01, 2085.43, 0.3478, 0.3658])


def runs(rng: np.random.Generator, noise: float, count: int = 240) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sizes like the replication's (44 M to 16 B parameters, up to 300 B tokens), heavy-tailed relative noise."""
    n = np.exp(rng.uniform(np.log(5e7), np.log(1.6e10), count))
    d = np.exp(rng.uniform(np.log(1e9), np.log(3e11), count))
    return n, d, chinchilla(n, d) * np.exp(noise * rng.standard_t(3, count))


def summed_huber(theta: np.ndarray, n: np.ndarray, d: np.ndarray, loss: np.ndarray, delta: float = 1e-3) -> float:
    log_a, log_b, log_e, alpha, beta = theta
    terms = [log_a - alpha * np.log(n), log_b - beta * np.log(d), np.full_like(n, log_e)]
    size = np.abs(np.logaddexp.reduce(terms) - np.log(loss))
    return float(np.where(size < delta, size**2 / 2, delta * (size - delta / 2)).sum())


def test_replication_parameters_come_back_from_exact_losses():
    fit = fit_chinchilla(*runs(np.random.default_rng(0), 0.0))
    assert np.asarray(fit[:5]) == pytest.approx(REPLICATION, rel=1e-8)
    assert fit.params_exponent == pytest.approx(0.5126, abs=5e-5)
    assert fit.predict(7e10, 1.4e12) == pytest.approx(float(chinchilla(7e10, 1.4e12)))


@pytest.mark.parametrize("noise", [1e-3, 3e-3, 1e-2])
def test_no_other_start_finds_a_lower_sum(noise: float):
    """Against a derivative-free search from the truth, and the objective is the sum it claims to be."""
    n, d, loss = runs(np.random.default_rng(1), noise)
    fit = fit_chinchilla(n, d, loss)
    theta = np.array([np.log(fit.A), np.log(fit.B), np.log(fit.E), fit.alpha, fit.beta])
    assert fit.objective == pytest.approx(summed_huber(theta, n, d, loss), rel=1e-9)
    truth = np.array([*np.log(REPLICATION[[1, 2, 0]]), *REPLICATION[3:]])
    search = minimize(
        summed_huber,
        truth,
        args=(n, d, loss),
        method="Nelder-Mead",
        options={"maxiter": 9000, "maxfev": 9000, "xatol": 1e-9, "fatol": 1e-15},
    )
    assert fit.objective <= search.fun * (1 + 1e-9)


def test_the_fit_does_not_depend_on_units():
    n, d, loss = runs(np.random.default_rng(2), 3e-3)
    fit, scaled = fit_chinchilla(n, d, loss), fit_chinchilla(n / 1e6, d / 1e9, 10 * loss)
    assert np.array(scaled[3:5]) == pytest.approx(np.array(fit[3:5]), rel=1e-5)
    ratio = scaled.E / fit.E
    assert ratio == pytest.approx(10, rel=1e-6)


def test_gross_outliers_hardly_move_it():
    n, d, loss = runs(np.random.default_rng(3), 1e-3)
    spoilt = loss.copy()
    spoilt[:5] *= 1.5
    moved = fit_chinchilla(n, d, spoilt).E / fit_chinchilla(n, d, loss).E
    assert moved == pytest.approx(1, rel=0.01)


@pytest.mark.slow
def test_the_chosen_starts_do_as_well_as_every_start(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(5)
    for _ in range(40):
        count = int(rng.integers(12, 300))
        n, d = np.exp(rng.uniform(np.log(1e7), np.log(2e10), count)), np.exp(rng.uniform(18, 28, count))
        alpha, beta = rng.uniform(0.1, 0.8, 2)
        a, b = rng.uniform(0.1, 2, 2) * [1e8**alpha, 1e10**beta]
        truth = chinchilla(n, d, rng.uniform(0.5, 2.5), a, b, alpha, beta)
        loss = truth * np.exp(rng.choice([1e-4, 1e-3, 1e-2, 3e-2]) * rng.standard_t(3, count))
        few = fit_chinchilla(n, d, loss).objective
        with monkeypatch.context() as patch:
            patch.setattr(module, "STARTS", len(module.EXPONENTS) ** 2)
            assert few <= fit_chinchilla(n, d, loss).objective * (1 + 1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"params": [1e8] * 5, "tokens": [1e9] * 5, "loss": [3.0] * 5}, "at least 6 runs, got 5"),
        ({"loss": [3, 3, 3, 3, 3, 3, 0]}, "loss must be positive and finite, got 0"),
        ({"tokens": [1e9, 2e9, 3e9, np.nan, 5e9, 6e9, 7e9]}, "tokens must be positive and finite, got nan"),
        ({"params": [1e8] * 7}, "params is 1e\\+08 in every run"),
        ({"loss": [3.0] * 6}, "one value per run, got 7, 7 and 6"),
    ],
)
def test_bad_runs_are_named(change: dict[str, list[float]], message: str):
    good = {"params": np.geomspace(1e8, 1e9, 7), "tokens": np.geomspace(1e9, 1e10, 7), "loss": np.linspace(4, 3, 7)}
    with pytest.raises(ValueError, match=message):
        fit_chinchilla(**{**good, **change})
