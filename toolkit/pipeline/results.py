"""What was measured: curves and items in the one schema, the forecast written before its rung, and the law."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from toolkit.pipeline.corpus import Corpus
from toolkit.pipeline.job import Job, StageError
from toolkit.pipeline.scores import score_inputs
from toolkit.pipeline.students import Cell, student_inputs
from toolkit.workspace import Artifact, to_json, write_atomic

LEVEL = 0.9  # of every interval


@dataclasses.dataclass(frozen=True)
class Measured:
    """Scores of teacher, base and students; of students, also those that an earlier run of the recipe left."""

    teacher: Artifact
    base: Artifact
    cells: Mapping[Cell, Artifact]

    @property
    def made(self) -> bool:
        """Whether everything is measured (a dry run may only plan it)."""
        return all(score.made for score in (self.teacher, self.base, *self.cells.values()))

    @property
    def lines(self) -> dict[str, float]:
        """Errors of the reference models that are scored."""
        named = {"teacher": self.teacher, "base": self.base}
        return {name: score.facts["error"] for name, score in named.items() if score.made}

    def points(self, budgets: Iterable[int] | None = None) -> list[dict[str, Any]]:
        """One row per student: budget, train_seed, error, n."""
        wanted = set(budgets) if budgets is not None else {budget for budget, _ in self.cells}
        return [
            {"budget": budget, "train_seed": seed, "error": score.facts["error"], "n": score.facts["n"]}
            for (budget, seed), score in sorted(self.cells.items())
            if budget in wanted
        ]


def known_cells(
    job: Job, pool: Artifact, base: Artifact, corpus: Corpus, scores: Mapping[Cell, Artifact]
) -> dict[Cell, Artifact]:
    """`scores` and those of the recipe's other students that the workspace holds already."""
    found = dict(scores)
    for budget in corpus.statistics:
        for seed in job.recipe.replicates.train_seeds:
            student = job.workspace.planned("student", student_inputs(job, base, corpus, (budget, seed)))
            score = job.workspace.planned("score", score_inputs(job, pool, base, student, (budget, seed)))
            if student.made and score.made:
                found.setdefault((budget, seed), score)
    return dict(sorted(found.items()))


def curves_stage(job: Job, measured: Measured) -> Artifact:
    """`curves.parquet` (a row per model) and `items.parquet` (a row per model and question)."""
    rows = _rows(job, measured) if measured.made else []
    models = [measured.teacher, measured.base, *measured.cells.values()]
    words = _words(job, measured)
    inputs = {
        "rows": [row for row, _ in rows],
        "scores": [score.digest for score in models],
        "whole": job.run.whole,
        **words,
    }

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.ladder_figure import draw_ladder
        from toolkit.reports.tables import write_curves

        write_curves(out, [(row, score.path / "items.parquet") for row, score in rows])
        if not job.run.whole:  # the figure of the law shows the same points
            draw_ladder(out / "curve.png", measured.points(), measured.lines, title=words["title"], note=words["note"])
        return {"rows": len(rows)}

    with job.progress.stage("curves") as stage:
        curves = job.build(stage, "curves", inputs, make)
        stage.text = f"{len(models)} models: curves.parquet, items.parquet"
    return curves


def _rows(job: Job, measured: Measured) -> list[tuple[dict[str, Any], Artifact]]:
    recipe = job.recipe
    shared: dict[str, Any] = {"experiment": recipe.name, "pair": f"{recipe.teacher.teacher}>{recipe.base.base}"}
    ladder: dict[str, Any] = {
        "questions": recipe.ladder.ladder_questions,
        "counting": recipe.ladder.counting,
        "control": recipe.student.control,
        "corpus_draw": recipe.sampling.sampling_seed,
    }
    arm = "adaptive" if recipe.ladder.counting == "adaptive" else "FSS"  # no rung of a ladder
    students = [
        (shared | ladder | {"arm": arm, "budget": budget, "train_seed": seed}, score)
        for (budget, seed), score in measured.cells.items()
    ]
    lines = [(shared | {"arm": arm}, score) for arm, score in (("teacher", measured.teacher), ("base", measured.base))]
    facts = ("error", "n", "eval_key")
    return [(row | {name: score.facts[name] for name in facts}, score) for row, score in [*lines, *students]]


def forecast_stage(job: Job, measured: Measured, held_out: int, held_out_seen: bool) -> Artifact:
    """Fit the rungs up to `fit_max` and write the forecast of the held-out rung, before its students are trained."""
    law = job.recipe.law
    early = [budget for budget in job.run.budgets if budget <= (law.fit_max or max(job.run.budgets))]
    points = measured.points(early) if measured.made else []
    inputs = {"points": points or "planned", "law": law, "level": LEVEL}

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.law import forecast

        try:
            written = forecast(points, held_out=held_out, level=LEVEL)
        except ValueError as error:
            raise StageError(f"no law can be fitted to the rungs up to {law.fit_max}: {error}") from error
        facts = {name: written["law"][name] for name in ("point", "mean", "low", "high", "low_new", "high_new")}
        # Honest about the order: a forecast of something already measured is a fit, whatever the data it was fitted to.
        written |= {"experiment": job.recipe.name, "exploratory": held_out_seen}
        write_atomic(out / "forecast.json", to_json(written))
        return facts | {"exploratory": held_out_seen}

    with job.progress.stage("forecast") as stage:
        artifact = job.build(stage, "forecast", inputs, make)
        if artifact.made:
            low, high = artifact.facts["low_new"], artifact.facts["high_new"]
            stage.text = (
                f"r = {held_out}: error {artifact.facts['mean']:.3f}, {LEVEL:.0%} interval of a new student "
                f"{low:.3f} to {high:.3f}; sha256 {artifact.file('forecast.json')[:12]}"
            )
        if artifact.facts.get("exploratory"):
            stage.text += "; EXPLORATORY: students of this rung existed before it"
    return artifact


def law_stage(job: Job, measured: Measured, forecast: Artifact) -> Artifact:
    """Observed beside forecast and baselines, the law of all rungs, and the figure."""
    points = measured.points() if measured.made else []
    words = _words(job, measured)
    inputs = {"points": points or "planned", "forecast": forecast.digest, "lines": measured.lines, **words}

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.law import report

        told = json.loads((forecast.path / "forecast.json").read_text(encoding="utf-8"))
        facts: dict[str, Any] = report(out, points, told, measured.lines, title=words["title"], note=words["note"])
        return facts

    with job.progress.stage("law") as stage:
        law = job.build(stage, "law", inputs, make)
        stage.text = law.facts.get("sentence", "")
    return law


def _words(job: Job, measured: Measured) -> dict[str, str]:
    """Over and under every figure: what it asks, what its error bars hold, and what it is too small to say."""
    ladder, n = job.recipe.ladder, measured.teacher.facts.get("n", 0)
    seeds = len({seed for _, seed in measured.cells})
    note = (
        f"{ladder.ladder_questions:,} questions, control {job.recipe.student.control}, n = {n:,} test questions, "
        f"{seeds} train seed{'s' * (seeds > 1)} (seed noise only)."
    )
    return {"title": job.recipe.title, "note": " ".join([note, *job.recipe.release.limits[:1]])}
