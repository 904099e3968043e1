"""What the law says of a rung that nobody has seen, for several pairs: to be written before its students train."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.evaluation.families import bonferroni
from toolkit.laws.baselines import predict_baselines
from toolkit.laws.lawfit import LawFit
from toolkit.laws.pooled import pool_beta
from toolkit.reports.law import fit_points, parameters
from toolkit.reports.results import Series, of_control
from toolkit.reports.rules import Rules


@dataclass(frozen=True)
class PairFit:
    """One pair's ladder: the fit of its low rungs, alone and with beta pooled (None where it cannot be)."""

    series: Series
    fit: LawFit
    pooled: LawFit | None


def fit_pairs(every: Sequence[Series], fit_max: int) -> list[PairFit]:
    """The law of each series' smallest question set up to budget `fit_max`, with beta apart and pooled."""
    ladders = [[row for row in series.ladder() if row["budget"] <= fit_max] for series in every]
    fits = {str(index): fit_points(rows) for index, rows in enumerate(ladders)}
    sure = len(fits) > 1 and all(fit.solution.posterior is not None for fit in fits.values())
    pooled: Mapping[str, LawFit] = pool_beta(fits) if sure else {}
    return [PairFit(series, fits[str(at)], pooled.get(str(at))) for at, series in enumerate(every)]


def forecast_pairs(
    every: Sequence[Series], rules: Rules, *, fit_max: int, held_out: int, students: int
) -> dict[str, Any]:
    """What `decide_law` will hold against the held-out rung, as plain values for a file.

    Args:
        every: a series per pair; only those of the control that counts (all, where none has it) and budgets up to
            `fit_max` are read.
        fit_max: the largest budget that is fitted.
        held_out: the budget that is forecast.
        students: how many each pair will have there; the intervals are of their mean.

    Raises:
        ValueError: for a ladder that cannot be fitted.
    """
    counted = of_control(every, rules.control)
    level = bonferroni(rules.law_level, len(counted))
    pairs = [_forecast(pair, held_out, students, level, rules) for pair in fit_pairs(counted, fit_max)]
    return {"fit_max": fit_max, "held_out": held_out, "students": students, "level": level, "pairs": pairs}


def _forecast(pair: PairFit, held_out: int, students: int, level: float, rules: Rules) -> dict[str, Any]:
    """Intervals, baselines and parameters of one pair; None where a ladder rises or its noise is unknown."""
    series, fit = pair.series, pair.fit
    one = fit.predict(held_out, rules.law_level)
    inner, outer = (_of_mean(fit, students).predict(held_out, each) for each in (level, rules.law_refuted))
    pooled = None if pair.pooled is None else pair.pooled.predict(held_out, rules.law_level).mean
    return {
        "pair": series.pair, "control": series.control, "questions": series.cells[0][0], "noise": fit.noise.source,
        "forecast": _finite(one.mean), "low": _finite(inner.low_new), "high": _finite(inner.high_new),
        "low_refuted": _finite(outer.low_new), "high_refuted": _finite(outer.high_new),
        "one_student": {"level": rules.law_level, "low": _finite(one.low_new), "high": _finite(one.high_new)},
        "baselines": {name: float(value[0]) for name, value in predict_baselines(fit, np.array([held_out])).items()},
        "parameters": parameters(fit, rules.law_level), "pooled_forecast": _finite(pooled),
        "pooled_parameters": None if pair.pooled is None else parameters(pair.pooled, rules.law_level),
        "notes": [*one.notes, *fit.warnings],
    }  # fmt: skip


def _of_mean(fit: LawFit, count: int) -> LawFit:
    """The same fit, whose new observation is the mean of so many students: their sd over the root of their number."""
    level, slope, centre = fit.noise.trend
    return replace(fit, noise=fit.noise._replace(trend=(level - math.log(count) / 2, slope, centre)))


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
