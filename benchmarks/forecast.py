"""How far do forecasts miss, and are their intervals as wide as their misses? The averaged forecast against its rivals.

    OMP_NUM_THREADS=1 python benchmarks/forecast.py [--n 60] [--seed 20] [--quick]

One table per distance (2, 4 and 8 times the last rung fitted), a row per source: mean absolute miss in points of error
(percent of a loss) of the averaged forecast, today's law and the baselines, the paired gain over today's law with its
standard error, then CRPS, coverage and mean width of 90 % intervals, averaged / today's. A third table does the same
over two axes, with today's surface at beta <= 1 and <= 3. `--n` is the number of ladders per simulated family.
"""

import argparse
import time
import warnings
from collections import defaultdict
from dataclasses import replace
from math import log

import numpy as np
from forecast_sources import SIMULATED, TIMES, Cells, Ladder, real_ladders, real_surfaces, simulated

from toolkit import fit_law, fit_surface, forecast, forecast_surface
from toolkit.laws.coverage.simulate import simulate_surface
from toolkit.laws.curve.baselines import SIMPLE, curve
from toolkit.laws.curve.data import NoCurve
from toolkit.text import markdown_table

LEVEL = 0.9
SHORT = ("averaged", "law")
NOTHING = (np.nan, np.nan)
# A method's forecast at one target: (mean, draws or None, (low, high)).
Answer = tuple[float, np.ndarray | None, tuple[float, float]]


def crps(draws: np.ndarray | None, mean: float, truth: float) -> float:
    """Continuous ranked probability score of draws, E|X - y| - E|X - X'| / 2; of a point, its absolute miss."""
    if draws is None:
        return abs(mean - truth)
    x, n = np.sort(draws), len(draws)
    spread = 2 * np.sum((2 * np.arange(1, n + 1) - n - 1) * x) / n**2
    return float(np.mean(np.abs(x - truth)) - spread / 2)


def averaged(ladder: Ladder) -> list[Answer]:
    """The averaged forecast at each target, of the curve or of the mean of the rows seen there."""
    ahead = forecast(ladder.budgets, ladder.errors, ladder.ahead, quantity=ladder.quantity)
    return _answers(ahead, ladder.rows)


def _answers(ahead, rows: np.ndarray) -> list[Answer]:
    answers = []
    for index, count in enumerate(rows):
        draws = (ahead.new(count) if count else ahead.curve)[:, index]
        low, high = ahead.interval(LEVEL, count or None)[:, index]
        answers.append((float(ahead.mean[index]), draws, (low, high)))
    return answers


def law(ladder: Ladder) -> list[Answer]:
    """Today's law: what `fss fit` prints."""
    residuals = "log" if ladder.quantity == "loss" else "linear"
    fit = fit_law(ladder.budgets, ladder.errors, quantity=ladder.quantity, residuals=residuals)
    answers: list[Answer] = []
    for r, count in zip(ladder.ahead, ladder.rows, strict=True):
        mean = float(fit.mean(r)[0])
        if fit.solution.posterior is None:
            answers.append((mean, None, NOTHING))
            continue
        level, slope, centre = fit.noise.trend
        of_mean = (level - log(max(count, 1)) / 2, slope, centre)
        seen = replace(fit, noise=fit.noise._replace(trend=of_mean)).predict(r, LEVEL)
        draws = fit.curves(r)[:, 0]
        if count:
            sd = np.exp(of_mean[0] + slope * (np.log(r) - centre))
            draws = draws + sd * np.random.default_rng(0).standard_normal(len(draws))
        answers.append((mean, draws, (seen.low_new, seen.high_new) if count else (seen.low, seen.high)))
    return answers


def baselines(ladder: Ladder) -> dict[str, np.ndarray]:
    """The forecasts (H,) of the simple baselines and of a power law, by name."""
    x, index = np.unique(ladder.budgets, return_inverse=True)
    y = np.bincount(index, ladder.errors) / np.bincount(index)
    data = (x, y, np.ones_like(x), 1.0 if ladder.quantity == "error" else np.inf)
    found = {name: method(*data, ladder.ahead) for name, method in SIMPLE.items()}
    return found | {"power": curve(*data, ladder.ahead, form="power")}


def score(ladder: Ladder) -> list[dict[str, float]]:
    """What was measured at each target: misses by method, and CRPS, coverage, width of the two with intervals."""
    answers = {"averaged": averaged(ladder), "law": law(ladder)}
    rows = []
    for index, truth in enumerate(ladder.expected):
        unit = 100 / truth if ladder.quantity == "loss" else 100.0
        row = {f"miss {name}": unit * abs(found[index] - truth) for name, found in baselines(ladder).items()}
        for name, answer in answers.items():
            row |= _scores(name, answer[index], float(truth), unit)
        rows.append(row if np.isfinite(truth) else {})
    return rows


def _scores(name: str, answer: Answer, truth: float, unit: float) -> dict[str, float]:
    mean, draws, (low, high) = answer
    inside = float(low <= truth <= high) if np.isfinite(low) else np.nan
    return {
        f"miss {name}": unit * abs(mean - truth),
        f"crps {name}": unit * crps(draws, mean, truth),
        f"cover {name}": inside,
        f"width {name}": unit * (high - low),
    }


