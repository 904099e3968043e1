"""Walks the rounds of draws: the journal counts, what a round lacks is asked for, and why it ended is written down."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from toolkit.pipeline.grid import most_draws
from toolkit.pipeline.job import Job
from toolkit.pipeline.journal_index import Integers, JournalIndex
from toolkit.pipeline.judging import judged_by, open_judge
from toolkit.progress import Stage
from toolkit.synthesis.schedule import Decision, Round, decision_lines, rounds
from toolkit.workspace import Artifact, write_atomic


def draw(
    job: Job,
    stage: Stage,
    index: JournalIndex,
    pool: Artifact,
    question_ids: Sequence[str],
    ask: Callable[[Round], bool],
) -> Integers | None:
    """Bring the journal up to the run's largest budget; (questions,) how many of each question's draws count.

    Why adaptive draws ended is written beside the journal, as `<journal>.stops.jsonl`.

    Args:
        index: of the journal.
        pool: whose answers and held-out questions the responses are judged by.
        question_ids: in pool order.
        ask: given each round, samples what the journal lacks of it; returns whether all of it is there now. False
            ends the walk (a dry run, or money spent), and then None is returned.
    """
    ladder, judged = job.recipe.ladder, job.recipe.ladder.counting != "sampled"
    decisions: list[Decision] = []
    draws = None
    index.read()
    with open_judge(job, pool) as judge:
        if judged and not _known_paths(job, index, pool):
            index.label(judge)
        most = most_draws(job.run)
        for wanted in rounds(ladder, len(question_ids), max(job.run.budgets), index.path, decisions.append, most):
            if not ask(wanted):
                return None
            index.read()
            if judged:
                index.label(judge)
            draws = wanted.stop
    if judged and not job.dry:
        job.build(stage, "paths", _inputs(job, index, pool), lambda out: _save(index, out))
    if ladder.counting == "adaptive" and not job.dry:
        write_atomic(index.journal.with_suffix(".stops.jsonl"), decision_lines(decisions, question_ids))
    return draws


def _inputs(job: Job, index: JournalIndex, pool: Artifact) -> dict[str, Any]:
    return {"responses": index.digest(), **judged_by(job, pool)}


def _save(index: JournalIndex, out: Path) -> dict[str, Any]:
    index.save_paths(out / "paths.parquet")
    return {"responses": len(index)}


def _known_paths(job: Job, index: JournalIndex, pool: Artifact) -> bool:
    """Take the paths of a run that left the same journal; judging a large one again would take its time."""
    found = job.workspace.planned("paths", _inputs(job, index, pool))
    if found.made:
        index.load_paths(found.path / "paths.parquet")
    return found.made
