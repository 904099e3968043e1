"""How long what is ahead will take: by what this workspace has measured, else by a guess that is called one."""

import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.pipeline.job import Job
from toolkit.pipeline.rates import read_rate
from toolkit.pipeline.teacher import NANO, is_served
from toolkit.workspace import MANIFEST, read_manifest

# Seconds of one core per unit, with embedded models of the default size; the units are those of `Job.ahead`.
GUESSES = {"teacher": 0.05, "base": 0.035, "responses": 0.0015, "student": 0.05, "score": 0.0022}
LONGER = {"physics": 1.8, "stem": 1.6}  # pools whose rows are longer, against those of mathematics
UNITS = {"teacher": "steps", "base": "steps", "responses": "responses", "student": "steps", "score": "answers"}


def projection(job: Job) -> str:
    """A sentence on the time of what a dry run has found to be ahead; empty when there is nothing."""
    ahead = {kind: units for kind, units in job.ahead.items() if units}
    if not ahead:
        return ""
    rates = {kind: _measured(job.workspace.root, kind) or _guess(job, kind) for kind in ahead}
    unknown = [kind for kind, rate in rates.items() if rate is None]
    told = ", ".join(f"{kind} {units:,.0f} {UNITS[kind]}{_source(job, kind)}" for kind, units in ahead.items())
    if unknown:
        return (
            f"\nAhead: {told}. How long {' and '.join(unknown)} will take cannot be told before some of it is measured."
        )
    seconds = sum(units * (rates[kind] or 0) / _side_by_side(job, kind) for kind, units in ahead.items())
    return f"\nAhead: {told}. About {seconds / 60:,.0f} min with {job.workers.jobs} workers on idle cores."


def _side_by_side(job: Job, kind: str) -> int:
    return 1 if kind == "responses" else job.workers.jobs


def _source(job: Job, kind: str) -> str:
    return (
        " (rate measured here)" if _measured(job.workspace.root, kind) else " (rate guessed)" * bool(_guess(job, kind))
    )


def _guess(job: Job, kind: str) -> float | None:
    recipe = job.recipe
    teacher = recipe.teacher.teacher == NANO and not is_served(recipe)
    known = teacher if kind in ("teacher", "responses") else recipe.base.base == NANO
    return GUESSES[kind] * LONGER.get(recipe.pool.pool, 1.0) if known else None


def _measured(workspace: Path, kind: str) -> float | None:
    """Median seconds per unit over everything of the kind that the workspace holds."""
    rates = [seconds / units for seconds, units in _found(workspace, kind) if units]
    return statistics.median(rates) if rates else None


def _found(workspace: Path, kind: str) -> Iterator[tuple[float, float]]:
    """(seconds, units) of each artifact, or of the last sampling of each source."""
    if kind == "responses":
        for path in workspace.glob("responses/*.rate.json"):
            known = read_rate(path)
            if known:
                yield known
        return
    for path in workspace.glob(f"{kind}/*/{MANIFEST}"):
        manifest = read_manifest(path.parent)
        if manifest:
            yield manifest["seconds"], _units(kind, manifest)


def _units(kind: str, manifest: Mapping[str, Any]) -> float:
    facts = manifest["facts"]
    if kind == "score":
        return float(facts["n"] * facts["k"])
    return float(facts["steps"] if kind == "student" else manifest["inputs"]["steps"])
