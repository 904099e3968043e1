"""Students and scores: one student per (budget, train seed), trained side by side, every model scored the same way."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from toolkit.pipeline.corpus import Corpus
from toolkit.pipeline.job import Job
from toolkit.recipe import Evaluation, Student
from toolkit.workers import Tick
from toolkit.workspace import Artifact

Cell = tuple[int, int]  # budget, train seed
Label = TypeVar("Label", bound=str | Cell)
LINES = ("teacher", "base")  # scored beside the students: the bounds of the picture


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


def score_inputs(job: Job, pool: Artifact, base: Artifact, model: Artifact) -> dict[str, Any]:
    """What a score depends on: the model, what it is an adapter of, the test questions and how they are asked."""
    test = pool.file("test.parquet")
    adapter_of = base.digest if "adapter_config.json" in model.files else None
    asked = {"settings": job.recipe.evaluation, "verification": job.recipe.verification}
    return {"adapter_of": adapter_of, "model": model.digest, "test": test, **asked}


def score_stage(
    job: Job, name: str, pool: Artifact, base: Artifact, models: Mapping[Label, Artifact]
) -> dict[Label, Artifact]:
    """Score models by label on the test questions; a student is its own folder, an adapter on `base`."""
    settings = job.recipe.evaluation
    with job.progress.stage(name) as stage:
        stage.expect(len(models), "question")

        def score(entry: tuple[Label, Artifact]) -> Artifact:
            label, model = entry
            task = label if isinstance(label, str) else f"r{label[0]}-s{label[1]}"

            def make(out: Path) -> dict[str, Any]:
                facts: dict[str, Any] = job.work(
                    stage, task, score_one, task, base.path, model.path, pool.path / "test.parquet", out, settings
                )
                return facts

            return job.build(stage, "score", score_inputs(job, pool, base, model), make)

        scores = dict(zip(models, job.each(score, models.items()), strict=True))
        told = [
            f"{label} {1 - score.facts['error']:.1%}"
            for label, score in scores.items()
            if score.made and label in LINES
        ]
        stage.text = f"{len(models)} models" + (f"; right: {', '.join(told)}" if told else "")
    return scores


def score_one(
    name: str, base: Path, model: Path, test: Path, out: Path, settings: Evaluation, tick: Tick
) -> dict[str, Any]:
    """Score one model; runs in a worker, which keeps lighteval's imports for the next."""
    from toolkit.evaluation.score import ScoredModel, score_models

    (score,) = score_models([ScoredModel(name, model, out, base)], test, settings, tick)
    return {fact: score[fact] for fact in ("error", "n", "k", "eval_key")}
