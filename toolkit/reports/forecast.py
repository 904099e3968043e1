"""Forecast a held-out rung from the fitted ones, to be written before its students are trained."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from toolkit.laws.curve.baselines import predict_baselines
from toolkit.laws.curve.data import NoCurve
from toolkit.laws.curve.fit import fit_law
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.forecast.ahead import AVERAGED, Ahead, forecast_of
from toolkit.laws.forecast.averaged import ASSUMES
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.results import Series, select_control

Point = Mapping[str, float]  # a student: budget, train_seed, error (fraction), n (test items)


@dataclass(frozen=True)
class ParameterEstimate:
    """A parameter by least squares, and its posterior interval; None for unknown values."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Prediction:
    """The forecast of one budget: its `mean`; `low` and `high` bound the curve, `low_new` and `high_new` one new
    student. `point` is the fitted form by least squares, whatever forecast."""

    point: float
    mean: float
    low: float
    high: float
    low_new: float
    high_new: float


def _later() -> Any:
    """Declare a field that a run adds to a forecast; it is None where the file does not have it."""
    return field(default=None, metadata={"later": True})


@dataclass(frozen=True)
class HeldOutForecast:
    """A forecast of the budget `held_out` from the fitted rungs, with its fields in the order of its file.

    Attributes:
        level: level of the intervals, in (0, 1).
        reach: how many times the largest fitted budget `held_out` is.
        form: of the law, a name in `toolkit.laws.curve.forms.FORMS`; `parameters` are its own.
        by: what forecast, `averaged` over forms or the form.
        fitted: the students that were fitted.
        law: the forecast; None where no falling law can be fitted to them; `notes` say why.
        baselines: what every baseline forecasts, by its name; beside an averaged forecast the law is one.
        reading: what the forecast rests on, in words.
        exploratory: whether students of the held-out rung existed before the forecast.
        experiment, pair, counting, control, questions: the series that is forecast.
        written_sha256: digest of the file that was written before those students were trained.
    """

    held_out: int
    level: float
    reach: float
    form: str
    by: str
    fitted: Sequence[Point]
    law: Prediction | None
    baselines: Mapping[str, float]
    parameters: Mapping[str, ParameterEstimate]
    reading: str
    notes: Sequence[str]
    exploratory: bool | None = _later()
    experiment: str | None = _later()
    pair: str | None = _later()
    counting: str | None = _later()
    control: str | None = _later()
    questions: int | None = _later()
    written_sha256: str | None = _later()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "HeldOutForecast":
        """Read the values of a file; older ones, without a form or what forecast, are by the rectified form."""
        form = data.get("form", "rectified")
        given = {"form": form, "by": form, "reading": "", **data}
        values = {part.name: given[part.name] for part in fields(cls) if part.name in given}
        values["law"] = Prediction(**data["law"]) if data["law"] else None
        values["parameters"] = {name: ParameterEstimate(**entry) for name, entry in data["parameters"].items()}
        return cls(**values)

    @property
    def series(self) -> str:
        """Name the series: its pair, counting and control."""
        return f"{self.pair}, {self.counting}, {self.control}"

    @property
    def title(self) -> str:
        """Return what tables call this forecast beside its baselines."""
        return AVERAGED if self.by == AVERAGED else "law"

    @property
    def reason(self) -> str | None:
        """Say why there is no law; None where there is one."""
        return None if self.law else "; ".join(self.notes)


