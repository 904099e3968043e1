"""A run from pool to law: the order of the stages."""

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from toolkit.hub.upload import Published
from toolkit.pipeline.cells import Cell, cells_of, drawn_by, single_runs
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.eta import PlannedStage
from toolkit.pipeline.judge import open_judge
from toolkit.pipeline.measured import Measured, known_cells
from toolkit.pipeline.plan import (
    Findings,
    RunPlan,
    asked_roles,
    contexts_of_sources,
    find,
    find_decisions,
    plan_run,
    plan_sampling,
)
from toolkit.pipeline.protocol import open_protocol, rehearse
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.arm_releases import Way, arm_releases, of_first_draw, ways_of
from toolkit.pipeline.stages.arms import arms_stage
from toolkit.pipeline.stages.corpus import Corpus, corpus_leaks_stage, corpus_stage, verdicts_stage
from toolkit.pipeline.stages.critics import critics_stage
from toolkit.pipeline.stages.law import (
    HeldOut,
    Results,
    curves_stage,
    decisions_stage,
    forecast_stage,
    held_out_budgets,
    law_place,
    law_stage,
    laws_of,
    refuse_unknown_form,
)
from toolkit.pipeline.stages.models import (
    ModelName,
    beside_teacher,
    checked_models,
    checks_stage,
    find_models,
    models_stage,
    teacher_of,
)
from toolkit.pipeline.stages.pool import described, find_pool, pool_stage
from toolkit.pipeline.stages.publish import Incomplete, Unpublished, open_target, publish_results, publish_source
from toolkit.pipeline.stages.responses import responses_stage
from toolkit.pipeline.stages.scores import Scored, references, score_stage
from toolkit.pipeline.stages.second_stage import with_second_stage
from toolkit.pipeline.stages.students import Replicate, find_student, students_stage
from toolkit.pipeline.summary import loading_lines, publish
from toolkit.pipeline.teacher import named_here, remote_model, shown_arm_prompts, shown_prompt
from toolkit.progress import Progress
from toolkit.protocols.contract import Question
from toolkit.questions.pools import read_questions
from toolkit.recipe.load import Run, one_arm
from toolkit.recipe.sections import Pool
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
        dry: make nothing but the pool, check what can be, and say what would be made.
        progress: where stages are shown; standard error when none is given.
        max_cost: sampling stops before it costs more, in the currency of the recipe's prices.
        retry_errors: ask again for responses that an earlier run recorded as errors.

    Raises:
        StageError, or a room's own error: with one message that names what is wrong and the mend.
        Unpublished: with the summary, where everything was made and a Hub did not take it.
        Incomplete: with the summary, where students failed; the others are in it.
    """
    with _context(run, workspace, jobs, progress, max_cost, retry_errors) as context:
        return _preview(context, plan_run, ["teacher", "base"]) if dry else _stages(context)


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
    with _context(run, workspace, jobs, progress, max_cost, retry_errors) as context:
        if dry:
            return _preview(context, plan_sampling, asked_roles(context.recipe))
        pools = pools_stage(context)
        models = checked_models(context, pools[context.recipe.pool], asked_roles(context.recipe))
        sources = []
        for single, own_pool in sources_of(context, pools):
            with open_judge(single, own_pool) as judge:
                asked = teacher_of(single.run, models), judge, beside_teacher(single.run, models)
                sources.append(responses_stage(single, own_pool, *asked))
        return "\n".join(["\nThe responses:", *(f"  {shown(source.journal)}" for source in sources)])


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
    from toolkit.pipeline.stages.publish import push_collection, push_results, push_sources, push_students, repo_of

    with _context(run, workspace, jobs, progress) as context:
        repo = repo_of(context)
        pools = pools_stage(context)
        models = checked_models(context, pools[context.recipe.pool], asked_roles(context.recipe))
        drawn = of_first_draw(contexts_of_sources(context))
        ways = [Way(one, *draw_corpus(one, pools[one.recipe.pool], models)) for one in drawn]
        pushed: dict[str, Published] = {}
        with open_target(context, repo, private=private, dry=dry) as target:
            for _, _, done in push_sources(target, [ways[0], *arm_releases(ways)], version):
                pushed |= done
            found = find(context)
            results = _earlier_results(context, found)
            if results:
                pushed["results"] = push_results(context, target, pushed["release"], results)
            if students:
                pushed |= push_students(target, pushed["release"], found.replicates[0], found.measured, merged)
            push_collection(context, target, pushed)
        return "\nNothing was pushed: this was a dry run." if dry else f"\n{loading_lines(context, pushed)}"


def status(run: Run, workspace: Path, *, jobs: int) -> str:
    """Say of every stage of a run what is there and what is to be done; nothing is made.

    Raises:
        HubFault: where a model of the Hub is named, and the Hub does not say at which commit it is.
    """
    progress = Progress(io.StringIO())
    with _context(run, workspace, jobs, progress) as context:
        pool = find_pool(context)
        if not pool.made:
            return f"Nothing is there yet. `fss run {run.name} --dry-run` says what is ahead."
        plan = plan_run(context)
        _show(context, [PlannedStage("pool", [pool], described(pool)), *plan.stages])
        lines = [f"{stage.name:<11} {stage.state:<22} {stage.text}".rstrip() for stage, _ in progress.done]
        return "\n".join([*lines, plan.projection(jobs)])


def serve_teacher(run: Run, workspace: Path, command: Sequence[str], *, jobs: int, dry: bool) -> int:
    """Start the recipe's teacher server until Ctrl-C, or while `command` runs, whose exit code is returned.

    An embedded teacher is trained first. A dry run says how the server would be started.
    """
    from toolkit.teachers.serve import commands, serve
    from toolkit.teachers.serve_process import shown as quoted

    progress = Progress()
    with _context(run, workspace, jobs, progress) as context:
        teacher = remote_model(run.recipe) or _teacher_here(context, dry)
    settings = named_here(context, teacher), run.recipe.serving, run.recipe.sampling
    if not dry:
        return serve(*settings, command, say=progress.say)
    for line in commands(*settings):
        progress.say(quoted(line))
    return 0


def _teacher_here(context: Context, dry: bool) -> Artifact:
    """Give the first of the recipe's teachers."""
    if dry:
        return next(iter(find_models(context, ["teacher"]).values()))
    pool = pool_stage(context)
    checks_stage(context, pool, ["teacher"])
    return next(iter(models_stage(context, pool, ["teacher"]).values()))


