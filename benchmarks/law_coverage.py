"""Do 90 % intervals of a new observation cover 90 %? One table over truths that the law's prior does and does not hold.

    python benchmarks/law_coverage.py [--ladders 1000] [--seed 0]

Printed per truth: coverage of a new run and of the curve, median width, RMSE at twice the last rung of the law and of
each baseline, and the paired difference of squared errors to the best baseline in standard errors (positive: the law
is better).
"""

import argparse
import time

import numpy as np

from toolkit.laws.coverage.ladders import TRUTHS, SimulatedLadder, simulate_ladders
from toolkit.laws.curve.baselines import predict_baselines
from toolkit.laws.curve.fit import fit_law


def examine(ladder: SimulatedLadder) -> tuple[list[float], dict[str, float]]:
    """([a new run is covered, the curve is covered, width], prediction by form) of one ladder."""
    fit = fit_law(ladder.budgets, ladder.errors)
    forecast = fit.predict(ladder.ahead)
    covered = forecast.low_new <= ladder.new <= forecast.high_new
    inside = forecast.low <= ladder.expected <= forecast.high
    forms = {name: float(values[0]) for name, values in predict_baselines(fit, np.array([ladder.ahead])).items()}
    forms = {"law": float(fit.mean(ladder.ahead)[0]), "law, least squares": float(fit.at(ladder.ahead)), **forms}
    return [covered, inside, forecast.high_new - forecast.low_new], forms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ladders", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for truth in TRUTHS:
        start = time.process_time()
        checks, squares = [], []
        for ladder in simulate_ladders(truth, args.ladders, args.seed):
            seen, forms = examine(ladder)
            checks.append(seen)
            squares.append([(value - ladder.expected) ** 2 for value in forms.values()])
        seconds = time.process_time() - start
        check, square = np.array(checks, float), np.array(squares)
        print(f"\n{truth}: {args.ladders} ladders, {seconds:.0f} s")
        print(f"  new run covered {check[:, 0].mean():.3f}, curve covered {check[:, 1].mean():.3f} (nominal .900)")
        print(f"  median width {np.median(check[:, 2]) * 100:.2f} points")
        for name, column in zip(forms, square.T, strict=True):
            gap = column - square[:, 0]
            z = gap.mean() / max(gap.std(ddof=1) / len(gap) ** 0.5, 1e-300)
            print(
                f"  {name:26s} rmse {column.mean() ** 0.5 * 100:6.2f} points, against the law {z:+6.1f} standard errors"
            )


if __name__ == "__main__":
    main()
