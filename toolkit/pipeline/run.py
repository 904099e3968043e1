"""A run from pool to law: the order of the stages."""

import contextlib
import dataclasses
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from toolkit.pipeline.corpus import Corpus, corpus_stage, verdicts_stage
from toolkit.pipeline.job import Job
from toolkit.pipeline.leaks import corpus_leaks_stage, training_leaks_stage
from toolkit.pipeline.loading import loading_lines
from toolkit.pipeline.publishing import Unpublished, open_target, results_published, source_published
from toolkit.pipeline.results import Measured, curves_stage, forecast_stage, known_cells, law_stage
from toolkit.pipeline.scores import score_stage
from toolkit.pipeline.source import models_stage, pool_stage, read_questions, responses_stage
from toolkit.pipeline.students import cells_of, student_inputs, students_stage
from toolkit.pipeline.summary import publish, shown
from toolkit.pipeline.teacher import first_prompt, named_here, remote_model
from toolkit.progress import Progress
from toolkit.recipe import Run
from toolkit.workers import open_workers
from toolkit.workspace import Artifact, Workspace


def run(
    run: Run,
    workspace: Path,
    *,
    jobs: int,
    dry: bool,
    progress: Progress | None = None,
    max_cost: float | None = None,
) -> str:
    """Run every stage that is not done; returns the summary, or of a dry run the first prompt.

    Args:
        run: from `load_run`.
        workspace: the folder of artifacts.
        jobs: worker processes at most, one core each.
        dry: make nothing but the pool, and say what would be made.
        progress: where stages are shown; standard error when none is given.
        max_cost: sampling stops before it costs more, in the currency of the recipe's prices.

    Raises:
        StageError, or a room's own error: with one message that names what is wrong and the mend.
        Unpublished: with the summary, where everything was made and a Hub did not take it.
    """
    with _job(run, workspace, jobs, dry, progress, max_cost) as job:
        return _stages(job)


def sample(
    run: Run,
    workspace: Path,
    *,
    jobs: int,
    dry: bool,
    progress: Progress | None = None,
    max_cost: float | None = None,
) -> str:
    """The stages up to the responses, as `run` would do them; returns where they lie, or the first prompt."""
    with _job(run, workspace, jobs, dry, progress, max_cost) as job:
        pool = pool_stage(job)
        (teacher,) = _checked_models(job, pool, ["teacher"])
        source = responses_stage(job, pool, teacher)
        return _first_prompt(job, pool, teacher) if dry else f"\nThe responses: {shown(source.journal)}"


def release(
    run: Run,
    workspace: Path,
    *,
    jobs: int,
    dry: bool,
    version: str | None = None,
    private: bool = False,
    students: bool = False,
    progress: Progress | None = None,
) -> str:
    """The stages up to the release, as `run` would do them, then the publication of all there is; returns how to load
    it.

    A dry run makes what is missing, and says what would be pushed.

    Args:
        students: publish the base and the students of the run, too.

    Raises:
        Refused, HubFault: with one message, as `toolkit.hub.push` raises them.
    """
    from toolkit.pipeline.push_models import push_students
    from toolkit.pipeline.pushes import push_collection, push_results, push_source, repo_of

    with _job(run, workspace, jobs, False, progress) as job:
        repo = repo_of(job)
        pool = pool_stage(job)
        (teacher,) = _checked_models(job, pool, ["teacher"])
        source = responses_stage(job, pool, teacher)
        corpus = corpus_stage(job, source, verdicts_stage(job, source))
        corpus_leaks_stage(job, pool, corpus)
        base, measured, results = _found(job, pool, teacher, corpus)
        with open_target(job, repo, private=private, dry=dry) as target:
            _, pushed = push_source(job, target, source, corpus, version)
            if results:
                pushed["results"] = push_results(job, target, pushed["release"], results)
            if students:
                pushed |= push_students(job, target, pushed["release"], base, corpus, measured)
            push_collection(job, target, pushed)
        return "\nNothing was pushed: this was a dry run." if dry else f"\n{loading_lines(job, pushed)}"


def serve_teacher(run: Run, workspace: Path, command: Sequence[str], *, jobs: int, dry: bool) -> int:
    """Start the recipe's teacher server until Ctrl-C, or while `command` runs, whose exit code is returned.

    An embedded teacher is trained first. A dry run says how the server would be started.
    """
    from toolkit.teachers.serve import commands, serve
    from toolkit.teachers.serve_process import shown as quoted

    progress = Progress()
    with _job(run, workspace, jobs, dry, progress) as job:
        teacher = remote_model(run.recipe) or models_stage(job, pool_stage(job), ["teacher"])[0]
    settings = named_here(job, teacher), run.recipe.serving, run.recipe.sampling
    if not dry:
        return serve(*settings, command, say=progress.say)
    for line in commands(*settings):
        progress.say(quoted(line))
    return 0