@contextlib.contextmanager
def _context(
    run: Run,
    workspace: Path,
    jobs: int,
    progress: Progress | None,
    max_cost: float | None = None,
    retry_errors: bool = False,
) -> Iterator[Context]:
    """Open what stages are given, with workers that end with the body."""
    progress = progress or Progress()
    refuse_unknown_form(run.recipe)
    open_protocol(run.recipe, progress)
    with open_workers(jobs, "toolkit.pipeline.worker_imports") as workers:
        yield Context(
            run,
            Workspace(workspace, progress.say),
            workers,
            progress,
            max_cost,
            retry_errors=retry_errors,
        )


def _stages(context: Context) -> str:
    pools = pools_stage(context)
    models = checked_models(context, pools[context.recipe.pool], ["teacher", "base"])
    replicates = grow(context, pools, models)
    first = replicates[0]
    published = publish_source(first.context, first.source, first.corpus, arm_releases(ways_of(replicates)))
    measured, results = measure(context, replicates)
    results["curves"] = curves_stage(context, measured)
    critics_stage(context, replicates)
    if context.recipe.arms:
        results |= arms_stage(context, replicates)
    if not context.failed:  # rules that stand before a run are of a whole one
        results |= decisions_stage(context, results, published.folder, first.corpus)
    publish_results(context, published, results)
    summary = publish(context, replicates, measured, results, published)
    if context.failed:
        raise Incomplete("\n".join(filter(None, [failures(context), published.failure])), summary)
    if published.failure:
        raise Unpublished(
            f"everything was made, not all published; later `fss release` does it. {published.failure}", summary
        )
    return summary


def _earlier_results(context: Context, found: Findings) -> Results:
    """Find the results that earlier runs left, with curves of now; none unless every model of the run is scored."""
    if not found.measured.made:
        context.progress.say(
            f"{context.run.name} is not scored yet: `fss run` does it, and then there are results to publish"
        )
        return {}
    curves = curves_stage(context, found.measured.with_cells(known_cells(found.replicates)))
    results = found.results | {"curves": curves}
    results |= find_decisions(context, results, found.replicates[0].corpus)  # they are known by what the curves hold
    return {name: made for name, made in results.items() if made.made}


def _preview(context: Context, plan_of: Callable[[Context], RunPlan], roles: Sequence[str]) -> str:
    """Check what can be checked, show the plan, and return how long it takes and the first prompt."""
    pool = next(iter(pools_stage(context).values()))
    checks_stage(context, pool, roles)
    questions = read_questions(pool.path)
    for arm in context.recipe.arms or [""]:
        way = one_arm(context.recipe, arm)
        rehearse(way, Question(questions[0]["question_id"], questions[0]["question"]))
    plan = plan_of(context)
    _show(context, plan.stages)
    ahead = plan.projection(context.workers.jobs)
    if len(context.recipe.arms) > 1:
        prompts = f"A prompt of each step:\n{shown_arm_prompts(context, plan.teacher, questions)}"
    else:
        prompts = f"The first prompt:\n{shown_prompt(context, plan.teacher, questions[0]['question'])}"
    return f"{ahead}\n{prompts}\n\nNothing else was made: this was a dry run."


def _show(context: Context, stages: Sequence[PlannedStage]) -> None:
    for planned in stages:
        with context.progress.stage(planned.name) as stage:
            stage.plan(artifact.made for artifact in planned.artifacts)
            stage.text = planned.text


