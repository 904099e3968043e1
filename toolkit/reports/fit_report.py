"""Report a fitted law as plain values and as text: forecasts beside their baselines, in readable units."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from toolkit.laws.curve.baselines import TableRow, forecast_table
from toolkit.laws.curve.data import MIN_RUNGS
from toolkit.laws.curve.fit import fit_law, without_top_rung
from toolkit.laws.curve.forms import FORMS
from toolkit.laws.curve.lawfit import LawFit
from toolkit.laws.curve.predict import REFUSE_BEYOND
from toolkit.laws.forecast.ahead import AVERAGED, Ahead, check_by, forecast_of
from toolkit.reports.curves import MeasuredLadder
from toolkit.reports.forecast import finite, quantiles, rivals
from toolkit.text import markdown_table

LEVEL = 0.9
NOISE = {"seeds": "spread over runs", "sd": "sd as given", "items": "binomial", "none": "unknown"}


def fit_ladder(
    ladder: MeasuredLadder, fit_max: float | None = None, max_beta: float = 1.0, form: str = "rectified"
) -> LawFit:
    """Fit the law of one ladder of a table; ValueError begins with the ladder's name."""
    repeated = len(np.unique(ladder.budgets)) < len(ladder.budgets)
    try:
        return fit_law(
            ladder.budgets,
            ladder.values,
            ladder.sd,
            n=None if repeated else ladder.n,
            form=form,
            fit_max=fit_max,
            max_beta=max_beta,
            quantity=ladder.quantity,
            residuals="log" if ladder.quantity == "loss" else "linear",
        )
    except ValueError as error:
        raise ValueError(f"{ladder.name}: {error}") from error


def describe(fit: LawFit, budgets: Sequence[float], notes: Sequence[str] = (), by: str = AVERAGED) -> dict[str, Any]:
    """Return a fit as plain values: parameters, forecasts, the baselines' table, notes and warnings.

    Parameters are the law's, by least squares and by the posterior's median and 90 % interval. Forecasts are `averaged`
    over forms, or `by` the form of the law alone, and `reading` says in words what they rest on.
    """
    check_by(by, fit.settings.form)
    forecasts = [forecast_of(fit, budget, by) for budget in budgets]
    said = [*notes, *(note for ahead in forecasts for note in ahead.notes if note not in fit.warnings)]
    baselines = rivals(fit, np.array(budgets, float), by) if budgets else {}
    return {
        "form": FORMS[fit.settings.form].formula,
        "quantity": fit.settings.quantity,
        "fitted": {name: getattr(fit.rungs, name).tolist() for name in ("x", "y", "rows")},
        "held_out": np.unique(fit.held_out[0]).tolist(),
        "noise": fit.noise.source,
        "level": LEVEL,
        "parameters": _parameters(fit),
        "floor": fit.floor,
        "forecast": by,
        "reading": forecasts[0].reading if forecasts else None,
        "forecasts": [_forecast(fit, ahead) for ahead in forecasts],
        "baselines": {name: values.tolist() for name, values in baselines.items()},
        "table": [_row(row) for row in [*_averaged(fit, by), *forecast_table(fit)]],
        "notes": list(dict.fromkeys(said)),
        "warnings": list(fit.warnings),
    }


def _averaged(fit: LawFit, by: str) -> list[TableRow]:
    """Return the averaged forecast's row of the table, as `forecast_table` has one for each form."""
    if by != AVERAGED:
        return []
    budgets, last = np.unique(fit.held_out[0]), float(fit.rungs.x[-1])
    observed = np.array([fit.held_out[1][fit.held_out[0] == budget].mean() for budget in budgets])
    ahead = np.array([_mean_at(fit, budget) for budget in budgets], float)
    back = _mean_at(without_top_rung(fit), last) if len(fit.rungs.x) > MIN_RUNGS else np.nan
    return [TableRow(AVERAGED, ahead, ahead - observed, back - float(fit.rungs.y[-1]))]


def _mean_at(fit: LawFit, budget: float) -> float:
    too_far = budget > REFUSE_BEYOND * fit.rungs.x[-1]
    return np.nan if too_far else float(forecast_of(fit, budget).mean[0])


def _parameters(fit: LawFit) -> dict[str, dict[str, float | None]]:
    entries: dict[str, dict[str, float | None]] = {name: {"value": finite(x)} for name, x in fit.parameters.items()}
    for name, ends in quantiles(fit, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2]).items():
        entries[name] |= dict(zip(("low", "median", "high"), ends, strict=True))
    return entries


