"""The models of a run as model repos: teacher and base by their weights, students under the version of their data."""

from pathlib import Path
from typing import Any

from toolkit.hub.models import ADAPTER, Model, Score, publish_model
from toolkit.hub.upload import Published, Target
from toolkit.pipeline.forecasts import LEVEL
from toolkit.pipeline.grid import Cell, cells_of, corpus_name
from toolkit.pipeline.job import Job, StageError
from toolkit.pipeline.results import Measured
from toolkit.pipeline.students import Replicate, student_inputs
from toolkit.statistics.intervals import accuracy_interval
from toolkit.workspace import Artifact


def push_reference(job: Job, target: Target, role: str, model: Artifact) -> tuple[dict[str, Published], str | None]:
    """A teacher or base, where its weights lie here: with them anybody can go on from the same source.

    Returns:
        What lies at the Hub now, and the model's name there, `repo@revision`; None where a dry run would make it.
    """
    if "repo" in model.files:  # a model of the Hub is there already
        return {}, model.files["repo"]
    release = job.recipe.release
    told = f"whose responses are in {release.repo}" if role == "teacher" else "that every student started from"
    card = Model(
        title=f"{role.capitalize()} of {job.recipe.title}",
        summary=f"The {role} {told}; its weights have the key {model.key}.",
        license=release.license,
        limits=release.limits,
    )
    done = publish_model(model.path, f"{release.repo}-{role}", card, target)
    return {role: done}, None if done.dry and done.added else f"{done.repo}@{done.commit}"


def push_students(
    target: Target, release: Published, replicate: Replicate, measured: Measured, merged: bool = False
) -> dict[str, Published]:
    """The base, where it lies here, and every scored student of the replicate whose responses are released.

    Args:
        release: what they were trained on.
        merged: adapters merged into the base, as repos of their own.

    Returns:
        What lies at the Hub now by what it is: `base`, and students as `r16-s0` or `r16-s0-merged`.

    Raises:
        StageError: no student is scored.
        Refused, HubFault: see `push_source`.
    """
    job = replicate.job
    asked = cells_of(job.run)
    scored = {cell: score for cell, score in measured.cells.items() if score.made and cell in asked}
    if not scored:
        raise StageError(f"{job.run.name} has no students that are scored; `fss run` makes them")
    pushed, named = push_reference(job, target, "base", replicate.base)
    for cell, score in scored.items():
        student = job.workspace.planned("student", student_inputs(replicate, cell))
        name = f"{corpus_name(job.recipe, cell.questions, cell.budget)}-s{cell.replicate}"
        name += f"-{cell.control}" * (cell.control != job.recipe.controls[0] or len(job.recipe.controls) > 1)
        if merged and ADAPTER in student.files:
            student, name = _merged(replicate, student), f"{name}-merged"
        model = _student(replicate, release, cell, score, named or f"{release.repo}-base")
        pushed[name] = publish_model(student.path, f"{release.repo}-{name}", model, target, version=release.version)
    return pushed


def _merged(replicate: Replicate, student: Artifact) -> Artifact:
    from toolkit.students.weights import merge_student

    base = replicate.base

    def make(out: Path) -> dict[str, Any]:
        merge_student(base.path, student.path, out)
        return {}

    artifact, _ = replicate.job.workspace.build("merged", {"base": base.digest, "student": student.digest}, make)
    return artifact


def _student(replicate: Replicate, release: Published, cell: Cell, score: Artifact, base: str) -> Model:
    """What a student's card says.

    Args:
        base: repo and revision, `org/name@commit`.
    """
    recipe = replicate.job.recipe
    config = corpus_name(recipe, cell.questions, cell.budget)
    repo, _, revision = base.partition("@")
    return Model(
        title=f"Student of {config}, train seed {cell.replicate}",
        summary=f'Trained for the study "{recipe.title}"',
        license=recipe.release.license,
        base_model=repo,
        base_revision=revision or None,
        data_repo=release.repo,
        data_config=config,
        data_revision=release.commit or None,
        recipe=student_inputs(replicate, cell)["settings"] | {"train_seed": cell.replicate},
        scores=[_score(replicate.job, score)],
        limits=recipe.release.limits,
    )


def _score(job: Job, score: Artifact) -> Score:
    """An accuracy with Wilson's interval, which covers the choice of questions and no train seeds.

    With several answers to a question the interval is wider than it need be: it takes them for one.
    """
    accuracy, n, settings = round(1 - score.facts["error"], 12), score.facts["n"], job.recipe.evaluation
    interval = accuracy_interval(round(accuracy * n), n, LEVEL)
    drawn = (
        f"{score.facts['k']} at temperature {settings.eval_temperature:g}" if settings.eval_temperature else "greedy"
    )
    note = f"answers: {drawn}, at most {settings.eval_max_tokens} tokens; eval_key {score.facts['eval_key']}"
    return Score(accuracy, interval.low, interval.high, LEVEL, n, note)