def pools_stage(context: Context) -> dict[Pool, Artifact]:
    """Make the pools of a run by their settings, the experiment's own first: replicates may differ in their order."""
    pools: dict[Pool, Artifact] = {}
    for single in (context, *contexts_of_sources(context)):
        if single.recipe.pool not in pools:
            pools[single.recipe.pool] = pool_stage(single)
    return pools


def sources_of(context: Context, pools: Mapping[Pool, Artifact]) -> Iterator[tuple[Context, Artifact]]:
    """Yield a context and a pool for every teacher, arm and replicate."""
    singles = contexts_of_sources(context)
    for single in singles:
        if len(singles) > 1:
            context.progress.say(f"{'':11} {drawn_by(single.run)}:")
        yield single, pools[single.recipe.pool]


def draw_corpus(context: Context, pool: Artifact, models: Mapping[ModelName, Artifact]) -> tuple[Source, Corpus]:
    """Go from the responses of a source's teacher to the files that students are trained on."""
    with open_judge(context, pool) as judge:
        asked = teacher_of(context.run, models), judge, beside_teacher(context.run, models)
        source = responses_stage(context, pool, *asked)
        corpus = corpus_stage(context, source, verdicts_stage(context, source, judge))
    corpus_leaks_stage(context, pool, corpus)
    return source, corpus


def grow(context: Context, pools: Mapping[Pool, Artifact], models: Mapping[ModelName, Artifact]) -> list[Replicate]:
    """Make every pair in every replicate up to its corpus; pairs with the same teacher have the same corpora."""
    made = {
        drawn_by(single.run): (own_pool, *draw_corpus(single, own_pool, models))
        for single, own_pool in sources_of(context, pools)
    }
    replicates = []
    for run in single_runs(context.run):
        single, (own_pool, source, corpus) = context.part(run), made[drawn_by(run)]
        base = models["base", run.recipe.pair.split(">")[1]]
        replicates.append(Replicate(single, own_pool, source.teacher, base, source, corpus))
    return replicates


def measure(context: Context, replicates: Sequence[Replicate]) -> tuple[Measured, Results]:
    """Train and score students and, of a whole ladder, make each pair's forecasts and laws.

    The forecasts of every pair are written before any student of a held-out rung is trained, of whatever pair.
    """
    grid = {cell: replicate for replicate in replicates for cell in cells_of(replicate.context.run)}
    late = {cell: replicate for cell, replicate in grid.items() if cell.budget in held_out_budgets(context.run)}
    early = {cell: replicate for cell, replicate in grid.items() if cell not in late}
    bounds = references(replicates)
    scores = score_stage(context, {**bounds, **_trained(context, "students", early)})
    measured = Measured(context.recipe, {name: scores[name] for name in bounds}, {})
    measured = measured.with_cells({cell: scores[cell] for cell in early if cell in scores})
    if not measured.cells:
        raise StageError(f"no student is left to compare: {failures(context)}")
    results: Results = {}
    forecasts = {
        target: forecast_stage(context, measured, target, _seen(late, target))
        for target in laws_of(context.run)
        if _has_points(context, measured, target, context.run.budgets)
    }
    if late:
        measured = measured.with_cells(score_stage(context, _trained(context, "held-out", late)))
    for target, forecast in forecasts.items():
        if _has_points(context, measured, target, [target.budget]):
            results[law_place(target, results)] = law_stage(context, measured, target, forecast)
    return measured.with_cells(known_cells(replicates)), results


def failures(context: Context) -> str:
    """List the students that came to nothing, each with the reason, on lines of their own."""
    return "\n".join([f"{len(context.failed)} failed:", *(f"  {name}: {why}" for name, why in context.failed.items())])


def _has_points(context: Context, measured: Measured, target: HeldOut, budgets: Sequence[int]) -> bool:
    """Tell whether a pair's ladder has students at some of these budgets, and say so where all have failed."""
    there = not measured.made or bool(measured.points(target.pair, budgets))
    if not there:
        context.progress.say(f"{target.pair}: no law, no student at r = {', '.join(map(str, budgets))} is left")
    return there


def _trained(context: Context, name: str, cells: Mapping[Cell, Replicate]) -> dict[Cell, Scored]:
    students = students_stage(context, name, cells)
    later = with_second_stage(context, {cell: cells[cell] for cell in students})
    return {
        cell: Scored(cells[cell], later.get(cell, student))
        for cell, student in students.items()
        if cell in later or not cells[cell].has_mistakes
    }


def _seen(late: Mapping[Cell, Replicate], target: HeldOut) -> bool:
    """Tell whether a student of this budget exists already."""
    of_rung = [(cell, replicate) for cell, replicate in late.items() if (cell.pair, cell.budget) == target]
    return any(find_student(replicate, cell).made for cell, replicate in of_rung)
