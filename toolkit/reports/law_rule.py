"""The rule of the law (RQ1): one form for all pairs, fitted to their low rungs, against a held-out rung of each."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from toolkit.reports.law_forecast import forecast_pairs
from toolkit.reports.results import Series, of_control
from toolkit.reports.rules import CANNOT_TELL, CONFIRMED, REFUTED, Decision, Rules, joined, percent, points, share, span

HEADER = ("pair", "control", "forecast", "observed", "miss", "log-linear's miss", "beta", "beta, pooled", "pooled miss")


def decide_law(
    experiment: str,
    every: Sequence[Series],
    rules: Rules,
    *,
    fit_max: int,
    held_out: int,
    written: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> Decision:
    """RQ1. Confirmed: each pair's mean at the held-out rung lies inside the interval of a new such mean, all of them at
    `law_level` together (Bonferroni), no miss and no interval is too wide, and the mean absolute miss is at most that
    of a line in log r. Refuted: a pair lies outside its `law_refuted` interval. A pair whose ladder rises has none.

    Args:
        every: a series per pair; only those of the control that counts (all, where none has it).
        fit_max: the largest budget that is fitted.
        held_out: the budget that is forecast.
        written: what `forecast_pairs` said before the held-out rung was trained; without it, it is asked now.

    Raises:
        ValueError: for a pair without students at the held-out budget, a ladder that cannot be fitted, or a written
            forecast of something else.
    """
    counted = of_control(every, rules.control)
    seen = [_observed(series, held_out) for series in counted]
    asked = {"fit_max": fit_max, "held_out": held_out, "students": max(map(len, seen))}
    told = forecast_pairs(counted, rules, **asked) if written is None else _checked(written, asked, counted)
    parts = [_part(*each) for each in zip(told["pairs"], counted, seen, strict=True)]
    verdict, reasons = _verdict(parts, rules)
    misses = _mean_misses([part for part in parts if part["low"] is not None])
    numbers = {**asked, "level": told["level"], "parts": parts, "mean_miss": misses, "reasons": reasons}
    header = [*HEADER]
    header[2] = f"forecast of r = {held_out} ({share(told['level'])} interval of a new mean)"
    bars = (
        "Students: mean and sd over replicates. The forecast's interval holds the law's posterior and the spread over "
        "replicates; test items are the same at every rung."
    )
    sentence = _sentence(parts, numbers, rules)
    return Decision(
        "law", experiment, verdict, sentence, header, [_row(part) for part in parts], numbers, rules, (bars, *notes)
    )


def _observed(series: Series, held_out: int) -> list[float]:
    seen = series.errors((series.cells[0][0], held_out))
    if not seen:
        budgets = ", ".join(str(budget) for questions, budget in series.cells if questions == series.cells[0][0])
        raise ValueError(f"{series.pair}: no students at the held-out budget {held_out}; budgets are {budgets}")
    return seen


def _checked(written: Mapping[str, Any], asked: Mapping[str, int], counted: Sequence[Series]) -> Mapping[str, Any]:
    said = {name: written.get(name) for name in asked} | {"pairs": [part["pair"] for part in written["pairs"]]}
    wanted = {**asked, "pairs": [series.pair for series in counted]}
    if said != wanted:
        raise ValueError(f"the written forecast is of {said}, the results are of {wanted}: forecast these anew")
    return written


def _part(told: Mapping[str, Any], series: Series, seen: Sequence[float]) -> dict[str, Any]:
    """A pair's forecast with what was observed, how far it missed, and teacher and base."""
    observed = mean(seen)
    ahead = {"miss": told["forecast"], "log_linear_miss": told["baselines"]["log-linear"]}
    misses = ahead | {"pooled_miss": told["pooled_forecast"]}
    return {
        **told,
        "students": len(seen),
        "observed": observed,
        **{name: None if value is None else value - observed for name, value in misses.items()},
        "lines": {name: float(wrong.mean()) for name, wrong in series.lines.items()},
    }


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
