"""A run from pool to law: the order of the stages."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from toolkit.pipeline.cells import Cell, cells_of, drawn_by, single_runs
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.eta import projection
from toolkit.pipeline.judge import open_judge
from toolkit.pipeline.lookup import find_decisions, find_laws, find_measured, find_replicates
from toolkit.pipeline.protocol import open_protocol
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.corpus import Corpus, corpus_leaks_stage, corpus_stage, verdicts_stage
from toolkit.pipeline.stages.law import (
    Held,
    Measured,
    Results,
    curves_stage,
    decisions_stage,
    forecast_stage,
    held_rungs,
    known_cells,
    law_place,
    law_stage,
    laws_of,
    refuse_unknown_form,
)
from toolkit.pipeline.stages.models import ModelName, checked_models, models_stage
from toolkit.pipeline.stages.pool import pool_stage
from toolkit.pipeline.stages.publish import Incomplete, Unpublished, open_target, publish_results, publish_source
from toolkit.pipeline.stages.responses import responses_stage
from toolkit.pipeline.stages.scores import Scored, references, score_stage
from toolkit.pipeline.stages.students import Replicate, student_inputs, students_stage
from toolkit.pipeline.summary import loading_lines, publish
from toolkit.pipeline.teacher import named_here, remote_model, shown_prompt
from toolkit.progress import Progress
from toolkit.questions.pools import read_questions
from toolkit.recipe.load import Run
from toolkit.workers import open_workers
from toolkit.workspace import Artifact, Workspace, shown


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
    with _context(run, workspace, jobs, dry, progress, max_cost, retry_errors) as context:
        return _stages(context)


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
    """Make the stages up to the responses, as `run` would; returns where they lie, or the first prompt."""
    with _context(run, workspace, jobs, dry, progress, max_cost, retry_errors) as context:
        pool = pool_stage(context)
        models = checked_models(context, pool, ["teacher"])
        drawn = []
        for single, own_pool in sources_of(context, pool):
            with open_judge(single, own_pool) as judge:
                drawn.append(responses_stage(single, own_pool, teacher_of(single, models), judge))
        if dry:
            return _first_prompt(context, pool, drawn[0].teacher)
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
    """Make the stages up to the release, as `run` would, then publish all there is; returns how to load it.

    A dry run makes what is missing, and says what would be pushed.

    Args:
        students: publish the base and the students of the run, too.
        merged: students as whole models, for tools that read no adapters.

    Raises:
        Refused, HubFault: with one message, as `toolkit.hub.upload` raises them.
    """
    from toolkit.pipeline.stages.publish import push_collection, push_results, push_source, push_students, repo_of

    with _context(run, workspace, jobs, False, progress) as context:
        repo = repo_of(context)
        pool = pool_stage(context)
        single, own_pool = next(sources_of(context, pool))
        source, corpus = draw_corpus(single, own_pool, checked_models(context, pool, ["teacher"]))
        with open_target(context, repo, private=private, dry=dry) as target:
            _, pushed = push_source(single, target, source, corpus, version)
            replicates = find_replicates(context)
            measured = find_measured(replicates)
            results = _earlier_results(context, measured, replicates)
            if results:
                pushed["results"] = push_results(context, target, pushed["release"], results)
            if students:
                pushed |= push_students(target, pushed["release"], replicates[0], measured, merged)
            push_collection(context, target, pushed)
        return "\nNothing was pushed: this was a dry run." if dry else f"\n{loading_lines(context, pushed)}"


def serve_teacher(run: Run, workspace: Path, command: Sequence[str], *, jobs: int, dry: bool) -> int:
    """Start the recipe's teacher server until Ctrl-C, or while `command` runs, whose exit code is returned.

    An embedded teacher is trained first. A dry run says how the server would be started.
    """
    from toolkit.teachers.serve import commands, serve
    from toolkit.teachers.serve_process import shown as quoted

    progress = Progress()
    with _context(run, workspace, jobs, dry, progress) as context:
        teacher = remote_model(run.recipe) or next(
            iter(models_stage(context, pool_stage(context), ["teacher"]).values())
        )
    settings = named_here(context, teacher), run.recipe.serving, run.recipe.sampling
    if not dry:
        return serve(*settings, command, say=progress.say)
    for line in commands(*settings):
        progress.say(quoted(line))
    return 0


@contextlib.contextmanager
def _context(
    run: Run,
    workspace: Path,
    jobs: int,
    dry: bool,
    progress: Progress | None,
    max_cost: float | None = None,
    retry_errors: bool = False,
) -> Iterator[Context]:
    """What stages are handed, with workers that end with the body."""
    progress = progress or Progress()
    refuse_unknown_form(run.recipe)
    open_protocol(run.recipe, progress)
    with open_workers(jobs) as workers:
        yield Context(
            run,
            Workspace(workspace, progress.say),
            workers,
            progress,
            dry,
            max_cost,
            retry_errors=retry_errors,
        )


def _stages(context: Context) -> str:
    pool = pool_stage(context)
    replicates = grow(context, pool, checked_models(context, pool, ["teacher", "base"]))
    first = replicates[0]
    published = publish_source(first.context, first.source, first.corpus)
    measured, results = measure(context, replicates)
    results["curves"] = curves_stage(context, measured)
    if not context.failed:  # rules that stand before a run are of a whole one
        results |= decisions_stage(context, results, published.folder, first.corpus)
    publish_results(context, published, results)
    if context.dry:
        return _first_prompt(context, pool, first.teacher)
    summary = publish(context, replicates, measured, results, published)
    if context.failed:
        raise Incomplete("\n".join(filter(None, [failures(context), published.failure])), summary)
    if published.failure:
        raise Unpublished(
            f"everything was made, not all published; later `fss release` does it. {published.failure}", summary
        )
    return summary


def _earlier_results(context: Context, measured: Measured, replicates: Sequence[Replicate]) -> Results:
    """The results that earlier runs left, with the curves of now; none unless every model of the run is scored."""
    if not measured.made:
        context.progress.say(
            f"{context.run.name} is not scored yet: `fss run` does it, and then there are results to publish"
        )
        return {}
    results = find_laws(context, measured)
    results["curves"] = curves_stage(context, measured.with_cells(known_cells(replicates)))
    results |= find_decisions(context, results, replicates[0].corpus)
    return {name: artifact for name, artifact in results.items() if artifact.made}


def _first_prompt(context: Context, pool: Artifact, teacher: Artifact) -> str:
    prompt = shown_prompt(context, teacher, read_questions(pool.path)[0]["question"])
    return f"{projection(context)}\nThe first prompt:\n{prompt}\n\nNothing was made: this was a dry run."


def sources_of(context: Context, pool: Artifact) -> Iterator[tuple[Context, Artifact]]:
    """Yield a context and a pool for every teacher in every replicate; `pool` is the experiment's own."""
    pools = {context.recipe.pool: pool}
    runs = {drawn_by(run): run for run in single_runs(context.run)}
    for (teacher, replicate), run in runs.items():
        if len(runs) > 1:
            context.progress.say(f"{'':11} teacher {teacher}, replicate {replicate}:")
        single = context.part(run)
        if run.recipe.pool not in pools:
            pools[run.recipe.pool] = pool_stage(single)
        yield single, pools[run.recipe.pool]


