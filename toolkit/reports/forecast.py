"""What the law says of a rung that nobody has seen: to be written before its students train."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from toolkit.laws.curve.baselines import predict_baselines
from toolkit.laws.curve.data import NoCurve
from toolkit.laws.curve.lawfit import LawFit
from toolkit.recipe.decision_rules import Rules
from toolkit.reports.law import Point, finite, fit_points, parameters
from toolkit.reports.results import Series, of_control


def forecast(points: Sequence[Point], *, held_out: int, level: float, form: str = "rectified") -> dict[str, Any]:
    """What the fitted rungs say of a rung that nobody has seen, with every baseline's word beside it.

    Args:
        points: one per student, of the rungs that the fit may use.
        held_out: the budget to forecast.
        level: of the intervals, in (0, 1).
        form: of the law, a name in `toolkit.laws.curve.forms.FORMS`.

    Returns:
        Plain values for a file: of `law`, low and high are the curve's, low_new and high_new one new student's. Where
        no falling law can be laid through the rungs, `law` is None and `notes` say why.

    Raises:
        ValueError: for points that are no errors by budget.
    """
    reach = held_out / max(point["budget"] for point in points)  # times the largest fitted budget
    head = {"held_out": held_out, "level": level, "reach": reach, "form": form, "fitted": list(points)}
    try:
        fit = fit_points(points, form)
    except NoCurve as error:
        return head | _refused(str(error))
    if fit.shape.refused:
        return head | _refused(fit.shape.notes[0])  # the rise
    told = fit.predict(held_out, level)
    names = ("point", "mean", "low", "high", "low_new", "high_new")
    return head | {
        "law": {name: finite(getattr(told, name)) for name in names},
        "baselines": {name: float(value[0]) for name, value in predict_baselines(fit, np.array([held_out])).items()},
        "parameters": parameters(fit, level),
        "notes": [*told.notes, *fit.warnings],
    }


def _refused(reason: str) -> dict[str, Any]:
    return {"law": None, "baselines": {}, "parameters": {}, "notes": [reason]}


def forecasts_now(every: Sequence[Series], rules: Rules, *, fit_max: int, held_out: int) -> list[dict[str, Any]]:
    """The forecasts of results that none was written for: of each series' smallest question set up to `fit_max`.

    Args:
        every: a series per pair; only those of the control that counts (all, where none has it).
    """
    told = []
    for series in of_control(every, rules.control):
        points = [row for row in series.ladder() if row["budget"] <= fit_max]
        named = {"pair": series.pair, "counting": series.counting, "control": series.control}
        told.append(
            named | {"questions": series.cells[0][0]} | forecast(points, held_out=held_out, level=rules.law_level)
        )
    return told


def of_mean(fit: LawFit, count: int) -> LawFit:
    """The same fit, whose new observation is the mean of so many students: their sd over the root of their number."""
    level, slope, centre = fit.noise.trend
    return replace(fit, noise=fit.noise._replace(trend=(level - math.log(count) / 2, slope, centre)))
