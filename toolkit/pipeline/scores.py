"""Scores: every model is asked the test questions and judged the same way, one behind HTTP too."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from toolkit.pipeline.job import Job
from toolkit.pipeline.students import Cell
from toolkit.pipeline.teacher import Client, client_of, is_served, served_as
from toolkit.prompt import PLAIN
from toolkit.recipe import Recipe
from toolkit.workers import Tick
from toolkit.workspace import Artifact

Label = TypeVar("Label", bound=str | Cell)
TEACHER = "teacher"
LINES = (TEACHER, "base")  # scored beside the students: the bounds of the picture
FACTS = ("error", "n", "k", "eval_key")


def score_inputs(job: Job, pool: Artifact, base: Artifact, model: Artifact, label: str | Cell) -> dict[str, Any]:
    """What a score depends on: the model, what it is an adapter of, the test questions and how they are asked."""
    recipe = job.recipe
    asked = {"settings": recipe.evaluation, "verification": recipe.verification}
    # The teacher is told what it is told when it is sampled; students learn the bare question.
    told = {"prompt": recipe.sampling.prompt, "served": served_as(recipe)} if label == TEACHER else {}
    adapter_of = base.digest if "adapter_config.json" in model.files else None
    return {"adapter_of": adapter_of, "model": model.digest, "test": pool.file("test.parquet"), **asked, **told}


def score_stage(
    job: Job, name: str, pool: Artifact, base: Artifact, models: Mapping[Label, Artifact]
) -> dict[Label, Artifact]:
    """Score models by label on the test questions; a student is its own folder, an adapter on `base`."""
    test = pool.path / "test.parquet"
    with job.progress.stage(name) as stage:
        stage.expect(len(models), "question")

        def score(entry: tuple[Label, Artifact]) -> Artifact:
            label, model = entry
            task = label if isinstance(label, str) else f"r{label[0]}-s{label[1]}"

            def make(out: Path) -> dict[str, Any]:
                facts: dict[str, Any]
                if label == TEACHER and is_served(job.recipe):
                    with client_of(job, model) as client:
                        facts = job.work(stage, task, score_served, client, test, out, job.recipe)
                else:
                    template = job.recipe.sampling.prompt if label == TEACHER else PLAIN
                    folders = base.path, model.path
                    facts = job.work(stage, task, score_one, task, *folders, template, test, out, job.recipe)
                return facts

            return job.build(stage, "score", score_inputs(job, pool, base, model, label), make)

        scores = dict(zip(models, job.each(score, models.items()), strict=True))
        told = [
            f"{label} {1 - score.facts['error']:.1%}"
            for label, score in scores.items()
            if score.made and label in LINES
        ]
        stage.text = f"{len(models)} models" + (f"; right: {', '.join(told)}" if told else "")
    return scores


def score_one(
    name: str, base: Path, model: Path, template: str, test: Path, out: Path, recipe: Recipe, tick: Tick
) -> dict[str, Any]:
    """Score one model; runs in a worker, which keeps lighteval's imports for the next."""
    from toolkit.evaluation.score import ScoredModel, score_models

    scored = ScoredModel(name, model, out, base, template)
    (score,) = score_models([scored], test, recipe.evaluation, tick, recipe.verification)
    return {fact: score[fact] for fact in FACTS}


def score_served(client: Client, test: Path, out: Path, recipe: Recipe, tick: Tick) -> dict[str, Any]:
    """Score the teacher behind HTTP; runs in a worker. Its answers are kept beside the score."""
    from toolkit.evaluation.score import score_answers

    settings = recipe.evaluation

    def answer(questions: Sequence[str], samples: int) -> list[list[str]]:
        return _ask(client, questions, samples, out / "answers.jsonl", recipe, tick)

    template = recipe.sampling.prompt
    score = score_answers(TEACHER, answer, template, test, out, settings, recipe.verification)
    return {fact: score[fact] for fact in FACTS}


def _ask(
    client: Client, questions: Sequence[str], samples: int, file: Path, recipe: Recipe, tick: Tick
) -> list[list[str]]:
    """`samples` texts for each question; empty where none came."""
    from toolkit.synthesis.journal import Journal
    from toolkit.synthesis.sampler import sample
    from toolkit.teachers.endpoint import EndpointTeacher

    teacher, serving, urls = client
    settings, total = recipe.evaluation, samples * len(questions)
    greedy = settings.eval_temperature == 0
    temperature = recipe.sampling.temperature if greedy else settings.eval_temperature  # not read by the greedy
    sampling = dataclasses.replace(
        recipe.sampling, max_tokens=settings.eval_max_tokens, temperature=temperature, top_p=1.0
    )
    asked = ((str(place), text, index) for index in range(samples) for place, text in enumerate(questions))
    with Journal(file) as journal:
        sample(
            journal,
            asked,
            EndpointTeacher(teacher, serving, sampling, urls=urls, questions=questions, greedy=greedy),
            sampling_seed=settings.eval_seed,
            report=lambda tally: tick(tally.sampled, total),
            attempts=serving.attempts,
        )
        texts = {(int(row.question_id), row.index): row.text for row in journal}
    return [[texts[place, index] for index in range(samples)] for place in range(len(questions))]
