"""A run from pool to law: the order of the stages, and what is shown at the end."""

from pathlib import Path

from toolkit.pipeline.corpus import corpus_stage, release_stage, verdicts_stage
from toolkit.pipeline.job import Job
from toolkit.pipeline.leaks import leaks_stage
from toolkit.pipeline.results import Results, forecast_stage, law_stage, results_stage
from toolkit.pipeline.source import models_stage, pool_stage, responses_stage
from toolkit.pipeline.students import score_stage, students_stage
from toolkit.pipeline.summary import first_prompt, summarise
from toolkit.progress import Progress
from toolkit.recipe import Run
from toolkit.workers import open_workers
from toolkit.workspace import Workspace


def run(run: Run, workspace: Path, *, jobs: int, dry: bool) -> str:
    """Run every stage that is not done and return the summary (of a dry run: the first prompt)."""
    progress = Progress()
    with open_workers(jobs) as workers:
        job = Job(run, Workspace(workspace, progress.say), workers, progress, dry)
        return _stages(job)


def _stages(job: Job) -> str:
    recipe, budgets = job.recipe, job.run.budgets
    pool = pool_stage(job)
    teacher, base = models_stage(job, pool)
    leaks_stage(job, pool)
    source = responses_stage(job, pool, teacher)
    verdicts = verdicts_stage(job, source)
    corpus = corpus_stage(job, source, verdicts)
    release = release_stage(job, source, corpus)
    held_out = recipe.law.held_out if job.run.whole else None
    early = [budget for budget in budgets if budget != held_out]
    students = students_stage(job, "students", base, corpus, early)
    models = {"teacher": teacher, "base": base, **{cell: student for cell, student in students.items()}}
    scores = score_stage(job, "score", pool, base, models)
    ...
