"""What was measured: curves and items in the one schema."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from toolkit.doors import OLDER
from toolkit.pipeline.grid import Cell, cells_of, corpus_draw
from toolkit.pipeline.job import Job
from toolkit.pipeline.scores import TEACHER, Scored, score_inputs
from toolkit.pipeline.source import ModelName
from toolkit.pipeline.students import Replicate, student_inputs
from toolkit.recipe.sections import Recipe
from toolkit.workspace import Artifact


@dataclasses.dataclass(frozen=True)
class Measured:
    """Scores of the recipe's teachers, bases and students; of students, also those that an earlier run left."""

    recipe: Recipe
    references: Mapping[ModelName, Artifact]
    cells: Mapping[Cell, Artifact]

    @property
    def made(self) -> bool:
        """Whether everything is measured (a dry run may only plan it)."""
        return all(score.made for score in (*self.references.values(), *self.cells.values()))

    @property
    def items(self) -> int:
        """Test questions of every score; 0 where nothing is measured."""
        return max((int(score.facts.get("n", 0)) for score in self.references.values()), default=0)

    @property
    def pairs(self) -> list[str]:
        """The pairs that have students, in the recipe's order."""
        return list(dict.fromkeys(cell.pair for cell in self.cells))

    def with_cells(self, more: Mapping[Cell, Artifact]) -> "Measured":
        """The same with further students; they stay sorted, whatever was trained first."""
        return dataclasses.replace(self, cells=dict(sorted({**self.cells, **more}.items())))

    def reference_scores(self, pair: str) -> dict[str, Artifact]:
        """The scores of a pair's teacher and base, by role."""
        named = zip((TEACHER, "base"), pair.split(">"), strict=True)
        return {role: self.references[role, name] for role, name in named}

    def lines(self, pair: str) -> dict[str, float]:
        """Errors of a pair's teacher and base, as far as they are scored."""
        return {role: score.facts["error"] for role, score in self.reference_scores(pair).items() if score.made}

    def points(self, pair: str, budgets: Iterable[int] | None = None) -> list[dict[str, Any]]:
        """One row per student of a pair's ladder: budget, train_seed, corpus_draw, error, n."""
        ladder = pair, self.recipe.ladder.ladder_questions, self.recipe.controls[0]
        return [
            {
                "budget": cell.budget,
                "train_seed": cell.replicate,
                "corpus_draw": corpus_draw(self.recipe, cell.replicate),
                "error": score.facts["error"],
                "n": score.facts["n"],
            }
            for cell, score in self.cells.items()
            if (cell.pair, cell.questions, cell.control) == ladder and (budgets is None or cell.budget in budgets)
        ]


def known_cells(replicates: Iterable[Replicate]) -> dict[Cell, Artifact]:
    """Scores that the workspace holds of students at or below the run's budgets, whatever run made them."""
    found = {}
    for replicate in replicates:
        job = replicate.job
        rungs = tuple(budget for budget in job.recipe.ladder.budgets if budget <= max(job.run.budgets))
        for cell in cells_of(dataclasses.replace(job.run, budgets=rungs)):
            student = job.workspace.planned("student", student_inputs(replicate, cell))
            score = job.workspace.planned("score", score_inputs(Scored(replicate, student), cell))
            if student.made and score.made:
                found[cell] = score
    return found


def curves_stage(job: Job, measured: Measured) -> Artifact:
    """`curves.parquet` (a row per model) and `items.parquet` (a row per model and question)."""
    rows = _rows(measured) if measured.made else []
    models = [*measured.references.values(), *measured.cells.values()]
    title, note = words(job, measured)
    inputs = {
        "rows": [row for row, _ in rows],
        "scores": [score.digest for score in models],
        "whole": job.run.whole,
        "title": title,
        "note": note,
    }

    def make(out: Path) -> dict[str, Any]:
        from toolkit.reports.figures.ladder import draw_ladder
        from toolkit.reports.tables import write_curves

        write_curves(out, [(row, score.path / "items.parquet") for row, score in rows])
        if not job.run.whole:  # the figure of the law shows the same points
            pair = job.recipe.pair
            draw_ladder(out / "curve.png", measured.points(pair), measured.lines(pair), title=title, note=note)
        return {"rows": len(rows)}

    with job.progress.stage("curves") as stage:
        curves = job.build(stage, "curves", inputs, make)
        stage.text = f"{len(models)} models: curves.parquet, items.parquet"
    return curves


def _rows(measured: Measured) -> list[tuple[dict[str, Any], Artifact]]:
    """Each model's row of the curves schema with its score; teachers and bases once for every pair that they are in."""
    recipe, facts = measured.recipe, ("error", "n", "eval_key")
    lines = [
        ({"pair": pair, "arm": role}, score)
        for pair in measured.pairs
        for role, score in measured.reference_scores(pair).items()
    ]
    students = [(_cell_row(recipe, cell), score) for cell, score in measured.cells.items()]
    return [
        ({"experiment": recipe.name} | row | {name: score.facts[name] for name in facts}, score)
        for row, score in [*lines, *students]
    ]


def _cell_row(recipe: Recipe, cell: Cell) -> dict[str, Any]:
    adaptive = recipe.ladder.counting == "adaptive"
    protocol = recipe.sampling.protocol
    return {
        **({"protocol": protocol} if protocol != OLDER["protocol"] else {}),  # else the key stays what it was
        "arm": "adaptive" if adaptive else "FSS",  # the first is no rung of a ladder
        "pair": cell.pair,
        "questions": cell.questions,
        "budget": cell.budget,
        "counting": recipe.ladder.counting,
        "control": cell.control,
        "train_seed": cell.replicate,
        "corpus_draw": corpus_draw(recipe, cell.replicate),
    }


def words(job: Job, measured: Measured) -> tuple[str, str]:
    """Over and under every figure: what it asks, what its error bars hold, and what it is too small to say."""
    recipe = job.recipe
    count = len({cell.replicate for cell in measured.cells})
    note = (
        f"{recipe.ladder.ladder_questions:,} questions, control {recipe.controls[0]}, n = {measured.items:,} test "
        f"questions, {count} replicate{'s' * (count > 1)} ({what_varies(recipe)})."
    )
    if job.failed:
        note += f" MISSING: {len(job.failed)} student{'s' * (len(job.failed) > 1)} that diverged."
    return recipe.title, " ".join([note, *recipe.release.limits[:1]])


def what_varies(recipe: Recipe) -> str:
    """What a spread over replicates includes."""
    order = ", order of the pool" * recipe.experiment.reorder
    return f"new samples{order} and new train seed each; same teacher, base and test questions"
