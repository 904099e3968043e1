"""The planner on simulated sources whose truth is known: how often a recommendation is right, and what it saves.

    python benchmarks/planner.py [--sources 200]

Each source is measured like a small project would (4 x 5 cells, 2 replicates, 1,000 test items), fitted, and planned
for at a random price of a question and a random limit. Truths: `coverage`, drawn from the generative story of the
two-axis law (what the surface assumes), and `additive`, E + C M^-g + B / (D0 + r^beta) (what it does not). Peers spend
the same money without a surface: all on questions (r = 1), r = 4, or the largest tested budget.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from toolkit.laws.coverage.simulate import simulate_surface
from toolkit.laws.curve.forms import n_eff, rectified
from toolkit.laws.planning.allocation import affordable
from toolkit.laws.planning.plan import RECOMMENDED, plan
from toolkit.laws.planning.prices import Prices
from toolkit.laws.surface.fit import SurfaceFit, fit_surface

QUESTIONS, BUDGETS = (axis.ravel() for axis in np.meshgrid((128, 256, 512, 1024), (1, 2, 4, 8, 16)))
PEERS = {"all on questions, r = 1": 1, "r = 4": 4, "largest tested, r = 16": 16}
Truth = Callable[[np.ndarray, np.ndarray], np.ndarray]


def coverage(rng: np.random.Generator) -> tuple[Truth, SurfaceFit]:
    floor, beta, kappa = rng.uniform(0, 0.3), rng.uniform(0.4, 1), rng.uniform(0.03, 0.5)
    d0 = np.exp(rng.uniform(np.log(128), np.log(2000))) ** beta
    law = {"E": floor, "B": (1 - floor) * d0, "D0": d0, "beta": beta, "kappa": kappa}
    errors = simulate_surface(QUESTIONS, BUDGETS, **law, items=1000, replicates=2, rng=rng)
    return lambda m, r: rectified(n_eff(m, r, kappa), floor, law["B"], d0, beta), fit(errors)


def additive(rng: np.random.Generator) -> tuple[Truth, SurfaceFit]:
    floor, share, tail, beta = rng.uniform(0, 0.3), rng.uniform(0.2, 0.8), rng.uniform(0.2, 1), rng.uniform(0.4, 1)
    d0 = rng.uniform(0.5, 6)

    def truth(m: np.ndarray, r: np.ndarray) -> np.ndarray:
        return floor + (1 - floor) * (share * (m / 64) ** -tail + (1 - share) * d0 / (d0 + r**beta))

    return truth, fit(rng.binomial(1000, truth(QUESTIONS, BUDGETS.astype(float)), (2, QUESTIONS.size)) / 1000)


def fit(errors: np.ndarray) -> SurfaceFit:
    return fit_surface(np.tile(QUESTIONS, 2), np.tile(BUDGETS, 2), errors.ravel())


def examine(kind: Callable[[np.random.Generator], tuple[Truth, SurfaceFit]], sources: int) -> None:
    rng = np.random.default_rng(0)
    right, regrets, seconds = [], [], []
    for _ in range(sources):
        truth, surface = kind(rng)
        prices = Prices(question=float(np.exp(rng.uniform(np.log(0.5), np.log(100)))), response=1)
        spend = float(prices.cost(rng.integers(150, 1500), 6))
        start = time.perf_counter()
        found = plan(surface, prices, spend=spend)
        seconds.append(time.perf_counter() - start)
        m, r = affordable(surface, prices, spend, False)
        errors = truth(m, r)
        ours = truth(np.float64(found.best.questions), np.float64(found.best.budget))
        if found.verdict == RECOMMENDED:
            rivals = [truth(np.float64(each.split.questions), np.float64(each.split.budget)) for each in found.rivals]
            right.append(ours <= min(rivals, default=1.0))
        regrets.append([ours, *(errors[np.argmin(np.abs(r - budget))] for budget in PEERS.values())] - errors.min())
    lost, *others = 100 * np.mean(regrets, axis=0)
    print(
        f"{kind.__name__}: recommended {len(right) / sources:.0%}, right {np.mean(right):.1%} of those (nominal 90 %)"
    )
    print(
        f"  points lost against the best split in truth: planner {lost:.3f}, {1e3 * np.median(seconds):.0f} ms a plan"
    )
    for name, peer in zip(PEERS, others, strict=True):
        print(f"  {name}: {peer:.2f}, ratio {peer / lost:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sources", type=int, default=200)
    sources = parser.parse_args().sources
    for kind in (coverage, additive):
        examine(kind, sources)


if __name__ == "__main__":
    main()
