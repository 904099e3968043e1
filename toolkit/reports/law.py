"""The law of a ladder in numbers and words: the forecast of the held-out rung, and what was then observed beside it."""

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.laws.baselines import predict_baselines
from toolkit.laws.fit import LawFit, fit_law
from toolkit.reports.markdown import markdown_table
from toolkit.workspace import to_json, write_atomic

Point = Mapping[str, Any]  # budget, train_seed, error (fraction), n (test items)


def fit_points(points: Sequence[Point]) -> LawFit:
    """The rectified law of one row per student; noise is the spread over seeds, or with one the test set's size."""
    budgets, errors = [point["budget"] for point in points], [point["error"] for point in points]
    several = len(set(budgets)) < len(budgets)
    return fit_law(budgets, errors, n=None if several else [point["n"] for point in points])


def forecast(points: Sequence[Point], *, held_out: int, level: float) -> dict[str, Any]:
    """What the fitted rungs say of a rung that nobody has seen, with every baseline's word beside it.

    Args:
        points: one per student, of the rungs that the fit may use.
        held_out: the budget to forecast.
        level: of the intervals, in (0, 1).

    Raises:
        ValueError: when the rungs rise, so that no falling law can be fitted, or `fit_law` refuses them.
    """
    fit = fit_points(points)
    if not fit.shape.decreasing:
        raise ValueError("; ".join(fit.shape.notes))
    told = fit.predict(held_out, level)
    names = ("point", "mean", "low", "high", "low_new", "high_new")
    return {
        "held_out": held_out,
        "level": level,
        "reach": held_out / max(point["budget"] for point in points),  # times the largest fitted budget
        "fitted": list(points),
        "law": {name: _finite(getattr(told, name)) for name in names},
        "baselines": {name: float(value[0]) for name, value in predict_baselines(fit, np.array([held_out])).items()},
        "parameters": parameters(fit, level),
        "notes": [*told.notes, *fit.warnings],
    }


def parameters(fit: LawFit, level: float) -> dict[str, Any]:
    """Least-squares value and posterior interval of E (the floor), L0 (at budget 0), r_half (responses) and beta."""
    values = {"E": fit.E, "L0": fit.L0, "r_half": fit.r_half, "beta": fit.beta}
    tails = [(1 - level) / 2, (1 + level) / 2]
    ranges = np.quantile(fit.draws, tails, axis=0) if len(fit.draws) else np.full((2, 4), np.nan)
    return {
        name: {"value": _finite(value), "low": _finite(low), "high": _finite(high)}
        for (name, value), low, high in zip(values.items(), *ranges, strict=True)
    }


def report(
    out: Path, points: Sequence[Point], told: Mapping[str, Any], lines: Mapping[str, float], *, title: str, note: str
) -> dict[str, Any]:
    """Write `law.json`, `fit.json` (the fit, for `LawFit.from_json`) and `law.png` into `out`.

    Args:
        points: every student, the held-out rung's too.
        told: the forecast as `forecast` wrote it.
        lines: errors of teacher and base, for reference.
        title, note: of the figure.

    Returns:
        `sentence`, one line on forecast and observation, and `report`, paragraphs of Markdown.
    """
    from toolkit.reports.ladder_figure import draw_ladder

    fit = fit_points(told["fitted"])
    seen = [point["error"] for point in points if point["budget"] == told["held_out"]]
    observed = {
        "mean": statistics.mean(seen),
        "sd": statistics.stdev(seen) if seen[1:] else None,
        "students": len(seen),
    }
    misses = {"law": told["law"]["mean"], **told["baselines"]}
    misses = {name: value - observed["mean"] for name, value in misses.items()}
    inside = sum(told["law"]["low_new"] <= error <= told["law"]["high_new"] for error in seen)
    law = {
        "forecast": told,
        "observed": observed,
        "misses": misses,
        "students_inside": inside,
        "lines": lines,
        "points": points,
    }
    write_atomic(out / "law.json", to_json(law))
    write_atomic(out / "fit.json", fit.to_json())
    draw_ladder(out / "law.png", points, lines, title=title, note=note, fit=fit, told=told)
    return {
        "sentence": _sentence(told, observed, misses, inside),
        "report": _paragraphs(told, observed, misses, inside),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _sentence(told: Mapping[str, Any], observed: Mapping[str, Any], misses: Mapping[str, float], inside: int) -> str:
    law = told["law"]
    low, high = law["low_new"], law["high_new"]
    span = "no interval" if low is None else f"{told['level']:.0%} of new students {low:.3f} to {high:.3f}"
    return (
        f"r = {told['held_out']}: forecast {law['mean']:.3f} ({span}), "
        f"observed {observed['mean']:.3f}, {inside} of {observed['students']} inside; "
        f"miss {100 * misses['law']:+.1f} points, log-linear {100 * misses['log-linear']:+.1f}, "
        f"last value {100 * misses['last value']:+.1f}"
    )


def _paragraphs(
    told: Mapping[str, Any], observed: Mapping[str, Any], misses: Mapping[str, float], inside: int
) -> list[str]:
    ahead = {"law": told["law"]["mean"], **told["baselines"]}
    rows = [[name, f"{ahead[name]:.3f}", f"{100 * miss:+.1f}"] for name, miss in misses.items()]
    spans = [
        f"{name} = {_told(entry['value'])} ({_told(entry['low'])} to {_told(entry['high'])})"
        for name, entry in told["parameters"].items()
    ]
    mark = "EXPLORATORY: students of this rung existed before the forecast. " if told.get("exploratory") else ""
    return [
        f"{mark}Forecast of r = {told['held_out']} from r <= {told['held_out'] / told['reach']:g}, observed "
        f"{observed['mean']:.3f} (n = {observed['students']} students):",
        markdown_table(("forecast by", f"error at r = {told['held_out']}", "miss, points"), rows),
        f"{_sentence(told, observed, misses, inside)}.",
        f"err(r) = E + B / (D0 + r^beta), least squares ({told['level']:.0%} posterior intervals): {', '.join(spans)}.",
        *(f"Note: {note}" for note in told["notes"]),
    ]


def _told(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"
