"""The plan of a run: every artifact by its key, as it is in the workspace, and the work that making the rest takes.

Nothing is made, and nobody is asked but a Hub for a model's commit and a benchmark for its items. A dry run
and `fss status` show a plan, `fss release` publishes what it finds.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from toolkit.pipeline.cells import Cell, Drawn, cells_of, drawn_by, single_runs
from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import PlannedStage, projection
from toolkit.pipeline.fold import counted_words, fold_responses
from toolkit.pipeline.measured import Measured, known_cells
from toolkit.pipeline.protocol import asks_student
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.arm_releases import arm_releases, ways_of
from toolkit.pipeline.stages.arms import find_arms, plan_arms
from toolkit.pipeline.stages.corpus import Corpus, counted, described, find_corpus, find_corpus_leaks, find_verdicts
from toolkit.pipeline.stages.critics import plan_critics
from toolkit.pipeline.stages.law import (
    HeldOut,
    Results,
    curves_inputs,
    decided,
    decision_inputs,
    forecast_inputs,
    forecasted,
    held_out_budgets,
    law_inputs,
    law_place,
    laws_of,
)
from toolkit.pipeline.stages.models import (
    ModelName,
    beside_teacher,
    find_models,
    find_training_leaks,
    plan_models,
    teacher_of,
)
from toolkit.pipeline.stages.pool import find_pool
from toolkit.pipeline.stages.publish import plan_publishing
from toolkit.pipeline.stages.release import plan_release
from toolkit.pipeline.stages.responses import find_source, plan_responses
from toolkit.pipeline.stages.scores import Scored, find_score, plan_scores, references
from toolkit.pipeline.stages.second_stage import plan_second_stage
from toolkit.pipeline.stages.students import Replicate, find_student, find_trained, plan_students
from toolkit.recipe.sections import Recipe
from toolkit.workspace import Artifact


@dataclasses.dataclass(frozen=True)
class RunPlan:
    """A run before it runs.

    Attributes:
        stages: in the order of the run.
        teacher: of the first source.
    """

    stages: Sequence[PlannedStage]
    teacher: Artifact

    def projection(self, workers: int) -> str:
        """Say how long the rest takes with so many workers; empty where there is none."""
        return projection((ahead for stage in self.stages for ahead in stage.ahead), workers)


@dataclasses.dataclass(frozen=True)
class Findings:
    """What a run has left in the workspace, or will make.

    Attributes:
        replicates: every pair in every replicate, up to its corpus.
        students: by cell.
        measured: the scores.
        forecasts: of held-out rungs.
        results: laws, curves and decisions, by where they lie among a run's results.
    """

    models: Mapping[ModelName, Artifact]
    replicates: Sequence[Replicate]
    students: Mapping[Cell, Artifact]
    measured: Measured
    forecasts: Mapping[HeldOut, Artifact]
    results: Results


def plan_sampling(context: Context) -> RunPlan:
    """Plan the stages up to the responses."""
    roles = asked_roles(context.recipe)
    models, singles = find_models(context, roles), contexts_of_sources(context)
    found = [(single, _source(single, find_pool(single), models)) for single in singles]
    if context.recipe.arms:
        responses = fold_responses(found)
    else:
        responses = [_named(single, len(found), plan_responses(single, source)) for single, source in found]
    return RunPlan([*_first_stages(context, models, roles), *responses], found[0][1].teacher)


def asked_roles(recipe: Recipe) -> list[str]:
    """List the roles of the models that responses are asked of: the base, too, where a protocol asks the student."""
    return ["teacher", *(["base"] if asks_student(recipe) else [])]


def _source(context: Context, pool: Artifact, models: Mapping[ModelName, Artifact]) -> Source:
    return find_source(context, pool, teacher_of(context.run, models), beside_teacher(context.run, models))


def contexts_of_sources(context: Context) -> list[Context]:
    """Give a context for every teacher, arm and replicate."""
    return [context.part(run) for run in {drawn_by(run): run for run in single_runs(context.run)}.values()]


def plan_run(context: Context) -> RunPlan:
    """Plan every stage of a run."""
    found = find(context)
    first, results = found.replicates[0], found.results
    arms = arm_releases(ways_of(found.replicates))
    laws = [law for place, law in results.items() if place.rpartition("/")[2] == "law" and place != "decisions/law"]
    decisions = {place.rpartition("/")[2]: made for place, made in results.items() if place.startswith("decisions/")}
    models = len(found.measured.cells) + len(found.measured.references)
    stages = [
        *_first_stages(context, found.models, ["teacher", "base"]),
        *(_arms if context.recipe.arms else _sources)(found.replicates),
        plan_release(first.context, first.source, first.corpus),
        *(plan_release(*way) for way in arms),
        *plan_publishing(context, arms),
        *_measuring(context, found),
        *(PlannedStage("law", [law], law.facts.get("sentence", "")) for law in laws),
        PlannedStage("curves", [results["curves"]], f"{models} models: curves.parquet, items.parquet"),
        *plan_critics(found.replicates),
        *plan_arms(results),
        *(PlannedStage("decision", [made], decided(rule, made)) for rule, made in decisions.items()),
    ]
    return RunPlan(stages, first.teacher)


def find(context: Context) -> Findings:
    """Look up all that a run makes."""
    models = find_models(context, ["teacher", "base"])
    replicates = find_replicates(context, models)
    grid = {cell: replicate for replicate in replicates for cell in cells_of(replicate.context.run)}
    students = {cell: find_student(replicate, cell) for cell, replicate in grid.items()}
    scores = {cell: find_score(Scored(grid[cell], student), cell) for cell, student in students.items()}
    bounds = {name: find_score(scored, name) for name, scored in references(replicates).items()}
    measured = Measured(context.recipe, bounds, {}).with_cells(scores)
    forecasts, results = find_laws(context, measured)
    curves = curves_inputs(context, measured.with_cells(known_cells(replicates)))
    results["curves"] = context.workspace.planned("curves", curves)
    results |= find_arms(context, replicates)
    results |= find_decisions(context, results, replicates[0].corpus)
    return Findings(models, replicates, students, measured, forecasts, results)


def find_replicates(context: Context, models: Mapping[ModelName, Artifact]) -> list[Replicate]:
    """Look up every pair in every replicate up to its corpus; pairs with the same teacher have the same corpora."""
    sources: dict[Drawn, tuple[Artifact, Source, Corpus]] = {}
    replicates = []
    for run in single_runs(context.run):
        single, name = context.part(run), drawn_by(run)
        if name not in sources:
            pool = find_pool(single)
            source = _source(single, pool, models)
            sources[name] = pool, source, find_corpus(single, source)
        pool, source, corpus = sources[name]
        base = models["base", run.recipe.pair.split(">")[1]]
        replicates.append(Replicate(single, pool, source.teacher, base, source, corpus))
    return replicates


def find_decisions(context: Context, results: Results, corpus: Corpus) -> Results:
    """Look up what was decided from laws and curves, by where it lies among a run's results."""
    rules = decision_inputs(context, results, corpus)
    return {f"decisions/{rule}": context.workspace.planned("decision", inputs) for rule, inputs in rules.items()}


