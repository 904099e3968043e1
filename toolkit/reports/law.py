"""The law of a ladder in numbers and words: what was observed at the held-out rung, beside its forecast."""

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.laws.curve.fit import fit_law
from toolkit.laws.curve.forms import FORMS
from toolkit.laws.curve.lawfit import LawFit
from toolkit.text import markdown_table
from toolkit.workspace import to_json, write_atomic

Point = Mapping[str, Any]  # budget, train_seed, error (fraction), n (test items)


def fit_points(points: Sequence[Point], form: str = "rectified") -> LawFit:
    """Fit a form to one row per student; noise is the spread over seeds, or with one the test set's size."""
    budgets, errors = [point["budget"] for point in points], [point["error"] for point in points]
    several = len(set(budgets)) < len(budgets)
    return fit_law(budgets, errors, n=None if several else [point["n"] for point in points], form=form)


def form_of(forecast: Mapping[str, Any]) -> str:
    """Return the form that a written forecast is of; those written before there was a choice are rectified."""
    return str(forecast.get("form", "rectified"))


def parameters(fit: LawFit, level: float) -> dict[str, Any]:
    """Least-squares value and posterior interval of E (the floor), L0 (at budget 0) and what the form names."""
    tails = [(1 - level) / 2, (1 + level) / 2]
    ranges = np.quantile(fit.draws, tails, axis=0) if len(fit.draws) else np.full((2, len(fit.names)), np.nan)
    return {
        name: {"value": finite(fit.parameters[name]), "low": finite(low), "high": finite(high)}
        for name, low, high in zip(fit.names, *ranges, strict=True)
    }


def report(
    out: Path, points: Sequence[Point], told: Mapping[str, Any], lines: Mapping[str, float], *, title: str, note: str
) -> dict[str, Any]:
    """Write `law.json`, `law.png` and, of a law that could be fitted, `fit.json` (for `LawFit.from_json`) into `out`.

    Args:
        points: every student, the held-out rung's too.
        told: the forecast as `law_forecast.forecast` wrote it, with the names of pair and experiment.
        lines: errors of teacher and base, for reference.
        title, note: of the figure.

    Returns:
        `sentence`, one line on forecast and observation, and `report`, paragraphs of Markdown.
    """
    from toolkit.reports.figures.ladder import draw_ladder

    fit = fit_points(told["fitted"], form_of(told)) if told["law"] else None
    seen = [point["error"] for point in points if point["budget"] == told["held_out"]]
    observed = {
        "mean": statistics.mean(seen),
        "sd": statistics.stdev(seen) if seen[1:] else None,
        "students": len(seen),
    }
    misses = {name: value - observed["mean"] for name, value in _ahead(told).items()}
    span = told["law"] or {}
    inside = sum(span["low_new"] <= error <= span["high_new"] for error in seen) if span else None
    law = {
        "forecast": told,
        "observed": observed,
        "misses": misses,
        "students_inside": inside,
        "lines": lines,
        "points": points,
    }
    write_atomic(out / "law.json", to_json(law))
    if fit is not None:
        write_atomic(out / "fit.json", fit.to_json())
    draw_ladder(out / "law.png", points, lines, title=title, note=note, fit=fit, told=told)
    sentence = _sentence(told, law)
    return {"sentence": sentence, "report": _paragraphs(told, law, sentence)}


def _ahead(told: Mapping[str, Any]) -> dict[str, float]:
    """What was forecast, by the law and by every baseline; nothing where no law could be fitted."""
    return {"law": told["law"]["mean"], **told["baselines"]} if told["law"] else {}


def finite(value: Any) -> float | None:
    """A number for a file; None for one that is not known."""
    return float(value) if math.isfinite(value) else None


def _sentence(told: Mapping[str, Any], law: Mapping[str, Any]) -> str:
    seen, misses, span = law["observed"], law["misses"], told["law"]
    if span is None:
        return f"r = {told['held_out']}: no law ({'; '.join(told['notes'])}), observed {seen['mean']:.3f}"
    between = f"{told['level']:.0%} of new students {span['low_new']:.3f} to {span['high_new']:.3f}"
    return (
        f"r = {told['held_out']}: forecast {span['mean']:.3f} ({between}), "
        f"observed {seen['mean']:.3f}, {law['students_inside']} of {seen['students']} inside; "
        f"miss {100 * misses['law']:+.1f} points, log-linear {100 * misses['log-linear']:+.1f}, "
        f"last value {100 * misses['last value']:+.1f}"
    )


def _paragraphs(told: Mapping[str, Any], law: Mapping[str, Any], sentence: str) -> list[str]:
    fitted = f"r <= {told['held_out'] / told['reach']:g}"
    if told["law"] is None:
        return [f"No law could be fitted to {fitted}. {sentence}."]
    ahead, seen = _ahead(told), law["observed"]
    rows = [[name, f"{ahead[name]:.3f}", f"{100 * miss:+.1f}"] for name, miss in law["misses"].items()]
    spans = [
        f"{name} = {_told(entry['value'])} ({_told(entry['low'])} to {_told(entry['high'])})"
        for name, entry in told["parameters"].items()
    ]
    mark = "EXPLORATORY: students of this rung existed before the forecast. " if told.get("exploratory") else ""
    return [
        f"{mark}Forecast of r = {told['held_out']} from {fitted}, observed {seen['mean']:.3f} "
        f"(n = {seen['students']} students):",
        markdown_table(("forecast by", f"error at r = {told['held_out']}", "miss, points"), rows),
        f"{sentence}.",
        f"err(r) = {FORMS[form_of(told)].written('r')}, least squares ({told['level']:.0%} posterior intervals): "
        f"{', '.join(spans)}.",
        *(f"Note: {note}" for note in told["notes"]),
    ]


def _told(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"