def forecast(
    points: Sequence[Point], *, held_out: int, level: float, form: str = "rectified", by: str = AVERAGED
) -> HeldOutForecast:
    """Forecast a held-out rung from the fitted ones, beside every baseline.

    Args:
        points: one per student of the rungs that the fit may use.
        held_out: the budget to forecast.
        level: of the intervals, in (0, 1).
        form: form of the law, a name in `toolkit.laws.curve.forms.FORMS`.
        by: `averaged` over forms, or the form alone.

    Raises:
        ValueError: for points that `fit_law` refuses, or another `by`.
    """
    reach = held_out / max(point["budget"] for point in points)
    refused = HeldOutForecast(held_out, level, reach, form, by, list(points), None, {}, {}, "", ())
    try:
        fit = fit_points(points, form)
    except NoCurve as error:
        return replace(refused, notes=(str(error),))
    if fit.shape.refused:
        return replace(refused, notes=fit.shape.notes[:1])  # the rise
    ahead = forecast_of(fit, held_out, by)
    return replace(
        refused,
        law=_prediction(fit, ahead, level),
        baselines={name: float(value[0]) for name, value in rivals(fit, ahead.budgets, by).items()},
        parameters=parameters(fit, level),
        reading=ahead.reading,
        notes=tuple(dict.fromkeys([*ahead.notes, *fit.warnings])),
    )


def _prediction(fit: LawFit, ahead: Ahead, level: float) -> Prediction:
    point, (low, high), (low_new, high_new) = fit.at(ahead.budgets), ahead.interval(level), ahead.interval(level, 1)
    return Prediction(*(float(part[0]) for part in (point, ahead.mean, low, high, low_new, high_new)))


def rivals(fit: LawFit, budgets: np.ndarray, by: str) -> dict[str, np.ndarray]:
    """Return what a forecast of budgets (H,) is compared with: the law, where forms are averaged, and baselines."""
    law = {"law": fit.mean(budgets)} if by == AVERAGED else {}
    return law | predict_baselines(fit, budgets)


def forecasts_now(
    all_series: Sequence[Series],
    rules: DecisionRules,
    *,
    fit_max: int,
    held_out: int,
    form: str = "rectified",
    by: str = AVERAGED,
) -> list[HeldOutForecast]:
    """Forecast each series' smallest question set from its rungs up to `fit_max`, where no forecast was written.

    Args:
        all_series: a series per pair; only those that `select_control` selects are forecast.
    """
    forecasts = []
    for series in select_control(all_series, rules.control):
        points = [row for row in series.ladder() if row["budget"] <= fit_max]
        forecasts.append(
            replace(
                forecast(points, held_out=held_out, level=rules.law_level, form=form, by=by),
                pair=series.pair,
                counting=series.counting,
                control=series.control,
                questions=series.cells[0][0],
            )
        )
    return forecasts


def fit_points(points: Sequence[Point], form: str = "rectified") -> LawFit:
    """Fit a form to one row per student; noise is the spread over seeds or, for one seed, that of the test set."""
    budgets, errors = [point["budget"] for point in points], [point["error"] for point in points]
    several = len(set(budgets)) < len(budgets)
    return fit_law(budgets, errors, n=None if several else [point["n"] for point in points], form=form)


def parameters(fit: LawFit, level: float) -> dict[str, ParameterEstimate]:
    """Estimate E (the floor), L0 (at budget 0) and the form's parameters: least squares and posterior interval."""
    ranges = quantiles(fit, [(1 - level) / 2, (1 + level) / 2])
    return {name: ParameterEstimate(finite(fit.parameters[name]), *ends) for name, ends in ranges.items()}


def quantiles(fit: LawFit, shares: Sequence[float]) -> dict[str, list[float | None]]:
    """Return these quantiles of each parameter's posterior, by its name; None for each where there is none."""
    ranges = np.quantile(fit.draws, shares, axis=0).T if len(fit.draws) else [[math.nan] * len(shares)] * len(fit.names)
    return {name: [finite(value) for value in values] for name, values in zip(fit.names, ranges, strict=True)}


def rests_on(readings: Mapping[str, str]) -> list[str]:
    """Say what each pair's forecast rests on, and once what averaged ones assume; older forecasts say nothing of it."""
    carried = [f"{pair}: {reading.removesuffix(f'; {ASSUMES}')}" for pair, reading in readings.items() if reading]
    assumes = f"; {ASSUMES}" if any(reading.endswith(ASSUMES) for reading in readings.values()) else ""
    return [f"The forecast of {'; of '.join(carried)}{assumes}."] if carried else []


def finite(value: Any) -> float | None:
    """Return a number for a file; None for one that is not finite."""
    return float(value) if math.isfinite(value) else None