def find_laws(context: Context, measured: Measured) -> tuple[dict[HeldOut, Artifact], Results]:
    """Look up the forecast and the law of every held-out rung; the laws by where they lie among a run's results.

    A pair whose students of these budgets all came to nothing has neither.
    """
    forecasts: dict[HeldOut, Artifact] = {}
    results: Results = {}
    early = measured.without(held_out_budgets(context.run))
    for target in laws_of(context.run):
        if early.made and not early.points(target.pair, context.run.budgets):
            continue
        forecast = context.workspace.planned("forecast", forecast_inputs(context, early, target))
        forecasts[target] = forecast
        if not measured.made or measured.points(target.pair, [target.budget]):
            inputs = law_inputs(context, measured, target, forecast)
            results[law_place(target, results)] = context.workspace.planned("law", inputs)
    return forecasts, results


def _first_stages(context: Context, models: Mapping[ModelName, Artifact], roles: Sequence[str]) -> list[PlannedStage]:
    """Plan what is the same for every source."""
    pool = find_pool(context)
    leaks = find_training_leaks(context, pool, roles)
    return [PlannedStage("leaks", [leaks], "held-out questions in all that is read"), plan_models(context, models)]


def _sources(replicates: Sequence[Replicate]) -> Iterator[PlannedStage]:
    """Plan the stages from the responses to the corpus, of every source."""
    sources = {drawn_by(replicate.context.run): replicate for replicate in replicates}
    for replicate in sources.values():
        context, source, corpus = replicate.context, replicate.source, replicate.corpus
        verdicts = find_verdicts(context, source)
        yield _named(context, len(sources), plan_responses(context, source))
        yield PlannedStage("verdicts", list(verdicts.values()), counted(context, verdicts))
        yield PlannedStage("corpus", list(corpus.parts.values()), described(context, corpus))
        yield PlannedStage("leaks", [find_corpus_leaks(context, replicate.pool, corpus)], "the corpus")


def _arms(replicates: Sequence[Replicate]) -> Iterator[PlannedStage]:
    """Responses by arm, with replicates that have the same ahead on one line; verdicts, corpus and leaks of all."""
    sources = {drawn_by(replicate.context.run): replicate for replicate in replicates}
    yield from fold_responses([(one.context, one.source) for one in sources.values()])
    each = f"of {counted_words(len({name.arm for name in sources}), 'arm')}, {len(sources)} corpora"
    stages: dict[str, list[Artifact]] = {"verdicts": [], "corpus": [], "leaks": []}
    for one in sources.values():
        described(one.context, one.corpus)  # refuses one without an accepted response
        stages["verdicts"] += find_verdicts(one.context, one.source).values()
        stages["corpus"] += one.corpus.parts.values()
        stages["leaks"].append(find_corpus_leaks(one.context, one.pool, one.corpus))
    yield from (PlannedStage(name, artifacts, each) for name, artifacts in stages.items())


def _named(context: Context, sources: int, stage: PlannedStage) -> PlannedStage:
    """Put the name of its source in front of a stage's text, where there are several."""
    if sources == 1:
        return stage
    return stage._replace(text=f"{drawn_by(context.run)}: {stage.text}")


def _measuring(context: Context, found: Findings) -> Iterator[PlannedStage]:
    """Students and scores; those of held-out rungs come after the forecasts."""
    grid = {cell: replicate for replicate in found.replicates for cell in cells_of(replicate.context.run)}
    late = {cell: replicate for cell, replicate in grid.items() if cell.budget in held_out_budgets(context.run)}
    early = {cell: replicate for cell, replicate in grid.items() if cell not in late}
    scores, trained = found.measured.cells, {cell: find_trained(replicate, cell) for cell, replicate in grid.items()}
    yield plan_students(context, "students", early, trained)
    yield from plan_second_stage(context, early)
    yield plan_scores(context, {**found.measured.references, **{cell: scores[cell] for cell in early}})
    for target, forecast in found.forecasts.items():
        yield PlannedStage("forecast", [forecast], forecasted(target, forecast))
    if late:
        yield plan_students(context, "held-out", late, trained)
        yield plan_scores(context, {cell: scores[cell] for cell in late})
