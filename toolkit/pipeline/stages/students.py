"""Students: one per cell, trained side by side, whatever pair and replicate they are of."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.keys import keyed_fields
from toolkit.models.files import NotFinite
from toolkit.pipeline.cells import Cell
from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import Ahead, PlannedStage, timed
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.corpus import Corpus
from toolkit.pipeline.teacher import NANO
from toolkit.recipe.sections import DOUBLED, Student
from toolkit.workers import Tick
from toolkit.workspace import Artifact

SECONDS = 0.05  # of one core per step, from an embedded base of the default size


@dataclasses.dataclass(frozen=True)
class Replicate:
    """One pair of teacher and base in one replicate: its context, of a plain recipe, and what the chain made for it."""

    context: Context
    pool: Artifact
    teacher: Artifact
    base: Artifact
    source: Source
    corpus: Corpus


def student_settings(replicate: Replicate, cell: Cell) -> Student:
    """Give how the student of a cell is trained."""
    recipe = replicate.context.recipe
    changed: dict[str, Any] = {"control": cell.control}
    if cell.control == DOUBLED:
        longer = {"steps": 2 * recipe.student.steps, "epochs": 2 * recipe.student.epochs}
        changed = {"control": recipe.controls[0], **longer}
    return dataclasses.replace(recipe.student, **changed)


def student_inputs(replicate: Replicate, cell: Cell) -> dict[str, Any]:
    """Give what the student of a cell is trained from, without settings that its method and control do not read."""
    settings = keyed_fields(student_settings(replicate, cell))
    settings.pop("epochs" if settings["control"] == "steps" else "steps")
    if settings["method"] == "full":
        settings = {name: value for name, value in settings.items() if not name.startswith("lora_")}
    files = [part.file(name) for part, name in replicate.corpus.accepted(cell.questions, cell.budget)]
    return {"base": replicate.base.digest, "corpus": files, "settings": settings, "train_seed": cell.replicate}


def students_stage(context: Context, name: str, cells: Mapping[Cell, Replicate]) -> dict[Cell, Artifact]:
    """Train a student for each cell, as many at once as there are workers; one that diverges is noted and left out."""
    with context.progress.stage(name) as stage:
        stage.expect(len(cells), "step")

        def train(entry: tuple[Cell, Replicate]) -> Artifact | None:
            cell, replicate = entry
            base = replicate.base
            files = [part.path / file for part, file in replicate.corpus.accepted(cell.questions, cell.budget)]
            options = student_settings(replicate, cell), cell.replicate, f"sha256:{base.digest}"

            def make(out: Path) -> dict[str, Any]:
                facts: dict[str, Any] = context.work(stage, cell.task, train_one, base.path, files, out, *options)
                return facts

            try:
                return context.build(stage, "student", student_inputs(replicate, cell), make)
            except NotFinite as error:
                context.fail(cell.task, error)
                return None

        made = zip(cells, context.each(train, cells.items()), strict=True)
        trained = {cell: student for cell, student in made if student}
        stage.text = _described(trained)
    return trained


def find_student(replicate: Replicate, cell: Cell) -> Artifact:
    """Look up the student of a cell."""
    return replicate.context.workspace.planned("student", student_inputs(replicate, cell))


def plan_students(
    context: Context, name: str, cells: Mapping[Cell, Replicate], students: Mapping[Cell, Artifact]
) -> PlannedStage:
    """Say which students are there, and how many steps the others take at most.

    Args:
        name: of the stage.
        students: of the cells, and maybe of others.
    """
    own = {cell: students[cell] for cell in cells}
    steps = sum(_most_steps(cells[cell], cell) for cell, student in own.items() if not student.made)
    known = ((done["seconds"], done["facts"]["steps"]) for done in context.workspace.manifests("student"))
    ahead = timed(
        context, Ahead("student", steps, "steps"), known, SECONDS if context.recipe.base.base == NANO else None
    )
    text = _described(own) + f", at most {steps:,} steps to do" * bool(steps)
    return PlannedStage(name, list(own.values()), text, [ahead])


def _described(students: Mapping[Cell, Artifact]) -> str:
    steps = sum(int(student.facts.get("steps", 0)) for student in students.values())
    return f"{len(students)} student{'s' * (len(students) != 1)}" + f", {steps:,} steps" * bool(steps)


def _most_steps(replicate: Replicate, cell: Cell) -> int:
    """Optimiser steps of a student, at most: what is not sampled yet may all be accepted."""
    settings, corpus = student_settings(replicate, cell), replicate.corpus
    if settings.control == "steps":
        return settings.steps
    rows = corpus.statistics.get((cell.questions, cell.budget), {}).get("accepted", cell.questions * cell.budget)
    return math.ceil(settings.epochs * rows / settings.batch_size)


def train_one(
    base: Path, files: list[Path], out: Path, settings: Student, seed: int, base_name: str, tick: Tick
) -> dict[str, Any]:
    """Train one student; runs in a worker."""
    from toolkit.students.train import train_student

    return train_student(base, files, out, settings, seed, tick, base_name=base_name)
