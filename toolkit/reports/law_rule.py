"""The rule of the law (RQ1): one form for all pairs, fitted to their low rungs, against a held-out rung of each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

import numpy as np

from toolkit.evaluation.families import bonferroni
from toolkit.laws.baselines import predict_baselines
from toolkit.laws.lawfit import LawFit
from toolkit.laws.pooled import pool_beta
from toolkit.reports.law import fit_points, parameters
from toolkit.reports.results import Series, of_control
from toolkit.reports.rules import CANNOT_TELL, CONFIRMED, REFUTED, Decision, Rules, joined, percent, points, share, span

HEADER = ("pair", "control", "forecast", "observed", "miss", "log-linear's miss", "beta", "beta, pooled", "pooled miss")


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


def decide_law(
    experiment: str,
    every: Sequence[Series],
    rules: Rules,
    *,
    fit_max: int,
    held_out: int,
    notes: Sequence[str] = (),
) -> Decision:
    """RQ1. Confirmed: each pair's mean at the held-out rung lies inside the interval of a new such mean, all of them at
    `law_level` together (Bonferroni), no miss and no interval is too wide, and the mean absolute miss is at most that
    of a line in log r. Refuted: a pair lies outside its `law_refuted` interval. A pair whose ladder rises has none.

    Args:
        every: a series per pair; only those of the control that counts (all, where none has it).
        fit_max: the largest budget that is fitted.
        held_out: the budget that is forecast.

    Raises:
        ValueError: for a pair without students at the held-out budget, or a ladder that cannot be fitted.
    """
    counted = of_control(every, rules.control)
    level = bonferroni(rules.law_level, len(counted))
    parts = [_part(pair, held_out, level, rules) for pair in fit_pairs(counted, fit_max)]
    verdict, reasons = _verdict(parts, rules)
    misses = _mean_misses([part for part in parts if part["low"] is not None])
    numbers = {
        "parts": parts, "held_out": held_out, "fit_max": fit_max, "level": level, "mean_miss": misses,
        "reasons": reasons,
    }  # fmt: skip
    header = [*HEADER]
    header[2] = f"forecast of r = {held_out} ({share(level)} interval of a new mean)"
    bars = (
        "Students: mean and sd over replicates. The forecast's interval holds the law's posterior and the spread over "
        "replicates; test items are the same at every rung."
    )
    sentence = _sentence(parts, numbers, rules)
    return Decision(
        "law", experiment, verdict, sentence, header, [_row(part) for part in parts], numbers, rules, (bars, *notes)
    )


def _part(pair: PairFit, held_out: int, level: float, rules: Rules) -> dict[str, Any]:
    series, fit = pair.series, pair.fit
    cell = (series.cells[0][0], held_out)
    seen = series.errors(cell)
    if not seen:
        raise ValueError(f"{series.pair}: no students at the held-out budget {held_out}; budgets are {fit.rungs.x}")
    one = fit.predict(held_out, rules.law_level)
    of_mean = [_of_mean(fit, len(seen)).predict(held_out, each) for each in (level, rules.law_refuted)]
    forecast, observed = _finite(one.mean), mean(seen)
    line = predict_baselines(fit, np.array([held_out]))
    pooled = None if pair.pooled is None else _finite(pair.pooled.predict(held_out, rules.law_level).mean)
    return {
        "pair": series.pair, "control": series.control, "questions": cell[0], "students": len(seen),
        "noise": fit.noise.source, "observed": observed, "forecast": forecast, "miss": _miss(forecast, observed),
        "low": _finite(of_mean[0].low_new), "high": _finite(of_mean[0].high_new),
        "low_refuted": _finite(of_mean[1].low_new), "high_refuted": _finite(of_mean[1].high_new),
        "one_student": {"level": rules.law_level, "low": _finite(one.low_new), "high": _finite(one.high_new)},
        "baselines": {name: float(value[0]) for name, value in line.items()},
        "log_linear_miss": float(line["log-linear"][0]) - observed,
        "pooled_forecast": pooled, "pooled_miss": _miss(pooled, observed),
        "parameters": parameters(fit, rules.law_level),
        "pooled_parameters": None if pair.pooled is None else parameters(pair.pooled, rules.law_level),
        "lines": {name: float(wrong.mean()) for name, wrong in series.lines.items()},
        "notes": [*one.notes, *fit.warnings],
    }  # fmt: skip


def _of_mean(fit: LawFit, count: int) -> LawFit:
    """The same fit, whose new observation is the mean of so many students: their sd over the root of their number."""
    level, slope, centre = fit.noise.trend
    return replace(fit, noise=fit.noise._replace(trend=(level - math.log(count) / 2, slope, centre)))


def _verdict(parts: Sequence[Mapping[str, Any]], rules: Rules) -> tuple[str, list[str]]:
    """The verdict, and what keeps it from being confirmed; only pairs with a forecast and known noise can refute."""
    known = [part for part in parts if part["low"] is not None and part["noise"] == "seeds"]
    if any(not part["low_refuted"] <= part["observed"] <= part["high_refuted"] for part in known):
        return REFUTED, []
    misses = _mean_misses(known)
    against = {
        "a ladder rises or has one replicate, which tells nothing of others": len(known) < len(parts),
        "a pair lies outside its interval": any(not _inside(part) for part in known),
        f"a miss is above {points(rules.law_miss, '')} points": any(
            abs(part["miss"]) > rules.law_miss for part in known
        ),
        f"an interval is wider than {points(rules.law_width, '')} points": any(
            part["high"] - part["low"] > rules.law_width for part in known
        ),
        "log-linear misses by less": bool(known) and misses["law"] > misses["log-linear"],
    }
    reasons = [reason for reason, holds in against.items() if holds]
    return CANNOT_TELL if reasons else CONFIRMED, reasons


def _inside(part: Mapping[str, Any]) -> bool:
    return bool(part["low"] <= part["observed"] <= part["high"])


def _mean_misses(parts: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Mean absolute misses of the law, also with beta pooled, and of the line in log r."""
    names = {"law": "miss", "log-linear": "log_linear_miss", "law, beta pooled": "pooled_miss"}
    return {
        told: mean(abs(part[name]) for part in parts)
        for told, name in names.items()
        if parts and all(part[name] is not None for part in parts)
    }


