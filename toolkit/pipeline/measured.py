"""What a run has measured: the scores of teachers, bases and students, and the words that stand with them."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from toolkit.pipeline.cells import Cell, cells_of, corpus_draw
from toolkit.pipeline.context import Context
from toolkit.pipeline.stages.models import ModelName
from toolkit.pipeline.stages.scores import TEACHER, Scored, find_score
from toolkit.pipeline.stages.students import Replicate, find_student
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
        """Tell whether everything is measured, and not only planned."""
        return all(score.made for score in (*self.references.values(), *self.cells.values()))

    @property
    def items(self) -> int:
        """Test questions of every score; 0 where nothing is measured."""
        return max((int(score.facts.get("n", 0)) for score in self.references.values()), default=0)

    @property
    def pairs(self) -> list[str]:
        """List the pairs that have students, in the recipe's order."""
        return list(dict.fromkeys(cell.pair for cell in self.cells))

    def with_cells(self, more: Mapping[Cell, Artifact]) -> "Measured":
        """Add further students; they stay sorted, whatever was trained first."""
        return dataclasses.replace(self, cells=dict(sorted({**self.cells, **more}.items())))

    def without(self, budgets: Iterable[int]) -> "Measured":
        """Leave out the students of some budgets."""
        cells = {cell: score for cell, score in self.cells.items() if cell.budget not in budgets}
        return dataclasses.replace(self, cells=cells)

    def reference_scores(self, pair: str) -> dict[str, Artifact]:
        """Give the scores of a pair's teacher and base, by role."""
        named = zip((TEACHER, "base"), pair.split(">"), strict=True)
        return {role: self.references[role, name] for role, name in named}

    def lines(self, pair: str) -> dict[str, float]:
        """Give the errors of a pair's teacher and base, as far as they are scored."""
        return {role: score.facts["error"] for role, score in self.reference_scores(pair).items() if score.made}

    def points(self, pair: str, budgets: Iterable[int] | None = None) -> list[dict[str, Any]]:
        """Give one row per student of a pair's ladder: budget, train_seed, corpus_draw, error, n."""
        questions, (control, *_) = self.recipe.ladder.ladder_questions, self.recipe.controls
        ladder = pair, questions, control, self.recipe.arm
        return [
            {
                "budget": cell.budget,
                "train_seed": cell.replicate,
                "corpus_draw": corpus_draw(self.recipe, cell.replicate),
                "error": score.facts["error"],
                "n": score.facts["n"],
            }
            for cell, score in self.cells.items()
            if (cell.pair, cell.questions, cell.control, cell.arm) == ladder
            and (budgets is None or cell.budget in budgets)
        ]


def known_cells(replicates: Iterable[Replicate]) -> dict[Cell, Artifact]:
    """Look up scores of students at or below the run's budgets, whatever run made them."""
    found = {}
    for replicate in replicates:
        context = replicate.context
        rungs = tuple(budget for budget in context.recipe.ladder.budgets if budget <= max(context.run.budgets))
        for cell in cells_of(dataclasses.replace(context.run, budgets=rungs)):
            student = find_student(replicate, cell)
            score = find_score(Scored(replicate, student), cell)
            if student.made and score.made:
                found[cell] = score
    return found


def words(context: Context, measured: Measured) -> tuple[str, str]:
    """Write what stands over and under every figure: its question, its error bars, what it is too small to say."""
    recipe = context.recipe
    count = len({cell.replicate for cell in measured.cells})
    note = (
        f"{recipe.ladder.ladder_questions:,} questions, control {recipe.controls[0]}, n = {measured.items:,} test "
        f"questions, {count} replicate{'s' * (count > 1)} ({what_varies(recipe)})."
    )
    if context.failed:
        note += f" MISSING: {len(context.failed)} student{'s' * (len(context.failed) > 1)} that diverged."
    return recipe.title, " ".join([note, *recipe.release.limits[:1]])


def what_varies(recipe: Recipe) -> str:
    """Say what a spread over replicates includes."""
    order = ", order of the pool" * recipe.experiment.reorder
    return f"new samples{order} and new train seed each; same teacher, base and test questions"
