"""Forecasts of the held-out rungs, written before any of their students is trained, and what was then seen."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.pipeline.job import Job
from toolkit.pipeline.results import Measured, words
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import Run
from toolkit.recipe.sections import Law, Recipe
from toolkit.workspace import Artifact, to_json, write_atomic

if TYPE_CHECKING:
    from toolkit.reports.forecast import Forecast

LEVEL = 0.9  # of every interval
FITTED = ("budget", "train_seed", "error", "n")  # what a forecast reads of a student, and is known by


class Held(NamedTuple):
    """A rung that a pair's law does not see."""

    pair: str
    budget: int

    @property
    def place(self) -> str:
        """The folder of its law among a run's results."""
        return f"laws/{self.pair.replace('>', '-').replace('/', '-')}-r{self.budget}"


def refuse_unknown_form(recipe: Recipe) -> None:
    """Refuse a recipe whose law has a form that does not exist, before any work.

    Raises:
        RecipeError: with the forms that exist.
    """
    if recipe.law.form == Law.form:  # numbers are imported only where there is a choice
        return
    from toolkit.laws.curve.forms import FORMS

    if recipe.law.form not in FORMS:
        raise RecipeError(f"{recipe.name}: form: is {recipe.law.form!r}; use one of {', '.join(FORMS)}")


def held_rungs(run: Run) -> list[int]:
    """The rungs that are forecast before they are trained: the recipe's held-out and its confirmatory one."""
    law = run.recipe.law
    return [rung for rung in (law.held_out, law.confirm) if rung is not None and run.whole]


def written_forecasts(results: Mapping[str, Artifact], budget: int | None) -> "list[Forecast]":
    """The forecasts of this rung among a run's results, every pair's."""
    files = [made.path / "forecast.json" for made in results.values() if made.made and "forecast.json" in made.files]
    every = [_read(file) for file in files]
    return [forecast for forecast in every if forecast.held_out == budget]


def _read(file: Path) -> "Forecast":
    from toolkit.reports.forecast import Forecast

    return Forecast.from_json(json.loads(file.read_text(encoding="utf-8")))


def laws_of(run: Run) -> Iterator[Held]:
    """Every held-out rung of every pair; the first is the one that a plain ladder has."""
    for rung in held_rungs(run):
        for teacher in run.recipe.teachers:
            for base in run.recipe.bases:
                yield Held(f"{teacher}>{base}", rung)


def forecast_stage(job: Job, measured: Measured, held: Held, seen: bool) -> Artifact:
    """Fit the rungs up to `fit_max` and write the forecast of the held-out rung, before its students are trained.

    Args:
        seen: whether a student of this rung exists already.
    """
    law = job.recipe.law
    early = [budget for budget in job.run.budgets if budget <= (law.fit_max or max(job.run.budgets))]
    students = measured.points(held.pair, early) if measured.made else []
    points = [{name: student[name] for name in FITTED} for student in students]
    asked: dict[str, Any] = {"fit_max": law.fit_max, "held_out": held.budget}
    if law.form != Law.form:  # a choice that came later than these keys
        asked["form"] = law.form
    inputs = {"points": points or f"planned for {held.pair}", "law": asked, "level": LEVEL}

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.forecast import forecast

        written = forecast(points, held_out=held.budget, level=LEVEL, form=law.form)
        # Honest about the order: a forecast of something already measured is a fit, whatever the data it was fitted to.
        write_atomic(out / "forecast.json", to_json(replace(written, exploratory=seen)))
        facts = asdict(written.law) if written.law else {"refused": written.reason}
        return facts | {"exploratory": seen}

    with job.progress.stage("forecast") as stage:
        artifact = job.build(stage, "forecast", inputs, make)
        stage.text = f"{held.pair}, r = {held.budget}" + _told(artifact)
    return artifact


def _told(forecast: Artifact) -> str:
    if not forecast.made:
        return ""
    facts = forecast.facts
    warning = "; EXPLORATORY: students of this rung existed before it" if facts["exploratory"] else ""
    if "refused" in facts:
        return f": NO LAW can be fitted: {facts['refused']}{warning}"
    return (
        f": error {facts['mean']:.3f}, {LEVEL:.0%} interval of a new student {facts['low_new']:.3f} to "
        f"{facts['high_new']:.3f}; sha256 {forecast.file('forecast.json')[:12]}{warning}"
    )


def law_stage(job: Job, measured: Measured, held: Held, forecast: Artifact) -> Artifact:
    """Observed beside forecast and baselines, the law of the fitted rungs, and the figure.

    Its `forecast.json` is the forecast with its names in this experiment, and the sha256 of what was written before:
    another experiment may share that.
    """
    budgets = [budget for budget in job.run.budgets if budget <= held.budget]
    points = measured.points(held.pair, budgets) if measured.made else []
    title, note = words(job, measured)
    lines = measured.lines(held.pair)
    recipe = job.recipe
    named: dict[str, Any] = {
        "experiment": recipe.name, "pair": held.pair, "counting": recipe.ladder.counting,
        "control": recipe.controls[0], "questions": recipe.ladder.ladder_questions,
    }  # fmt: skip
    inputs = {
        "named": named,
        "points": points or "planned",
        "forecast": forecast.digest,
        "lines": lines,
        "title": title,
        "note": note,
    }

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.law import report

        sha256 = forecast.file("forecast.json")
        written = replace(_read(forecast.path / "forecast.json"), written_sha256=sha256, **named)
        write_atomic(out / "forecast.json", to_json(written))
        facts: dict[str, Any] = report(out, points, written, lines, title=title, note=note)
        return facts

    with job.progress.stage("law") as stage:
        law = job.build(stage, "law", inputs, make)
        stage.text = law.facts.get("sentence", "")
    return law
