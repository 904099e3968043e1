"""A run from pool to law: the order of the stages."""

import contextlib
import dataclasses
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from toolkit.pipeline.decisions import decisions_stage
from toolkit.pipeline.experiment import checked_models, draw_corpus, failures, grow, measure, sources_of
from toolkit.pipeline.forecasts import refuse_unknown_form
from toolkit.pipeline.grid import drawn_by
from toolkit.pipeline.job import Job
from toolkit.pipeline.loading import loading_lines, shown
from toolkit.pipeline.projection import projection
from toolkit.pipeline.publishing import Incomplete, Unpublished, open_target, results_published, source_published
from toolkit.pipeline.results import Measured, curves_stage
from toolkit.pipeline.source import models_stage, pool_stage, read_questions, responses_stage
from toolkit.pipeline.students import Replicate
from toolkit.pipeline.summary import publish
from toolkit.pipeline.teacher import named_here, remote_model, shown_prompt
from toolkit.progress import Progress
from toolkit.recipe.load import Run
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
    retry_errors: bool = False,
) -> str:
    """Run every stage that is not done; returns the summary, or of a dry run the first prompt.

    Args:
        run: from `load_run`.
        workspace: the folder of artifacts.
        jobs: worker processes at most, one core each.
        dry: make nothing but the pool, and say what would be made.
        progress: where stages are shown; standard error when none is given.
        max_cost: sampling stops before it costs more, in the currency of the recipe's prices.
        retry_errors: ask again for responses that an earlier run recorded as errors.

    Raises:
        StageError, or a room's own error: with one message that names what is wrong and the mend.
        Unpublished: with the summary, where everything was made and a Hub did not take it.
        Incomplete: with the summary, where students failed; the others are in it.
    """
    with _job(run, workspace, jobs, dry, progress, max_cost, retry_errors) as job:
        return _stages(job)


def sample(
    run: Run,
    workspace: Path,
    *,
    jobs: int,
    dry: bool,
    progress: Progress | None = None,
    max_cost: float | None = None,
    retry_errors: bool = False,
) -> str:
    """The stages up to the responses, as `run` would do them; returns where they lie, or the first prompt."""
    with _job(run, workspace, jobs, dry, progress, max_cost, retry_errors) as job:
        pool = pool_stage(job)
        models = checked_models(job, pool, ["teacher"])
        drawn = [
            responses_stage(single, own_pool, models["teacher", drawn_by(single.run)[0]])
            for single, own_pool in sources_of(job, pool)
        ]
        if dry:
            return _first_prompt(job, pool, drawn[0].teacher)
        return "\n".join(["\nThe responses:", *(f"  {shown(source.journal)}" for source in drawn)])


def release(
    run: Run,
    workspace: Path,
    *,
    jobs: int,
    dry: bool,
    version: str | None = None,
    private: bool = False,
    students: bool = False,
    merged: bool = False,
    progress: Progress | None = None,
) -> str:
    """The stages up to the release, as `run` would do them, then the publication of all there is; returns how to load
    it.

    A dry run makes what is missing, and says what would be pushed.

    Args:
        students: publish the base and the students of the run, too.
        merged: students as whole models, for tools that read no adapters.

    Raises:
        Refused, HubFault: with one message, as `toolkit.hub.push` raises them.
    """
    from toolkit.pipeline.push_models import push_students
    from toolkit.pipeline.pushes import push_collection, push_results, push_source, repo_of

    with _job(run, workspace, jobs, False, progress) as job:
        repo = repo_of(job)
        pool = pool_stage(job)
        single, own_pool = next(sources_of(job, pool))
        source, corpus = draw_corpus(single, own_pool, checked_models(job, pool, ["teacher"]))
        with open_target(job, repo, private=private, dry=dry) as target:
            folder, pushed = push_source(single, target, source, corpus, version)
            replicates, measured, results = _found(job, pool, folder)
            if results:
                pushed["results"] = push_results(job, target, pushed["release"], results)
            if students:
                pushed |= push_students(target, pushed["release"], replicates[0], measured, merged)
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
        teacher = remote_model(run.recipe) or next(iter(models_stage(job, pool_stage(job), ["teacher"]).values()))
    settings = named_here(job, teacher), run.recipe.serving, run.recipe.sampling
    if not dry:
        return serve(*settings, command, say=progress.say)
    for line in commands(*settings):
        progress.say(quoted(line))
    return 0


@contextlib.contextmanager
def _job(
    run: Run,
    workspace: Path,
    jobs: int,
    dry: bool,
    progress: Progress | None,
    max_cost: float | None = None,
    retry_errors: bool = False,
) -> Iterator[Job]:
    """What stages are handed, with workers that end with the body."""
    progress = progress or Progress()
    refuse_unknown_form(run.recipe)
    with open_workers(jobs) as workers:
        yield Job(
            run,
            Workspace(workspace, progress.say),
            workers,
            progress,
            dry,
            max_cost,
            retry_errors=retry_errors,
        )


def _stages(job: Job) -> str:
    pool = pool_stage(job)
    replicates = grow(job, pool, checked_models(job, pool, ["teacher", "base"]))
    first = replicates[0]
    published = source_published(first.job, first.source, first.corpus)
    measured, results = measure(job, replicates)
    results["curves"] = curves_stage(job, measured)
    if not job.failed:  # rules that stand before a run are of a whole one
        results |= decisions_stage(job, results, published.folder, first.corpus)
    results_published(job, published, results)
    if job.dry:
        return _first_prompt(job, pool, first.teacher)
    summary = publish(job, replicates, measured, results, published)
    if job.failed:
        raise Incomplete("\n".join(filter(None, [failures(job), published.failure])), summary)
    if published.failure:
        raise Unpublished(
            f"everything was made, not all published; later `fss release` does it. {published.failure}", summary
        )
    return summary


def _found(job: Job, pool: Artifact, folder: Artifact) -> tuple[list[Replicate], Measured, dict[str, Artifact]]:
    """Corpora, scores and results as an earlier run left them; no results unless every model of the run is scored."""
    looking = dataclasses.replace(job, dry=True, progress=Progress(io.StringIO()))
    replicates = grow(looking, pool, models_stage(looking, pool, ["teacher", "base"]))
    measured, results = measure(looking, replicates)
    if not measured.made:
        job.progress.say(f"{job.run.name} is not scored yet: `fss run` does it, and then there are results to publish")
        return replicates, measured, {}
    results["curves"] = curves_stage(job, measured)
    results |= decisions_stage(looking, results, folder, replicates[0].corpus)
    return replicates, measured, {name: artifact for name, artifact in results.items() if artifact.made}


def _first_prompt(job: Job, pool: Artifact, teacher: Artifact) -> str:
    prompt = shown_prompt(job, teacher, read_questions(pool.path)[0]["question"])
    return f"{projection(job)}\nThe first prompt:\n{prompt}\n\nNothing was made: this was a dry run."