def teacher_of(context: Context, models: Mapping[ModelName, Artifact]) -> Artifact:
    """Give the teacher of a context's source."""
    return models["teacher", drawn_by(context.run)[0]]


def draw_corpus(context: Context, pool: Artifact, models: Mapping[ModelName, Artifact]) -> tuple[Source, Corpus]:
    """Go from the responses of a source's teacher to the files that students are trained on."""
    with open_judge(context, pool) as judge:
        source = responses_stage(context, pool, teacher_of(context, models), judge)
        corpus = corpus_stage(context, source, verdicts_stage(context, source, judge))
    corpus_leaks_stage(context, pool, corpus)
    return source, corpus


def grow(context: Context, pool: Artifact, models: Mapping[ModelName, Artifact]) -> list[Replicate]:
    """Make every pair in every replicate up to its corpus; pairs with the same teacher have the same corpora."""
    drawn = {
        drawn_by(single.run): (own_pool, *draw_corpus(single, own_pool, models))
        for single, own_pool in sources_of(context, pool)
    }
    replicates = []
    for run in single_runs(context.run):
        single, (own_pool, source, corpus) = context.part(run), drawn[drawn_by(run)]
        base = models["base", run.recipe.pair.split(">")[1]]
        replicates.append(Replicate(single, own_pool, source.teacher, base, source, corpus))
    return replicates


def measure(context: Context, replicates: Sequence[Replicate]) -> tuple[Measured, Results]:
    """Train and score students and, of a whole ladder, make each pair's forecasts and laws.

    The forecasts of every pair are written before any student of a held-out rung is trained, of whatever pair.
    """
    grid = {cell: replicate for replicate in replicates for cell in cells_of(replicate.context.run)}
    late = {cell: replicate for cell, replicate in grid.items() if cell.budget in held_rungs(context.run)}
    early = {cell: replicate for cell, replicate in grid.items() if cell not in late}
    bounds = references(replicates)
    scores = score_stage(context, {**bounds, **_trained(context, "students", early)})
    measured = Measured(context.recipe, {name: scores[name] for name in bounds}, {})
    measured = measured.with_cells({cell: scores[cell] for cell in early if cell in scores})
    if not measured.cells:
        raise StageError(f"no student is left to compare: {failures(context)}")
    results: Results = {}
    forecasts = {
        held: forecast_stage(context, measured, held, _seen(late, held))
        for held in laws_of(context.run)
        if _has_points(context, measured, held, context.run.budgets)
    }
    if late:
        measured = measured.with_cells(score_stage(context, _trained(context, "held-out", late)))
    for held, forecast in forecasts.items():
        if _has_points(context, measured, held, [held.budget]):
            results[law_place(held, results)] = law_stage(context, measured, held, forecast)
    return measured.with_cells(known_cells(replicates)), results


def failures(context: Context) -> str:
    """List the students that came to nothing, each with the reason, on lines of their own."""
    return "\n".join([f"{len(context.failed)} failed:", *(f"  {name}: {why}" for name, why in context.failed.items())])


def _has_points(context: Context, measured: Measured, held: Held, budgets: Sequence[int]) -> bool:
    """Whether a pair's ladder has students at some of these budgets; says so where all have failed."""
    there = not measured.made or bool(measured.points(held.pair, budgets))
    if not there:
        context.progress.say(f"{held.pair}: no law, no student at r = {', '.join(map(str, budgets))} is left")
    return there


def _trained(context: Context, name: str, cells: Mapping[Cell, Replicate]) -> dict[Cell, Scored]:
    students = students_stage(context, name, cells)
    return {cell: Scored(cells[cell], student) for cell, student in students.items()}


def _seen(late: Mapping[Cell, Replicate], held: Held) -> bool:
    """Whether a student of this rung exists already."""
    of_rung = [(cell, replicate) for cell, replicate in late.items() if (cell.pair, cell.budget) == held]
    return any(
        replicate.context.workspace.planned("student", student_inputs(replicate, cell)).made
        for cell, replicate in of_rung
    )
