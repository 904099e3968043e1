"""Students: one per (budget, train seed), trained side by side."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from toolkit.pipeline.corpus import Corpus
from toolkit.pipeline.job import Job
from toolkit.settings import Student
from toolkit.workers import Tick
from toolkit.workspace import Artifact

Cell = tuple[int, int]  # budget, train seed


def cells_of(job: Job, budgets: Iterable[int]) -> list[Cell]:
    """Every (budget, train seed) of these budgets; the costliest budgets last, as the ladder grows."""
    return [(budget, seed) for budget in budgets for seed in job.run.train_seeds]


def student_inputs(job: Job, base: Artifact, corpus: Corpus, cell: Cell) -> dict[str, Any]:
    """What the student of a cell is trained from; settings that its method and control do not read are left out."""
    settings = dataclasses.asdict(job.recipe.student)
    settings.pop("epochs" if settings["control"] == "steps" else "steps")
    if settings["method"] == "full":
        settings = {name: value for name, value in settings.items() if not name.startswith("lora_")}
    budget, seed = cell
    files = [part.file(name) for part, name in corpus.accepted(budget)]
    return {"base": base.digest, "corpus": files, "settings": settings, "train_seed": seed}


def students_stage(job: Job, name: str, base: Artifact, corpus: Corpus, budgets: Iterable[int]) -> dict[Cell, Artifact]:
    """Train the students of these budgets, as many at once as there are workers."""
    cells = cells_of(job, budgets)
    with job.progress.stage(name) as stage:
        stage.expect(len(cells), "step")

        def train(cell: Cell) -> Artifact:
            files = [part.path / file for part, file in corpus.accepted(cell[0])]
            task = f"r{cell[0]}-s{cell[1]}"

            def make(out: Path) -> dict[str, Any]:
                facts: dict[str, Any] = job.work(
                    stage, task, train_one, base.path, files, out, job.recipe.student, cell[1], f"sha256:{base.digest}"
                )
                return facts

            return job.build(stage, "student", student_inputs(job, base, corpus, cell), make)

        trained = dict(zip(cells, job.each(train, cells), strict=True))
        steps = sum(int(student.facts.get("steps", 0)) for student in trained.values())
        stage.text = f"{len(cells)} students" + (f", {steps:,} steps" if steps else f", {_planned(job, len(cells))}")
    return trained


def _planned(job: Job, students: int) -> str:
    settings = job.recipe.student
    if settings.control == "epochs":
        return f"{settings.epochs:g} epochs each"
    return f"{students * settings.steps:,} steps"


def train_one(
    base: Path, files: list[Path], out: Path, settings: Student, seed: int, base_name: str, tick: Tick
) -> dict[str, Any]:
    """Train one student; runs in a worker."""
    from toolkit.students.train import train_student

    return train_student(base, files, out, settings, seed, tick, base_name=base_name)
