"""Forecast from a corpus alone what its source gives: pass@k, distinct solution paths and question coverage.

None of this forecasts an error. At equal numbers of distinct paths, corpora of more questions train better students, so
paths and coverage say how much new a source still has to offer, not how well a student learns from it. (The derivation
that links hazards of quanta to errors is in `hazards`, the generative simulator of the two-axis law in `simulate`.)
"""

import warnings
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from toolkit.laws.coverage.hazards import HAZARDS, expected_error, sampled_error
from toolkit.laws.coverage.simulate import simulate_surface
from toolkit.laws.coverage.solutions import PathModel, fit_paths
from toolkit.laws.curve.forms import n_eff

__all__ = [
    "HAZARDS",
    "CountInterval",
    "FarForecast",
    "PathCounts",
    "PathForecast",
    "PathModel",
    "count_paths",
    "expected_error",
    "expected_new",
    "forecast_paths",
    "model_paths",
    "n_eff",
    "pass_at_k",
    "sampled_error",
    "simulate_surface",
]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

# With fewer draws the counts have too few terms for a series: half of what is not yet covered may be missed.
FEWEST_DRAWS = 4


class FarForecast(UserWarning):
    """The forecast reaches beyond what the counts determine without a model."""


class PathCounts(NamedTuple):
    """Counts over Q questions with `draws` responses each: `accepted` (Q,) responses, and `frequencies` (Q, draws), the
    numbers of paths that occur exactly 1, 2, ..., draws times."""

    draws: int
    accepted: Integers
    frequencies: Integers

    @property
    def distinct(self) -> Integers:
        """Return the number of distinct accepted paths of each question (Q,)."""
        return self.frequencies.sum(axis=1)


class CountInterval(NamedTuple):
    """A point forecast with the ends of its interval."""

    point: float
    low: float
    high: float


class PathForecast(NamedTuple):
    """Totals at `budget` responses per question: distinct accepted `paths` and `covered` questions (at least one
    accepted response) with intervals for the future counts; `method` and, for a far forecast, a `warning`."""

    budget: int
    questions: int
    paths: CountInterval
    covered: CountInterval
    method: str
    warning: str | None


def pass_at_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> Array:
    """Estimate without bias P(at least one of k responses is right) from c right ones of n: 1 - C(n-c, k)/C(n, k).

    Arrays of integers broadcast, 0 <= c <= n and 1 <= k <= n. A product of ratios is taken, so that no coefficient
    overflows and no two nearly equal numbers are subtracted. Chen et al. 2021, arXiv 2107.03374, equation (1).
    """
    n, c, k = np.broadcast_arrays(*(np.asarray(value, int) for value in (n, c, k)))
    if np.any((c < 0) | (c > n)) or np.any((k < 1) | (k > n)):
        raise ValueError("pass@k needs 0 <= right <= responses and 1 <= k <= responses for every question")
    steps = np.arange(int(k.max(initial=0)))
    ratios = np.where(steps < k[..., None], 1 - c[..., None] / np.maximum(n[..., None] - steps, 1), 1.0)
    return 1.0 - np.prod(np.maximum(ratios, 0.0), axis=-1)


def count_paths(labels: Sequence[Sequence[Hashable | None]]) -> PathCounts:
    """Count paths from labels[question][draw]: the path of an accepted response (any hashable), None for another.

    All questions need the same number of draws; raises ValueError otherwise, and on no questions or no draws.
    """
    draws = len(labels[0]) if labels else 0
    if draws == 0:
        raise ValueError("counting paths needs at least one question with at least one response")
    frequencies = np.zeros((len(labels), draws), int)
    for row, row_labels in zip(frequencies, labels, strict=True):
        if len(row_labels) != draws:
            raise ValueError(f"every question needs the same number of responses, got {draws} and {len(row_labels)}")
        for times in Counter(label for label in row_labels if label is not None).values():
            row[times - 1] += 1
    return PathCounts(draws, frequencies @ np.arange(1, draws + 1), frequencies)


