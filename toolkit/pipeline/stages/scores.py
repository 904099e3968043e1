"""Scores: every model is asked the test questions and judged the same way, one behind HTTP too."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from toolkit.evaluation.benchmarks import Benchmark
from toolkit.models.files import NotFinite
from toolkit.pipeline.cells import Cell
from toolkit.pipeline.context import Context
from toolkit.pipeline.eta import Ahead, PlannedStage, timed
from toolkit.pipeline.stages.models import ModelName
from toolkit.pipeline.stages.pool import benchmark_of, find_pool, has_benchmark, tested_file
from toolkit.pipeline.stages.students import Replicate
from toolkit.pipeline.teacher import NANO, is_served, open_served, served_as
from toolkit.progress import Stage
from toolkit.protocols import rejection_sampling
from toolkit.protocols.execution import first_prompt
from toolkit.recipe.sections import Recipe
from toolkit.teachers.completion import Teacher
from toolkit.workers import Tick
from toolkit.workspace import Artifact

TEACHER = "teacher"
SECONDS = 0.0022  # of one core per answer of an embedded model of the default size
FACTS = ("error", "n", "k", "eval_key")
Label = ModelName | Cell  # what is scored: teachers and bases by role and name, students by their cell


class Scored(NamedTuple):
    """A model that is to be scored, and one of the replicates that have it."""

    replicate: Replicate
    model: Artifact


def references(replicates: Iterable[Replicate]) -> dict[ModelName, Scored]:
    """Give every teacher and base, each once: the bounds of the picture."""
    found: dict[ModelName, Scored] = {}
    for replicate in replicates:
        names = replicate.context.recipe.pair.split(">")
        for role, name in zip((TEACHER, "base"), names, strict=True):
            found.setdefault((role, name), Scored(replicate, getattr(replicate, role)))
    return found


def score_inputs(scored: Scored, label: Label) -> dict[str, Any]:
    """Give what a score depends on: the model, what it is an adapter of, the test questions and how they are asked."""
    (replicate, model), recipe = scored, scored.replicate.context.recipe
    asking = {"settings": recipe.evaluation, "verification": recipe.verification.keyed()}
    # The teacher reads the prompt that it reads when it is sampled; students learn the bare question.
    teacher = {"prompt": recipe.sampling.prompt, "served": served_as(recipe)} if label[0] == TEACHER else {}
    if teacher and recipe.sampling.reasoning != "drop":
        teacher["reasoning"] = recipe.sampling.reasoning
    adapter_of = replicate.base.digest if "adapter_config.json" in model.files else None
    test = replicate.pool.file(tested_file(recipe))
    if has_benchmark(recipe) and replicate.pool.made:
        benchmark = benchmark_of(replicate.context, replicate.pool.path)
        asking |= {"verification": benchmark.verification.keyed(), "template": benchmark.template}
    return {"adapter_of": adapter_of, "model": model.digest, "test": test, **asking, **teacher}


def score_stage(context: Context, models: Mapping[Any, Scored]) -> dict[Any, Artifact]:
    """Score models by label on the test questions; a student is its own folder, an adapter on its base.

    A student that has diverged is noted and left out; a teacher or base that has ends the run.
    """
    with context.progress.stage("score") as stage:
        stage.expect(len(models), "question")

        def score(entry: tuple[Label, Scored]) -> Artifact | None:
            label, scored = entry
            inputs = score_inputs(scored, label)
            try:
                return context.build(stage, "score", inputs, lambda out: _score(stage, label, scored, out))
            except NotFinite as error:
                if not isinstance(label, Cell):
                    raise
                context.fail(label.task, error)
                return None

        made = zip(models, context.each(score, models.items()), strict=True)
        scores = {label: score for label, score in made if score}
        stage.text = _described(scores)
    return scores


def find_score(scored: Scored, label: Label) -> Artifact:
    """Look up the score of a model."""
    return scored.replicate.context.workspace.planned("score", score_inputs(scored, label))


def plan_scores(context: Context, scores: Mapping[Any, Artifact]) -> PlannedStage:
    """Say which models are scored, and how many answers the others are to give."""
    items = find_pool(context).facts.get("benchmark", context.recipe.pool.test_size)
    answers = items * context.recipe.evaluation.eval_samples
    answers *= sum(not score.made for score in scores.values())
    done = ((one["seconds"], one["facts"]["n"] * one["facts"]["k"]) for one in context.workspace.manifests("score"))
    guess = SECONDS if context.recipe.base.base == NANO else None
    ahead = timed(context, Ahead("score", answers, "answers"), done, guess)
    return PlannedStage("score", list(scores.values()), _described(scores), [ahead])


def _described(scores: Mapping[Label, Artifact]) -> str:
    """Say what share teachers and bases have right, by role, and by name where there are several."""
    bounds = {label: score for label, score in scores.items() if score.made and not isinstance(label, Cell)}
    roles = [label[0] for label in bounds]
    right = [
        f"{label[0] if roles.count(label[0]) == 1 else f'{label[0]} {label[1]}'} {1 - score.facts['error']:.1%}"
        for label, score in bounds.items()
    ]
    return f"{len(scores)} models" + (f"; right: {', '.join(right)}" if right else "")


def _score(stage: Stage, label: Label, scored: Scored, out: Path) -> dict[str, Any]:
    (replicate, model), context = scored, scored.replicate.context
    benchmark = benchmark_of(context, replicate.pool.path)
    benchmark = benchmark._replace(items=replicate.pool.path / tested_file(context.recipe))
    is_teacher = label[0] == TEACHER
    task, name = (label.task, label.name) if isinstance(label, Cell) else (f"{label[0]} {label[1]}", label[0])
    facts: dict[str, Any]
    if is_teacher and is_served(context.recipe):
        with open_tested(context, model, benchmark) as teacher:
            facts = context.work(stage, task, score_served, teacher, benchmark, out, context.recipe)
    else:
        template = context.recipe.sampling.prompt if is_teacher else benchmark.template
        folders = replicate.base.path, model.path, out
        facts = context.work(stage, task, score_one, name, folders, template, benchmark, context.recipe)
    return facts


def score_one(
    name: str, folders: tuple[Path, Path, Path], template: str, benchmark: Benchmark, recipe: Recipe, tick: Tick
) -> dict[str, Any]:
    """Score one model (folders of base, model and results); runs in a worker, which keeps lighteval's imports."""
    from toolkit.evaluation.score import ScoredModel, score_models

    base, model, out = folders
    scored = ScoredModel(name, model, out, base, template)
    (score,) = score_models([scored], benchmark.items, recipe.evaluation, tick, benchmark.verification)
    return {fact: score[fact] for fact in FACTS}


