"""Decide the rule of the law (RQ1): one form for all pairs, fitted to their low rungs, and a held-out rung of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any, NamedTuple

from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.pooled import pool_beta
from toolkit.laws.forecast.ahead import AVERAGED, Ahead, forecast_of
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.forecast import (
    HeldOutForecast,
    ParameterEstimate,
    Point,
    finite,
    fit_points,
    parameters,
    rests_on,
)
from toolkit.reports.results import Cell, Series, select_control
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, REFUTED, Decision
from toolkit.statistics.families import bonferroni
from toolkit.text import joined, percent, points, share, span

HEADER = ("pair", "control", "forecast", "observed", "miss", "log-linear's miss", "beta", "beta, pooled", "pooled miss")


@dataclass(frozen=True)
class OneStudent:
    """The forecast interval of one new student."""

    level: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class LawPart:
    """A pair's forecast, the observed error and the miss; None for unknown values, as where there is no law.

    Attributes:
        refused: why there is no law.
        noise: source of the fit's noise.
        by: what forecast, `averaged` over forms or the form of the law; `reading`: what that rests on.
        forecast, low, high: the mean, and the interval of the mean of as many new students, which confirms.
        low_refuted, high_refuted: the interval outside which the pair refutes the law.
        pooled_forecast, pooled_parameters, pooled_miss: with beta shared by all pairs.
        lines: errors of teacher and base.
    """

    pair: str
    counting: str
    control: str
    questions: int
    form: str
    by: str
    reading: str
    fitted: Sequence[Point]
    baselines: Mapping[str, float]
    parameters: Mapping[str, ParameterEstimate]
    notes: Sequence[str]
    exploratory: bool | None
    refused: str | None
    noise: str | None
    forecast: float | None
    low: float | None
    high: float | None
    low_refuted: float | None
    high_refuted: float | None
    one_student: OneStudent
    pooled_forecast: float | None
    pooled_parameters: Mapping[str, ParameterEstimate] | None
    students: int
    observed: float
    miss: float | None
    log_linear_miss: float | None
    pooled_miss: float | None
    lines: Mapping[str, float]


class _KnownLaw(NamedTuple):
    """The numbers of a part that has a law with known noise."""

    part: LawPart
    forecast: float
    low: float
    high: float
    low_refuted: float
    high_refuted: float
    miss: float

    @property
    def inside(self) -> bool:
        return self.low <= self.part.observed <= self.high

    @property
    def refutes(self) -> bool:
        return not self.low_refuted <= self.part.observed <= self.high_refuted


def decide_law(
    experiment: str,
    all_series: Sequence[Series],
    written: Sequence[HeldOutForecast],
    rules: DecisionRules,
    notes: Sequence[str] = (),
) -> Decision:
    """Decide RQ1, whether one law forecasts the held-out rung of every pair.

    Confirmed: each pair's mean at the held-out rung lies inside the interval of a new such mean, all of them at
    `law_level` together (Bonferroni), no miss and no interval is too wide, and the mean absolute miss is at most that
    of a line in log r. Refuted: a pair lies outside its `law_refuted` interval. A pair that no law could be fitted to
    is never left out: it prevents that the law is confirmed.

    Args:
        all_series: a series per pair; only those that `select_control` selects count.
        written: each pair's forecast, with the names of its series and `questions`.
            The intervals follow only from the points that it was fitted to.

    Raises:
        ValueError: for a pair without students at the held-out budget, or forecasts of other pairs than the results'.
    """
    counted = {
        ", ".join((item.pair, item.counting, item.control)): item for item in select_control(all_series, rules.control)
    }
    forecasts = {item.series: item for item in written}
    if counted.keys() != forecasts.keys():
        raise ValueError(f"forecasts are of {sorted(forecasts)}, the results are of {sorted(counted)}: forecast these")
    level, held_out = bonferroni(rules.law_level, len(forecasts)), written[0].held_out
    fits = {key: fit_points(item.fitted, item.form) for key, item in forecasts.items() if item.law}
    pooled = _pooled(fits)
    parts = [_part(forecasts[key], counted[key], fits.get(key), pooled.get(key), level, rules) for key in counted]
    verdict, reasons = _verdict(parts, rules)
    misses = _mean_misses([part for part in parts if part.low is not None])
    fit_max = max(point["budget"] for item in written for point in item.fitted)
    numbers = {
        "fit_max": fit_max, "held_out": held_out, "level": level, "parts": parts, "mean_miss": misses,
        "reasons": reasons,
    }  # fmt: skip
    header = [*HEADER]
    header[2] = f"forecast of r = {held_out} ({share(level)} interval of a new mean)"
    bars = (
        "Students: mean and sd over replicates. The forecast's interval holds its posterior and the spread over "
        "replicates; test items are the same at every rung."
    )
    sentence = _sentence(parts, numbers, rules)
    rows, words = [_row(part) for part in parts], (bars, *rests_on({part.pair: part.reading for part in parts}), *notes)
    return Decision("law", experiment, verdict, sentence, header, rows, numbers, rules, words)


def _pooled(fits: Mapping[str, LawFit]) -> Mapping[str, LawFit]:
    """Fit again with beta pooled; none for a single fit, unknown noise, or another form than the rectified."""
    possible = len(fits) > 1 and all(
        fit.solution.posterior and fit.settings.form == "rectified" for fit in fits.values()
    )
    return pool_beta(fits) if possible else {}


def _part(
    forecast: HeldOutForecast,
    series: Series,
    fit: LawFit | None,
    pooled: LawFit | None,
    level: float,
    rules: DecisionRules,
) -> LawPart:
    """Compare a pair's forecast with the observed errors."""
    law, held_out = forecast.law, forecast.held_out
    mean_ahead, one_low, one_high = (law.mean, law.low_new, law.high_new) if law else (None, None, None)
    questions = series.cells[0][0] if forecast.questions is None else forecast.questions
    observed = _observed(series, (questions, held_out))
    pooled_mean = None if pooled is None else finite(pooled.predict(held_out, forecast.level).mean)
    ahead = None if fit is None else forecast_of(fit, held_out, forecast.by)
    low, high, low_refuted, high_refuted = _intervals(ahead, len(observed), level, rules)
    return LawPart(
        pair=series.pair, counting=series.counting, control=series.control, questions=questions,
        form=forecast.form, by=forecast.by, reading=forecast.reading, fitted=forecast.fitted,
        baselines=forecast.baselines, parameters=forecast.parameters,
        notes=forecast.notes, exploratory=forecast.exploratory, refused=forecast.reason,
        noise=None if fit is None else fit.noise.source, forecast=mean_ahead,
        low=low, high=high, low_refuted=low_refuted, high_refuted=high_refuted,
        one_student=OneStudent(forecast.level, one_low, one_high),
        pooled_forecast=pooled_mean, pooled_parameters=None if pooled is None else parameters(pooled, forecast.level),
        students=len(observed), observed=mean(observed), miss=_miss(mean_ahead, observed),
        log_linear_miss=_miss(forecast.baselines.get("log-linear"), observed), pooled_miss=_miss(pooled_mean, observed),
        lines={name: float(wrong.mean()) for name, wrong in series.lines.items()},
    )  # fmt: skip