def _forecast(fit: LawFit, ahead: Ahead) -> dict[str, float | None]:
    point = ahead.mean if fit.shape.refused else fit.at(ahead.budgets)
    (low, high), (low_new, high_new) = ahead.interval(LEVEL), ahead.interval(LEVEL, 1)
    ends = {"low": low, "high": high, "low_new": low_new, "high_new": high_new}
    columns = {"r": ahead.budgets, "point": point, "mean": ahead.mean, **ends}
    return {name: finite(column[0]) for name, column in columns.items()}


def _row(row: TableRow) -> dict[str, Any]:
    predicted, miss = ([finite(value) for value in values] for values in (row.predicted, row.miss))
    return {"form": row.form, "predicted": predicted, "miss": miss, "top_rung_miss": finite(row.top_rung_miss)}


def as_text(name: str, report: Mapping[str, Any]) -> str:
    """Write a report of `describe` as Markdown that reads well on a terminal; errors in percent, losses as they are."""
    percent, fitted = report["quantity"] == "error", report["fitted"]
    rungs = ", ".join(f"{x:g}" for x in fitted["x"])
    head = f"{name}: {report['form']}, fitted to {sum(fitted['rows']):g} rows at {len(fitted['x'])} budgets ({rungs})"
    blocks = [
        f"{head}; noise: {NOISE[report['noise']]}{'; tables in percent' if percent else ''}",
        "",
        parameter_table(report["parameters"]),
        *(["", _ahead(report, percent), "", f"forecast: {report['reading']}"] if report["forecasts"] else []),
        "",
        _misses(report, percent),
        "",
        *(f"note: {note}" for note in report["notes"]),
        *(f"warning: {warning}" for warning in report["warnings"]),
    ]
    return "\n".join(blocks)


def _ahead(report: Mapping[str, Any], percent: bool) -> str:
    header = ["budget", "least squares", "mean", "90 % of curves", "90 % of new runs", *report["baselines"]]
    rows = []
    for index, ahead in enumerate(report["forecasts"]):
        spans = [
            f"{error_text(ahead[low], percent)} to {error_text(ahead[f'high{low[3:]}'], percent)}"
            for low in ("low", "low_new")
        ]
        rivals = [error_text(values[index], percent) for values in report["baselines"].values()]
        rows.append(
            [
                f"{ahead['r']:g}",
                error_text(ahead["point"], percent),
                error_text(ahead["mean"], percent),
                *spans,
                *rivals,
            ]
        )
    return markdown_table(header, rows)


def _misses(report: Mapping[str, Any], percent: bool) -> str:
    header = ["form", *(f"miss at {budget:g}" for budget in report["held_out"]), "miss at the last rung, left out"]
    rows = [
        [row["form"], *(error_text(miss, percent, "+") for miss in [*row["miss"], row["top_rung_miss"]])]
        for row in report["table"]
    ]
    return markdown_table(header, rows)


def error_text(value: float | None, percent: bool, sign: str = "") -> str:
    """Write an error in percent with two decimals, or a loss with four digits, as every table of the law does."""
    if value is None:
        return "-"
    if not percent:
        return format(value, f"{sign}.4g")
    # Means of the same answers differ in their last bits by the order of the sum, which must not show in the text.
    return format(round(100 * value, 9), f"{sign}.2f")


def parameter_table(
    parameters: Mapping[str, Mapping[str, float | None]], names: Mapping[str, str] | None = None
) -> str:
    """Tabulate each parameter's median and 90 % interval in the posterior, and its least-squares value beside them.

    Least squares is the single best curve: where the data are weak it can lie outside the interval. `names` maps the
    parameters to show to their labels; None shows all of them by their own names.
    """
    labels = names or {name: name for name in parameters}
    rows = [_parameter(label, parameters[name]) for name, label in labels.items()]
    return markdown_table(("parameter", "median", "90 % interval", "least squares"), rows)


def _parameter(name: str, entry: Mapping[str, float | None]) -> list[str]:
    low, high = (_digits(entry.get(end)) for end in ("low", "high"))
    span = "-" if "-" in (low, high) else f"{low} to {high}"
    return [name, _digits(entry.get("median")), span, _digits(entry["value"])]


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
