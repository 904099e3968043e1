"""What a run shows at the end: a table per budget, what was forecast and seen, and the paths of what it made."""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.pipeline.corpus import Corpus, budget_name
from toolkit.pipeline.job import Job
from toolkit.pipeline.loading import loading_lines, shown
from toolkit.pipeline.publishing import Publication
from toolkit.pipeline.results import Measured
from toolkit.reports.markdown import markdown_table
from toolkit.workspace import Artifact, write_atomic

HEADER = ("budget", "sampled", "accepted", "distinct", "questions covered", "tokens", "error", "sd", "students")


def publish(
    job: Job, corpus: Corpus, measured: Measured, results: Mapping[str, Artifact], published: Publication
) -> str:
    """Copy what the run made to `runs/<RUN>/` of the workspace, and return the summary that lies there too."""
    folder = job.workspace.root / "runs" / job.run.name
    job.workspace.publish(published.folder.path, folder / "release")
    for artifact in results.values():
        for file in artifact.files:
            job.workspace.publish(artifact.path / file, folder / file)
    text = summarise(job, corpus, measured, results)
    write_atomic(folder / "summary.md", text)
    load = loading_lines(job, published.pushed, folder / "release")
    return f"\n{text}\nMade in {shown(folder)}:\n{_listed(folder)}\n\n{load}"


def summarise(job: Job, corpus: Corpus, measured: Measured, results: Mapping[str, Artifact]) -> str:
    """The run as Markdown: its title, a row per budget, teacher and base, and what the law says."""
    recipe = job.recipe
    rows = [_row(job, budget, counts, measured) for budget, counts in corpus.statistics.items()]
    n = measured.teacher.facts["n"]
    lines = [
        f"# {recipe.title}",
        f"{recipe.ladder.ladder_questions:,} questions, control {recipe.student.control}, "
        f"errors on {n:,} held-out questions, sd over train seeds (order and initial adapter only).",
        markdown_table(HEADER, rows),
        ", ".join(f"{name} {error:.3f}" for name, error in measured.lines.items()) + " on the same questions.",
    ]
    if "law" in results:
        lines += list(results["law"].facts["report"])
    if recipe.release.limits:
        lines.append(" ".join(recipe.release.limits))
    return "\n\n".join(lines) + "\n"


def _row(job: Job, budget: int, counts: Mapping[str, Any], measured: Measured) -> list[str]:
    errors = [point["error"] for point in measured.points([budget])]
    told = [f"{statistics.mean(errors):.3f}" if errors else "", f"{statistics.stdev(errors):.3f}" if errors[1:] else ""]
    numbers = [counts[name] for name in ("sampled", "accepted", "distinct", "covered", "accepted_tokens")]
    return [budget_name(job, budget), *(f"{number:,}" for number in numbers), *told, str(len(errors) or "")]


def _listed(folder: Path) -> str:
    return "\n".join(f"  {path.name}{'/' if path.is_dir() else ''}" for path in sorted(folder.iterdir()))