def _observed(series: Series, cell: Cell) -> list[float]:
    errors = series.errors(cell)
    if not errors:
        budgets = ", ".join(str(budget) for questions, budget in series.cells if questions == cell[0])
        raise ValueError(f"{series.pair}: no students at the held-out budget {cell[1]}; budgets are {budgets}")
    return errors


def _miss(forecast: float | None, observed: Sequence[float]) -> float | None:
    return None if forecast is None else forecast - mean(observed)


def _intervals(ahead: Ahead | None, students: int, level: float, rules: DecisionRules) -> Sequence[float | None]:
    """Bound the mean of so many new students: the interval that confirms, then the one that refutes."""
    if ahead is None:
        return [None] * 4
    return [finite(end) for tail in (level, rules.law_refuted) for end in ahead.interval(tail, students)[:, 0]]


def _verdict(parts: Sequence[LawPart], rules: DecisionRules) -> tuple[str, list[str]]:
    """Return the verdict and the reasons against confirming; only pairs with a forecast and known noise can refute."""
    laws = [law for law in _known_laws(parts) if law.part.noise == "seeds"]
    if any(law.refutes for law in laws):
        return REFUTED, []
    judged = [law.part for law in laws]
    misses = _mean_misses(judged)
    alone = [part.pair for part in parts if part not in judged and part.refused is None]
    against = {
        **{f"no law could be fitted to {part.pair} ({part.refused})": bool(part.refused) for part in parts},
        f"one replicate tells nothing of others ({', '.join(alone)})": bool(alone),
        "a pair lies outside its interval": any(not law.inside for law in laws),
        f"a miss is above {points(rules.law_miss, '')} points": any(abs(law.miss) > rules.law_miss for law in laws),
        f"an interval is wider than {points(rules.law_width, '')} points": any(
            law.high - law.low > rules.law_width for law in laws
        ),
        "log-linear misses by less": bool(laws) and misses["forecast"] > misses["log-linear"],
    }
    reasons = [reason for reason, holds in against.items() if holds]
    return CANNOT_TELL if reasons else CONFIRMED, reasons


