"""Distinct paths and covered questions forecast from a corpus alone, against the hidden part of its ladder.

    python benchmarks/path_forecast.py [--sources 40] [--questions 256]

Per truth, budget shown and factor: forecast over counted (mean, sd), the share of 90 % intervals that hold the count,
and the time of one forecast. Truths: Pitman-Yor paths (what the far forecast assumes), Zipf paths and a finite set of
six (what it does not); acceptance is Beta across questions.
"""

import argparse
import time
import warnings

import numpy as np

from toolkit.laws.coverage.forecast import FarForecast, count_paths, forecast_paths

TRUTHS = {
    "pitman-yor (5, .5), accept Beta(1, 2)": ((5.0, 0.5), (1, 2)),
    "pitman-yor (.3, .1), accept Beta(3, 1)": ((0.3, 0.1), (3, 1)),
    "zipf 1.2, accept Beta(1, 1)": (np.arange(1, 201) ** -1.2, (1, 1)),
    "six equal paths, accept Beta(2, 1)": (np.ones(6), (2, 1)),
}


def paths(law: tuple[float, float] | np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
    if isinstance(law, np.ndarray):
        return rng.choice(law.size, count, p=law / law.sum()).tolist()
    (theta, sigma), drawn, sizes = law, [], np.zeros(count)
    for index in range(count):
        opened = int((sizes > 0).sum())
        if rng.random() * (theta + index) < theta + sigma * opened:
            drawn.append(opened)
        else:
            share = sizes[:opened] - sigma
            drawn.append(int(rng.choice(opened, p=share / share.sum())))
        sizes[drawn[-1]] += 1
    return drawn


def corpus(name: str, questions: int, draws: int, rng: np.random.Generator) -> list[list[int | None]]:
    law, accept = TRUTHS[name]
    labels = []
    for _ in range(questions):
        accepted = rng.random(draws) < rng.beta(*accept)
        found = iter(paths(law, int(accepted.sum()), rng))
        labels.append([next(found) if yes else None for yes in accepted])
    return labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sources", type=int, default=40)
    parser.add_argument("--questions", type=int, default=256)
    args = parser.parse_args()
    warnings.simplefilter("ignore", FarForecast)
    print("truth | shown, factor | paths: ratio, sd, held | questions: ratio, sd, held | ms")
    for name in TRUTHS:
        for shown, factor in ((4, 2), (8, 2), (16, 2), (4, 4), (8, 4)):
            rows, start = [], 0.0
            for seed in range(args.sources):
                labels = corpus(name, args.questions, shown * factor, np.random.default_rng(seed))
                counts, whole = count_paths([drawn[:shown] for drawn in labels]), count_paths(labels)
                begin = time.process_time()
                told = forecast_paths(counts, shown * factor, resamples=100)
                start += time.process_time() - begin
                seen = (whole.distinct.sum(), (whole.accepted > 0).sum())
                pairs = zip((told.paths, told.covered), seen, strict=True)
                rows.append([(each.point / true, each.low <= true <= each.high) for each, true in pairs])
            table = np.array(rows, float)
            told_of = [
                f"{table[:, i, 0].mean():.3f}, {table[:, i, 0].std():.3f}, {table[:, i, 1].mean():.0%}" for i in (0, 1)
            ]
            print(f"{name} | {shown}, {factor}x | {' | '.join(told_of)} | {1e3 * start / args.sources:.0f}")


if __name__ == "__main__":
    main()