def score_cells(cells: Cells) -> dict[str, float]:
    """The mean over held-out cells of the same scores, for the averaged surface and today's at two bounds of beta."""
    ahead = forecast_surface(*cells.fitted, *cells.ahead)
    answers = {"averaged": _answers(ahead, cells.rows)}
    for name, bound in (("law", 1.0), ("law <= 3", 3.0)):
        fit = fit_surface(*cells.fitted, max_beta=bound)
        level, slope, centre = fit.noise.trend
        answers[name] = []
        for (M, r), count in zip(cells.ahead.T, cells.rows, strict=True):
            trend = (level - log(max(count, 1)) / 2, slope, centre)
            seen = replace(fit, noise=fit.noise._replace(trend=trend)).predict(M, r, LEVEL)
            ends = (seen.low_new, seen.high_new) if count else (seen.low, seen.high)
            answers[name].append((float(seen.mean), fit.error(M, r), ends))
    found = [
        {key: value for name in answers for key, value in _scores(name, answers[name][i], float(y), 100.0).items()}
        for i, y in enumerate(cells.expected)
    ]
    return {key: float(np.mean([row[key] for row in found])) for key in found[0]}


def simulated_cells(count: int, seed: int) -> list[Cells]:
    """Coverage experiments over two axes, forecast at twice the questions and responses; three replicates."""
    rng = np.random.default_rng(seed)
    M, r = np.array([(m, b) for m in (128, 256, 512) for b in (1, 2, 4, 8)], float).T
    far = np.array([[1024.0, 512.0, 1024.0], [8.0, 16.0, 16.0]])
    found = []
    for _ in range(count):
        kappa, beta, D0 = rng.uniform(0.03, 0.6), rng.uniform(0.5, 1), rng.uniform(40, 200)
        story = {"kappa": kappa, "beta": beta, "B": 0.75 * D0, "D0": D0, "E": 0.15}
        options = {"quanta": 2000, "replicates": 3, "items": 1000, "rng": rng}
        errors = simulate_surface(M, r, **story, **options)
        seen = simulate_surface(*far, **story, **options)
        rows = np.array([np.tile(M, 3), np.tile(r, 3), errors.ravel()])
        found.append(Cells(rows, far, seen.mean(axis=0), np.full(3, 3.0)))
    return found


def table(scores: dict[str, list[dict[str, float]]], methods: tuple[str, ...], rivals: tuple[str, ...]) -> str:
    """A row per source: misses of all methods, the gain over the law, and CRPS, coverage and width of `rivals`."""
    header = [
        "source (n)",
        *methods,
        "gain over law",
        *(f"{what}, {' / '.join(rivals)}" for what in ("CRPS", "cover", "width")),
    ]
    lines = []
    for source, rows in scores.items():
        misses = [f"{_mean(rows, f'miss {name}'):.2f}" for name in methods]
        gain = np.array([row["miss law"] - row["miss averaged"] for row in rows])
        error = gain.std(ddof=1) / len(gain) ** 0.5 if len(gain) > 1 else np.nan
        both = [
            " / ".join(f"{_mean(rows, f'{what} {name}'):.2f}" for name in rivals) for what in ("crps", "cover", "width")
        ]
        lines.append([f"{source} ({len(rows)})", *misses, f"{gain.mean():+.2f} ± {error:.2f}", *both])
    return markdown_table(header, lines)


def _mean(rows: list[dict[str, float]], key: str) -> float:
    values = np.array([row[key] for row in rows])
    return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan


def measure_ladders(count: int, seed: int) -> list[dict[str, list[dict[str, float]]]]:
    """Scores by distance and source of all ladders; those that clearly rise, which nothing forecasts, are left out."""
    found: list[dict[str, list[dict[str, float]]]] = [defaultdict(list) for _ in TIMES]
    sources = ((family, ladder) for family in SIMULATED for ladder in simulated(family, count, seed))
    for source, ladder in (*sources, *real_ladders()):
        try:
            rows = score(ladder)
        except NoCurve:
            continue
        for scores, row in zip(found, rows, strict=True):
            scores[source].extend([row] if row else [])
    return [{source: rows for source, rows in scores.items() if rows} for scores in found]


def measure_surfaces(count: int, seed: int) -> dict[str, list[dict[str, float]]]:
    """Scores by source of all cell sets."""
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for source, cells in (*(("coverage, beta < 1", cells) for cells in simulated_cells(count, seed)), *real_surfaces()):
        found[source].append(score_cells(cells))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=60, help="ladders per simulated family")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="two ladders per family and one surface")
    args = parser.parse_args()
    count = 2 if args.quick else args.n
    start = time.process_time()
    methods = (*SHORT, *SIMPLE, "power")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        ladders, surfaces = measure_ladders(count, args.seed), measure_surfaces(max(count // 4, 1), args.seed)
    for times, scores in zip(TIMES, ladders, strict=True):
        print(f"\n{times:g} times the last rung\n\n{table(scores, methods, SHORT)}")
    rivals = ("averaged", "law", "law <= 3")
    print(f"\ntwo axes, cells held out\n\n{table(surfaces, rivals, rivals)}")
    print(f"\n{count} ladders per simulated family, seed {args.seed}; {time.process_time() - start:.0f} s")


if __name__ == "__main__":
    main()