def _known_laws(parts: Sequence[LawPart]) -> list[_KnownLaw]:
    return [
        _KnownLaw(part, part.forecast, part.low, part.high, part.low_refuted, part.high_refuted, part.miss)
        for part in parts
        if part.forecast is not None and part.low is not None and part.high is not None
        if part.low_refuted is not None and part.high_refuted is not None and part.miss is not None
    ]


def _mean_misses(parts: Sequence[LawPart]) -> dict[str, float]:
    """Return mean absolute misses of forecast, line in log r, and law with beta pooled, where all are known."""
    columns = {
        "forecast": [part.miss for part in parts],
        "log-linear": [part.log_linear_miss for part in parts],
        "law, beta pooled": [part.pooled_miss for part in parts],
    }
    return {
        name: mean(abs(miss) for miss in misses if miss is not None)
        for name, misses in columns.items()
        if misses and None not in misses
    }


def _sentence(parts: Sequence[LawPart], numbers: Mapping[str, Any], rules: DecisionRules) -> str:
    laws, misses = _known_laws(parts), numbers["mean_miss"]
    reasons = f" (not confirmed: {'; '.join(numbers['reasons'])})" if numbers["reasons"] else ""
    late = ", ".join(part.pair for part in parts if part.exploratory)
    reasons += f"; EXPLORATORY: students of that rung existed before the forecast of {late}" * bool(late)
    averaged = " and averaged over forms" * any(part.by == AVERAGED for part in parts)
    head = f"Fitted to r <= {numbers['fit_max']}{averaged}, "
    if not laws:
        return f"{head}no pair has a forecast of r = {numbers['held_out']}{reasons}."
    width = max(law.high - law.low for law in laws)
    least = max(max(law.high_refuted - law.forecast, law.forecast - law.low_refuted) for law in laws)
    both = "law, beta pooled" in misses
    pooled = f", law with beta pooled {points(misses['law, beta pooled'], '')}" if both else ""
    return (
        f"{head}pairs inside the {share(numbers['level'])} interval at r = {numbers['held_out']}: "
        f"{sum(law.inside for law in laws)} of {len(parts)} (at most {points(width, '')} points wide); missed by "
        f"{joined([points(law.miss) for law in laws])} points (mean absolute {points(misses['forecast'], '')}{pooled},"
        f" log-linear {points(misses['log-linear'], '')}); a miss of {points(least, '')} points would have been seen "
        f"at {share(rules.law_refuted)}{reasons}."
    )


def _row(part: LawPart) -> list[str]:
    head, observed = [part.pair, part.control], percent(part.observed)
    if not (laws := _known_laws([part])) or part.log_linear_miss is None:
        return [*head, "none", observed, *["-"] * 5]
    forecast = f"{percent(laws[0].forecast)} ({span(laws[0].low, laws[0].high, '')})"
    misses = [points(laws[0].miss), points(part.log_linear_miss)]
    pooled = "-" if part.pooled_miss is None else points(part.pooled_miss)
    return [*head, forecast, observed, *misses, _beta(part.parameters), _beta(part.pooled_parameters or {}), pooled]


def _beta(estimates: Mapping[str, ParameterEstimate]) -> str:
    beta = estimates.get("beta")
    return "-" if beta is None or beta.low is None or beta.high is None else f"{beta.low:.2f} to {beta.high:.2f}"
