"""The rule of the law (RQ1): one form for all pairs, fitted to their low rungs, against a held-out rung of each."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.pooled import pool_beta
from toolkit.recipe.decision_rules import Rules
from toolkit.reports.forecast import of_mean
from toolkit.reports.law import finite, fit_points, form_of, parameters
from toolkit.reports.results import Series, of_control
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, REFUTED, Decision
from toolkit.statistics.families import bonferroni
from toolkit.text import joined, percent, points, share, span

# What is kept of a forecast.
KEPT = ("pair", "counting", "control", "questions", "form", "fitted", "baselines", "parameters", "notes")
HEADER = ("pair", "control", "forecast", "observed", "miss", "log-linear's miss", "beta", "beta, pooled", "pooled miss")


def decide_law(
    experiment: str,
    every: Sequence[Series],
    written: Sequence[Mapping[str, Any]],
    rules: Rules,
    notes: Sequence[str] = (),
) -> Decision:
    """RQ1. Confirmed: each pair's mean at the held-out rung lies inside the interval of a new such mean, all of them at
    `law_level` together (Bonferroni), no miss and no interval is too wide, and the mean absolute miss is at most that
    of a line in log r. Refuted: a pair lies outside its `law_refuted` interval. A pair that no law could be fitted to
    is never left out: it keeps the law from being confirmed.

    Args:
        every: a series per pair; only those of the control that counts (all, where none has it).
        written: each pair's forecast, as `law_forecast.forecast` made it, with the names of its series and `questions`.
            The intervals follow from the points that it was fitted to, and from nothing that came later.

    Raises:
        ValueError: for a pair without students at the held-out budget, or forecasts of other pairs than the results'.
    """
    counted = {", ".join((each.pair, each.counting, each.control)): each for each in of_control(every, rules.control)}
    told = {", ".join(each[name] for name in ("pair", "counting", "control")): each for each in written}
    if counted.keys() != told.keys():
        raise ValueError(f"forecasts are of {sorted(told)}, the results are of {sorted(counted)}: forecast these")
    level, held_out = bonferroni(rules.law_level, len(told)), written[0]["held_out"]
    fits = {key: fit_points(each["fitted"], form_of(each)) for key, each in told.items() if each["law"]}
    pooled = _pooled(fits)
    parts = [_part(told[key], counted[key], fits.get(key), pooled.get(key), level, rules) for key in counted]
    verdict, reasons = _verdict(parts, rules)
    misses = _mean_misses([part for part in parts if part["low"] is not None])
    fit_max = max(point["budget"] for each in written for point in each["fitted"])
    numbers = {
        "fit_max": fit_max, "held_out": held_out, "level": level, "parts": parts, "mean_miss": misses,
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


def _pooled(fits: Mapping[str, LawFit]) -> Mapping[str, LawFit]:
    """The fits with beta shared; none where there is one, one whose noise is unknown, or a form that has no beta."""
    sure = len(fits) > 1 and all(fit.solution.posterior and "beta" in fit.names for fit in fits.values())
    return pool_beta(fits) if sure else {}


def _part(
    told: Mapping[str, Any], series: Series, fit: LawFit | None, pooled: LawFit | None, level: float, rules: Rules
) -> dict[str, Any]:
    """A pair's forecast with what was observed, how far it missed, and teacher and base; None for what is unknown."""
    held_out, law = told["held_out"], told["law"] or {}
    seen = series.errors((told["questions"], held_out))
    if not seen:
        budgets = ", ".join(str(budget) for questions, budget in series.cells if questions == told["questions"])
        raise ValueError(f"{series.pair}: no students at the held-out budget {held_out}; budgets are {budgets}")
    observed, beside = mean(seen), None if pooled is None else finite(pooled.predict(held_out, told["level"]).mean)
    ahead = {"miss": law.get("mean"), "log_linear_miss": told["baselines"].get("log-linear"), "pooled_miss": beside}
    return {
        **{name: told[name] for name in KEPT if name in told},
        "exploratory": told.get("exploratory"), "refused": None if told["law"] else "; ".join(told["notes"]),
        "noise": None if fit is None else fit.noise.source, "forecast": law.get("mean"),
        **_intervals(fit, held_out, len(seen), level, rules),
        "one_student": {"level": told["level"], "low": law.get("low_new"), "high": law.get("high_new")},
        "pooled_forecast": beside, "pooled_parameters": None if pooled is None else parameters(pooled, told["level"]),
        "students": len(seen), "observed": observed,
        **{name: None if value is None else value - observed for name, value in ahead.items()},
        "lines": {name: float(wrong.mean()) for name, wrong in series.lines.items()},
    }  # fmt: skip


def _intervals(fit: LawFit | None, held_out: int, students: int, level: float, rules: Rules) -> dict[str, float | None]:
    """Of the mean of so many new students: the one that confirms and the one that refutes."""
    names = ("low", "high", "low_refuted", "high_refuted")
    if fit is None:
        return dict.fromkeys(names)
    inner, outer = (of_mean(fit, students).predict(held_out, each) for each in (level, rules.law_refuted))
    found = (inner.low_new, inner.high_new, outer.low_new, outer.high_new)
    return dict(zip(names, map(finite, found), strict=True))


def _verdict(parts: Sequence[Mapping[str, Any]], rules: Rules) -> tuple[str, list[str]]:
    """The verdict, and what keeps it from being confirmed; only pairs with a forecast and known noise can refute."""
    known = [part for part in parts if part["low"] is not None and part["noise"] == "seeds"]
    if any(not part["low_refuted"] <= part["observed"] <= part["high_refuted"] for part in known):
        return REFUTED, []
    misses = _mean_misses(known)
    alone = [part["pair"] for part in parts if part not in known and part["refused"] is None]
    against = {
        **{f"no law could be fitted to {part['pair']} ({part['refused']})": bool(part["refused"]) for part in parts},
        f"one replicate tells nothing of others ({', '.join(alone)})": bool(alone),
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
    late = ", ".join(part["pair"] for part in parts if part["exploratory"])
    reasons += f"; EXPLORATORY: students of that rung existed before the forecast of {late}" * bool(late)
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
    beta = parameters.get("beta")
    return f"{beta['low']:.2f} to {beta['high']:.2f}" if beta else "-"