def expected_new(frequencies: ArrayLike, draws: int, more: int) -> Array:
    """Return the expected number of new distinct paths in the next `more` responses, 1 <= more <= draws.

    `frequencies` (..., draws) are the numbers of paths that occur exactly 1, 2, ..., draws times in `draws` responses,
    of one question (a row) or summed over a pool; the result has shape (...) and is never negative. A sampler may stop
    where it is too small. Single questions are noisy: `model_paths(counts).new_paths` uses the whole pool for each.

    Good & Toulmin 1956, sum of -(-t)^j f_j with t = more / draws, smoothed by Euler's transform (Efron & Thisted 1976)
    so that paths seen in nearly every response do not tip it.
    """
    if not 1 <= more <= draws:
        raise ValueError(f"counts carry no further than a doubling: 1 <= more <= {draws}, got {more}")
    counts = np.asarray(frequencies, float)
    if counts.shape[-1:] != (draws,):
        raise ValueError(f"frequencies need one column for each of {draws} responses, got shape {counts.shape}")
    return np.maximum(counts @ _good_toulmin(draws, more), 0.0)


def _good_toulmin(draws: int, more: int) -> Array:
    t, times = more / draws, np.arange(1, draws + 1)
    # Six terms suffice for a doubling; further ones add only the noise of the counts of frequent paths.
    return -((-t) ** times) * binom.sf(times - 1, min(max(draws, 4), 6), 1 / (1 + t))


def model_paths(counts: PathCounts) -> PathModel:
    """Fit the pool's path model (Pitman-Yor and Beta acceptance), for single questions and for far budgets."""
    return fit_paths(counts.accepted, counts.distinct, counts.frequencies, counts.draws, np.ones(len(counts.accepted)))


def forecast_paths(
    counts: PathCounts, budget: int, *, level: float = 0.9, resamples: int = 200, seed: int = 0
) -> PathForecast:
    """Forecast distinct accepted paths and covered questions once every question has `budget` responses.

    Up to twice the draws so far it uses Good-Toulmin, which needs no model; beyond, or from fewer than 4 draws,
    Pitman-Yor, with a `FarForecast` warning. The intervals at `level` resample the questions and the future responses.
    """
    more, questions = budget - counts.draws, len(counts.accepted)
    if more < 1:
        raise ValueError(f"the corpus already has {counts.draws} responses per question: forecast a larger budget")
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level:g}")
    rng = np.random.default_rng(seed)
    resampled = rng.multinomial(questions, np.full(questions, 1 / questions), resamples)
    weights = np.vstack([np.ones(questions), resampled])  # row 0 is the pool itself: the point
    far = budget > 2 * counts.draws or counts.draws < FEWEST_DRAWS
    paths, covered = (_by_model if far else _by_counts)(counts, more, weights)
    uncovered = int((counts.accepted == 0).sum())
    new_paths = _interval(paths, rng.poisson(paths[1:]), level)
    new_covered = _interval(covered * uncovered, rng.binomial(uncovered, covered[1:]), level)
    return PathForecast(
        budget,
        questions,
        CountInterval(*(float(counts.distinct.sum() + value) for value in new_paths)),
        CountInterval(*(float(questions - uncovered + value) for value in new_covered)),
        "pitman-yor" if far else "good-toulmin",
        _warn(budget, counts.draws) if far else None,
    )


def _interval(expected: Array, outcomes: Integers, level: float) -> tuple[float, float, float]:
    low, high = np.quantile(outcomes, [(1 - level) / 2, (1 + level) / 2])
    return float(expected[0]), float(low), float(high)


def _warn(budget: int, draws: int) -> str:
    message = (
        f"{budget} responses from {draws}: beyond a doubling, or from fewer than {FEWEST_DRAWS}, the forecast rests on "
        "a model of how paths are spread (Pitman-Yor), and its interval holds only if that model does"
    )
    warnings.warn(message, FarForecast, stacklevel=3)
    return message


def _by_counts(counts: PathCounts, more: int, weights: Array) -> tuple[Array, Array]:
    """Return per resample the expected new paths, and the chance that a question not yet covered becomes covered."""
    accepts = (counts.accepted[:, None] == np.arange(1, counts.draws + 1)).astype(float)
    newly = expected_new(weights @ accepts, counts.draws, more)
    uncovered = np.maximum(weights @ (counts.accepted == 0), 1.0)
    return expected_new(weights @ counts.frequencies, counts.draws, more), np.minimum(newly / uncovered, 1.0)


def _by_model(counts: PathCounts, more: int, weights: Array) -> tuple[Array, Array]:
    paths, covered = np.empty(len(weights)), np.empty(len(weights))
    for index, weight in enumerate(weights):
        model = fit_paths(counts.accepted, counts.distinct, counts.frequencies, counts.draws, weight)
        paths[index] = weight @ model.new_paths(counts.distinct, counts.accepted, counts.draws, more)
        covered[index] = 1 - model.uncovered(counts.draws, more)
    return paths, covered
