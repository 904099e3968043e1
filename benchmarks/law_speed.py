"""How fast is a fit with its interval, against the usual way to one: a multi-start `curve_fit` bootstrap of 200 draws.

    OMP_NUM_THREADS=1 python benchmarks/law_speed.py [--ladders 1000] [--starts 5]

Both are timed in CPU seconds of one process on the same ladders (limits: 50 ms a fit, 20 s for 1,000, 50 times the
bootstrap).
"""

import argparse
import time
from collections.abc import Iterable

import numpy as np
from scipy.optimize import curve_fit

from toolkit.laws.coverage.ladders import SimulatedLadder, simulate_ladders
from toolkit.laws.curve.fit import fit_law
from toolkit.laws.curve.forms import rectified

DRAWS = 200
BOUNDS = ([0, 0, 1e-3, 0.1], [1, 1e3, 1e3, 1])


def law(ladders: Iterable[SimulatedLadder]) -> tuple[float, float]:
    """(CPU seconds, share of new runs covered) of the library's fits and forecasts."""
    start, covered = time.process_time(), []
    for ladder in ladders:
        forecast = fit_law(ladder.budgets, ladder.errors).predict(ladder.ahead)
        covered.append(forecast.low_new <= ladder.new <= forecast.high_new)
    return time.process_time() - start, float(np.mean(covered))


def bootstrap(ladders: Iterable[SimulatedLadder], starts: int) -> tuple[float, float]:
    """The same for a residual bootstrap: every draw fitted from `starts` random starts, the best one kept."""
    rng, start, covered = np.random.default_rng(0), time.process_time(), []
    for ladder in ladders:
        x, y = ladder.budgets, ladder.errors
        fitted = rectified(x, *best(x, y, starts, rng))
        residual = y - fitted
        values = []
        for _ in range(DRAWS):
            again = best(x, fitted + rng.choice(residual, y.size), starts, rng)
            values.append(float(rectified(ladder.ahead, *again)) + rng.choice(residual))
        low, high = np.quantile(values, [0.05, 0.95])
        covered.append(low <= ladder.new <= high)
    return time.process_time() - start, float(np.mean(covered))


def best(x: np.ndarray, y: np.ndarray, starts: int, rng: np.random.Generator) -> np.ndarray:
    """Parameters (E, B, D0, beta) of the best of several bounded `curve_fit`s."""
    found = []
    for _ in range(starts):
        guess = [rng.uniform(0, y.min()), rng.uniform(0.1, 5), rng.uniform(0.1, 10), rng.uniform(0.2, 0.9)]
        try:
            parameters, _ = curve_fit(rectified, x, y, guess, bounds=BOUNDS)
        except RuntimeError:  # curve_fit's word for "did not converge": the other starts remain
            continue
        found.append((float(np.sum((y - rectified(x, *parameters)) ** 2)), parameters))
    return min(found, key=lambda pair: pair[0])[1] if found else np.array([y.min(), 1.0, 1.0, 0.5])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ladders", type=int, default=1000)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--peers", type=int, default=2, help="ladders for the bootstrap")
    args = parser.parse_args()
    ladders = list(simulate_ladders("prior", args.ladders, seed=4))
    law(ladders[:3])  # imports and caches
    seconds, covered = law(ladders)
    each = seconds / len(ladders)
    print(f"law: {1e3 * each:.1f} ms for a fit with its interval (limit 50), {1000 * each:.1f} s for 1,000 (limit 20)")
    print(f"     90 % interval of a new run covers {covered:.3f} of {len(ladders)} ladders")
    peer, covered = bootstrap(ladders[: args.peers], args.starts)
    ratio = peer / args.peers / each
    print(f"bootstrap of {DRAWS} draws, {args.starts} starts: {peer / args.peers:.2f} s a ladder")
    print(f"     its 90 % interval covers {covered:.2f} of {args.peers} ladders")
    print(f"ratio {ratio:.0f} (limit 50)")


if __name__ == "__main__":
    main()
