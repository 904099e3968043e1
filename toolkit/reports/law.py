"""Report the law of a ladder in numbers and words: errors at the held-out rung beside their forecast."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.laws.curve.forms import FORMS
from toolkit.reports.forecast import HeldOutForecast, ParameterEstimate, Point, fit_points
from toolkit.text import markdown_table
from toolkit.workspace import to_json, write_atomic


@dataclass(frozen=True)
class Observed:
    """Errors of the students at the held-out rung; `sd` is None for a single student."""

    mean: float
    sd: float | None
    students: int


@dataclass(frozen=True)
class LawReport:
    """The contents of `law.json`.

    Attributes:
        misses: forecast minus observed mean, of the forecast (first) and what it is compared with; empty where no law
            could be fitted.
        students_inside: number of students inside the interval of one new student; None without a law.
        lines: errors of teacher and base, for reference.
        points: every student, the held-out rung's too.
    """

    forecast: HeldOutForecast
    observed: Observed
    misses: Mapping[str, float]
    students_inside: int | None
    lines: Mapping[str, float]
    points: Sequence[Point]


def report(
    out: Path, points: Sequence[Point], forecast: HeldOutForecast, lines: Mapping[str, float], *, title: str, note: str
) -> dict[str, Any]:
    """Write `law.json`, `law.png` and, of a law that could be fitted, `fit.json` (for `LawFit.from_json`) into `out`.

    Args:
        points: every student, the held-out rung's too.
        forecast: with the names of pair and experiment.
        lines: errors of teacher and base, for reference.
        title, note: title and note of the figure.

    Returns:
        `sentence`, one line on forecast and observation, and `report`, paragraphs of Markdown.
    """
    from toolkit.reports.figures.law import draw_ladder, extrapolation_of

    fit = fit_points(forecast.fitted, forecast.form) if forecast.law else None
    law = observe(points, forecast, lines)
    write_atomic(out / "law.json", to_json(law))
    if fit is not None:
        write_atomic(out / "fit.json", fit.to_json())
    draw_ladder(out / "law.png", points, lines, title=title, note=note, fit=fit, ahead=extrapolation_of(forecast))
    sentence = _sentence(law)
    return {"sentence": sentence, "report": _paragraphs(law, sentence)}


def observe(points: Sequence[Point], forecast: HeldOutForecast, lines: Mapping[str, float]) -> LawReport:
    """Compare the errors observed at the held-out rung with their forecast."""
    errors = [point["error"] for point in points if point["budget"] == forecast.held_out]
    spread = statistics.stdev(errors) if errors[1:] else None
    observed = Observed(statistics.mean(errors), spread, len(errors))
    misses = {name: value - observed.mean for name, value in _forecasts(forecast).items()}
    law = forecast.law
    inside = sum(law.low_new <= error <= law.high_new for error in errors) if law else None
    return LawReport(forecast, observed, misses, inside, lines, points)


def _forecasts(forecast: HeldOutForecast) -> dict[str, float]:
    """Return the forecast and those of every baseline, by name; none where no law could be fitted."""
    return {forecast.title: forecast.law.mean, **forecast.baselines} if forecast.law else {}


def _sentence(law: LawReport) -> str:
    forecast, observed, misses = law.forecast, law.observed, law.misses
    span = forecast.law
    if span is None:
        return f"r = {forecast.held_out}: no law ({forecast.reason}), observed {observed.mean:.3f}"
    between = f"{forecast.level:.0%} of new students {span.low_new:.3f} to {span.high_new:.3f}"
    return (
        f"r = {forecast.held_out}: forecast {span.mean:.3f} ({between}), "
        f"observed {observed.mean:.3f}, {law.students_inside} of {observed.students} inside; "
        f"miss {100 * misses[forecast.title]:+.1f} points, log-linear {100 * misses['log-linear']:+.1f}, "
        f"last value {100 * misses['last value']:+.1f}"
    )


def _paragraphs(law: LawReport, sentence: str) -> list[str]:
    forecast, observed = law.forecast, law.observed
    fitted = f"r <= {forecast.held_out / forecast.reach:g}"
    if forecast.law is None:
        return [f"No law could be fitted to {fitted}. {sentence}."]
    ahead = _forecasts(forecast)
    rows = [[name, f"{ahead[name]:.3f}", f"{100 * miss:+.1f}"] for name, miss in law.misses.items()]
    estimates = ", ".join(f"{name} = {_estimate(entry)}" for name, entry in forecast.parameters.items())
    mark = "EXPLORATORY: students of this rung existed before the forecast. " if forecast.exploratory else ""
    return [
        f"{mark}Forecast of r = {forecast.held_out} from {fitted}, observed {observed.mean:.3f} "
        f"(n = {observed.students} students):",
        markdown_table(("forecast by", f"error at r = {forecast.held_out}", "miss, points"), rows),
        f"{sentence}.",
        *([f"The forecast: {forecast.reading}."] if forecast.reading else []),
        f"err(r) = {FORMS[forecast.form].formula_in('r')}, least squares ({forecast.level:.0%} posterior intervals): "
        f"{estimates}.",
        *(f"Note: {note}" for note in forecast.notes),
    ]


def _estimate(entry: ParameterEstimate) -> str:
    value, low, high = ("unknown" if part is None else f"{part:.3g}" for part in (entry.value, entry.low, entry.high))
    return f"{value} ({low} to {high})"
