"""The models of a run as model repos: teacher and base by their weights, students under the version of their data."""

from collections.abc import Mapping
from typing import Any

from toolkit.evaluation.intervals import accuracy_interval
from toolkit.hub.models import Model, Score, publish_model
from toolkit.hub.push import Published, Target
from toolkit.pipeline.corpus import Corpus, budget_name
from toolkit.pipeline.job import Job, StageError
from toolkit.pipeline.results import LEVEL, Measured
from toolkit.pipeline.students import Cell, cells_of, student_inputs
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
    job: Job, target: Target, release: Published, base: Artifact, corpus: Corpus, measured: Measured
) -> dict[str, Published]:
    """The base, where it lies here, and every student of the run that is scored.

    Args:
        release: what they were trained on.

    Returns:
        What lies at the Hub now by what it is: `base`, and students as `r16-s0`.

    Raises:
        StageError: no student is scored.
        Refused, HubFault: see `push_source`.
    """
    asked = cells_of(job, job.run.budgets)
    scored = {cell: score for cell, score in measured.cells.items() if score.made and cell in asked}
    if not scored:
        raise StageError(f"{job.run.name} has no students that are scored; `fss run` makes them")
    pushed, named = push_reference(job, target, "base", base)
    for cell, score in scored.items():
        inputs = student_inputs(job, base, corpus, cell)
        student = job.workspace.planned("student", inputs)
        name = f"{budget_name(job, cell[0])}-s{cell[1]}"
        model = _student(job, release, cell, inputs, score, named or f"{release.repo}-base")
        pushed[name] = publish_model(student.path, f"{release.repo}-{name}", model, target, version=release.version)
    return pushed


def _student(job: Job, release: Published, cell: Cell, inputs: Mapping[str, Any], score: Artifact, base: str) -> Model:
    """What a student's card says.

    Args:
        inputs: what it was trained from.
        base: repo and revision, `org/name@commit`.
    """
    recipe, (budget, seed) = job.recipe, cell
    repo, _, revision = base.partition("@")
    return Model(
        title=f"Student of {budget_name(job, budget)}, train seed {seed}",
        summary=f'Trained for the study "{recipe.title}"',
        license=recipe.release.license,
        base_model=repo,
        base_revision=revision or None,
        data_repo=release.repo,
        data_config=budget_name(job, budget),
        data_revision=release.commit or None,
        recipe=inputs["settings"] | {"train_seed": seed},
        scores=[_score(job, score)],
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