def open_tested(context: Context, model: Artifact, benchmark: Benchmark) -> AbstractContextManager[Teacher]:
    """Open the teacher behind HTTP, to answer test questions as the recipe tests."""
    from toolkit.evaluation.items import read_items

    settings, sampling = context.recipe.evaluation, context.recipe.sampling
    greedy = settings.eval_temperature == 0
    temperature = sampling.temperature if greedy else settings.eval_temperature  # not read by the greedy
    tested = dataclasses.replace(sampling, max_tokens=settings.eval_max_tokens, temperature=temperature, top_p=1.0)
    protocol = rejection_sampling.protocol(sampling.prompt)
    prompts = [first_prompt(protocol, item["question"]) for item in read_items(benchmark.items)]
    return open_served(context, model, tested, prompts, greedy=greedy)


def score_served(teacher: Teacher, benchmark: Benchmark, out: Path, recipe: Recipe, tick: Tick) -> dict[str, Any]:
    """Score a teacher; runs in a worker. Its answers are kept beside the score."""
    from toolkit.evaluation.score import score_answers

    settings = recipe.evaluation

    def answer(questions: Sequence[str], samples: int) -> list[list[str]]:
        return _ask(teacher, questions, samples, out / "answers.jsonl", recipe, tick)

    template = recipe.sampling.prompt
    score = score_answers(TEACHER, answer, template, benchmark.items, out, settings, benchmark.verification)
    return {fact: score[fact] for fact in FACTS}


def _ask(
    teacher: Teacher, questions: Sequence[str], samples: int, file: Path, recipe: Recipe, tick: Tick
) -> list[list[str]]:
    """Give `samples` texts for each question; empty ones where none came."""
    from toolkit.synthesis.journal import Journal
    from toolkit.synthesis.sampler import sample

    total = samples * len(questions)
    rows = ((str(place), text, index) for index in range(samples) for place, text in enumerate(questions))
    with Journal(file) as journal:
        sample(
            journal,
            rows,
            teacher,
            rejection_sampling.protocol(recipe.sampling.prompt),
            sampling_seed=recipe.evaluation.eval_seed,
            report=lambda tally: tick(tally.sampled, total),
            attempts=recipe.serving.attempts,
        )
        texts = {(int(row.question_id), row.index): row.text for row in journal}
    return [[texts[place, index] for index in range(samples)] for place in range(len(questions))]