def _sentence(parts: Sequence[Mapping[str, Any]], numbers: Mapping[str, Any], rules: Rules) -> str:
    known = [part for part in parts if part["low"] is not None]
    reasons = f" (not confirmed: {'; '.join(numbers['reasons'])})" if numbers["reasons"] else ""
    head = f"Fitted to r <= {numbers['fit_max']}, "
    if not known:
        return f"{head}no pair has a forecast of r = {numbers['held_out']}{reasons}."
    inside, misses = sum(map(_inside, known)), numbers["mean_miss"]
    widths = [part["high"] - part["low"] for part in known]
    seen = max(max(part["high_refuted"] - part["forecast"], part["forecast"] - part["low_refuted"]) for part in known)
    pooled = f", with beta pooled {points(misses['law, beta pooled'], '')}" if "law, beta pooled" in misses else ""
    return (
        f"{head}pairs inside the {share(numbers['level'])} interval at r = {numbers['held_out']}: {inside} of "
        f"{len(parts)} (at most {points(max(widths), '')} points wide); missed by "
        f"{joined([points(part['miss']) for part in known])} points (mean absolute {points(misses['law'], '')}{pooled},"
        f" log-linear {points(misses['log-linear'], '')}); a miss of {points(seen, '')} points would have been seen "
        f"at {share(rules.law_refuted)}{reasons}."
    )


def _row(part: Mapping[str, Any]) -> list[str]:
    if part["low"] is None:
        return [part["pair"], part["control"], "none", percent(part["observed"]), *["-"] * 5]
    forecast = f"{percent(part['forecast'])} ({span(part['low'], part['high'], '')})"
    told = [points(part["miss"]), points(part["log_linear_miss"]), _beta(part["parameters"])]
    pooled = (
        ["-", "-"] if part["pooled_miss"] is None else [_beta(part["pooled_parameters"]), points(part["pooled_miss"])]
    )
    return [part["pair"], part["control"], forecast, percent(part["observed"]), *told, *pooled]


def _beta(parameters: Mapping[str, Any]) -> str:
    return f"{parameters['beta']['low']:.2f} to {parameters['beta']['high']:.2f}"


def _miss(forecast: float | None, observed: float) -> float | None:
    return None if forecast is None else forecast - observed


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
