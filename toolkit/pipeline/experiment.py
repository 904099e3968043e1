"""An experiment: every pair of teacher and base in every replicate, through the same stages.

A plain ladder is an experiment with one pair. What two of them share is made once: artifacts are known by what went in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from toolkit.pipeline.cells import Source
from toolkit.pipeline.corpus import Corpus, corpus_stage, verdicts_stage
from toolkit.pipeline.forecasts import Held, forecast_stage, held_rungs, law_stage, laws_of
from toolkit.pipeline.grid import Cell, cells_of, drawn_by, single_runs
from toolkit.pipeline.job import Job
from toolkit.pipeline.leaks import corpus_leaks_stage, training_leaks_stage
from toolkit.pipeline.results import Measured, known_cells
from toolkit.pipeline.scores import Scored, references, score_stage
from toolkit.pipeline.source import ModelName, models_stage, pool_stage, responses_stage
from toolkit.pipeline.students import Replicate, student_inputs, students_stage
from toolkit.workspace import Artifact

Results = dict[str, Artifact]  # where it is published below the run's folder, without the file -> what


def checked_models(job: Job, pool: Artifact, roles: Sequence[str]) -> dict[ModelName, Artifact]:
    """Side by side: the check of what models read ends long before they do, and stops them when it finds something."""
    stages: list[Callable[[], Any]] = [
        lambda: training_leaks_stage(job, pool, roles),
        lambda: models_stage(job, pool, roles),
    ]
    models: dict[ModelName, Artifact] = job.each(lambda stage: stage(), stages)[1]
    return models


def sources_of(job: Job, pool: Artifact) -> Iterator[tuple[Job, Artifact]]:
    """A job and a pool for every teacher in every replicate, with that source's recipe; `pool` is the experiment's."""
    pools = {job.recipe.pool: pool}
    runs = {drawn_by(run): run for run in single_runs(job.run)}
    for (teacher, replicate), run in runs.items():
        if len(runs) > 1:
            job.progress.say(f"{'':11} teacher {teacher}, replicate {replicate}:")
        single = job.part(run)
        if run.recipe.pool not in pools:
            pools[run.recipe.pool] = pool_stage(single)
        yield single, pools[run.recipe.pool]


def draw_corpus(job: Job, pool: Artifact, models: Mapping[ModelName, Artifact]) -> tuple[Source, Corpus]:
    """From the responses of a source's teacher to the files that students are trained on."""
    source = responses_stage(job, pool, models["teacher", drawn_by(job.run)[0]])
    corpus = corpus_stage(job, source, verdicts_stage(job, source))
    corpus_leaks_stage(job, pool, corpus)
    return source, corpus


def grow(job: Job, pool: Artifact, models: Mapping[ModelName, Artifact]) -> list[Replicate]:
    """Every pair in every replicate up to its corpus; pairs with the same teacher have the same corpora."""
    drawn = {
        drawn_by(single.run): (own_pool, *draw_corpus(single, own_pool, models))
        for single, own_pool in sources_of(job, pool)
    }
    replicates = []
    for run in single_runs(job.run):
        single, (own_pool, source, corpus) = job.part(run), drawn[drawn_by(run)]
        base = models["base", run.recipe.pair.split(">")[1]]
        replicates.append(Replicate(single, own_pool, source.teacher, base, source, corpus))
    return replicates


def measure(job: Job, replicates: Sequence[Replicate]) -> tuple[Measured, Results]:
    """Students and their scores and, of a whole ladder, each pair's forecasts and laws.

    The forecasts of every pair are written before any student of a held-out rung is trained, of whatever pair.
    """
    grid = {cell: replicate for replicate in replicates for cell in cells_of(replicate.job.run)}
    late = {cell: replicate for cell, replicate in grid.items() if cell.budget in held_rungs(job.run)}
    early = {cell: replicate for cell, replicate in grid.items() if cell not in late}
    bounds = references(replicates)
    scores = score_stage(job, {**bounds, **_trained(job, "students", early)})
    measured = Measured(job.recipe, {name: scores[name] for name in bounds}, {})
    measured = measured.with_cells({cell: scores[cell] for cell in early})
    results: Results = {}
    forecasts = {held: forecast_stage(job, measured, held, _seen(late, held)) for held in laws_of(job.run)}
    if late:
        measured = measured.with_cells(score_stage(job, _trained(job, "held-out", late)))
    for held, forecast in forecasts.items():
        place = f"{held.place}/" if results else ""  # the first is the only one of a plain ladder
        results[f"{place}law"] = law_stage(job, measured, held, forecast)
    return measured.with_cells(known_cells(replicates)), results


def _trained(job: Job, name: str, cells: Mapping[Cell, Replicate]) -> dict[Cell, Scored]:
    students = students_stage(job, name, cells)
    return {cell: Scored(cells[cell], student) for cell, student in students.items()}


def _seen(late: Mapping[Cell, Replicate], held: Held) -> bool:
    """Whether a student of this rung exists already."""
    of_rung = [(cell, replicate) for cell, replicate in late.items() if (cell.pair, cell.budget) == held]
    return any(
        replicate.job.workspace.planned("student", student_inputs(replicate, cell)).made for cell, replicate in of_rung
    )