@contextlib.contextmanager
def _job(
    run: Run, workspace: Path, jobs: int, dry: bool, progress: Progress | None, max_cost: float | None = None
) -> Iterator[Job]:
    """What stages are handed, with workers that end with the body."""
    progress = progress or Progress()
    with open_workers(jobs) as workers:
        yield Job(run, Workspace(workspace, progress.say), workers, progress, dry, max_cost)


def _stages(job: Job) -> str:
    pool = pool_stage(job)
    teacher, base = _checked_models(job, pool, ["teacher", "base"])
    source = responses_stage(job, pool, teacher)
    corpus = corpus_stage(job, source, verdicts_stage(job, source))
    corpus_leaks_stage(job, pool, corpus)
    published = source_published(job, source, corpus)
    measured, results = _measure(job, pool, teacher, base, corpus)
    results["curves"] = curves_stage(job, measured)
    results_published(job, published, results)
    if job.dry:
        return _first_prompt(job, pool, teacher)
    summary = publish(job, corpus, measured, results, published)
    if published.failure:
        raise Unpublished(
            f"everything was made, not all published; later `fss release` does it. {published.failure}", summary
        )
    return summary


def _measure(
    job: Job, pool: Artifact, teacher: Artifact, base: Artifact, corpus: Corpus
) -> tuple[Measured, dict[str, Artifact]]:
    """Students, their scores and, of a whole ladder, `forecast` and `law`."""
    results: dict[str, Artifact] = {}
    held_out = job.recipe.law.held_out if job.run.whole else None
    early = [budget for budget in job.run.budgets if budget != held_out]
    students = students_stage(job, "students", base, corpus, early)
    scored = score_stage(job, "score", pool, base, {"teacher": teacher, "base": base, **students})
    lines = {name: scored.pop(name) for name in ("teacher", "base")}
    measured = Measured(**lines, cells=scored)
    if held_out is not None:
        seen = _held_out_seen(job, base, corpus, held_out)
        results["forecast"] = forecast_stage(job, measured, held_out, seen)
        late = students_stage(job, "held-out", base, corpus, [held_out])
        measured = Measured(**lines, cells={**scored, **score_stage(job, "score", pool, base, late)})
        results["law"] = law_stage(job, measured, results["forecast"])
    return Measured(**lines, cells=known_cells(job, pool, base, corpus, measured.cells)), results


def _found(
    job: Job, pool: Artifact, teacher: Artifact, corpus: Corpus
) -> tuple[Artifact, Measured, dict[str, Artifact]]:
    """Base, scores and results as an earlier run left them; no results unless every model of the run is scored."""
    looking = dataclasses.replace(job, dry=True, progress=Progress(io.StringIO()))
    (base,) = models_stage(looking, pool, ["base"])
    measured, results = _measure(looking, pool, teacher, base, corpus)
    if not measured.made:
        job.progress.say(f"{job.run.name} is not scored yet: `fss run` does it, and then there are results to publish")
        return base, measured, {}
    made = {name: artifact for name, artifact in results.items() if artifact.made}
    return base, measured, {**made, "curves": curves_stage(job, measured)}


def _checked_models(job: Job, pool: Artifact, roles: Sequence[str]) -> list[Artifact]:
    """Side by side: the check of what models read ends long before they do, and stops them when it finds something."""
    stages: list[Callable[[], Any]] = [lambda: training_leaks_stage(job, pool), lambda: models_stage(job, pool, roles)]
    models: list[Artifact] = job.each(lambda stage: stage(), stages)[1]
    return models


def _held_out_seen(job: Job, base: Artifact, corpus: Corpus, held_out: int) -> bool:
    """Whether a student of the held-out rung exists already."""
    inputs = (student_inputs(job, base, corpus, cell) for cell in cells_of(job, [held_out]))
    return any(job.workspace.planned("student", entry).made for entry in inputs)


def _first_prompt(job: Job, pool: Artifact, teacher: Artifact) -> str:
    prompt = first_prompt(job, teacher, read_questions(pool.path)[0]["question"])
    return f"\nThe first prompt:\n{prompt}\n\nNothing was made: this was a dry run."
