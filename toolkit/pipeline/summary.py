"""What a run shows at the end: a table per budget, what was forecast and seen, and the paths of what it made."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolkit.pipeline.grid import Cell, corpora_of, corpus_name
from toolkit.pipeline.job import Job
from toolkit.pipeline.loading import loading_lines, shown
from toolkit.pipeline.results import Measured, what_varies
from toolkit.pipeline.stages.publish import Publication
from toolkit.pipeline.students import Replicate
from toolkit.text import markdown_table
from toolkit.workspace import Artifact, write_atomic

HEADER = ("budget", "sampled", "accepted", "distinct", "questions covered", "tokens", "error", "sd", "students")


def publish(
    job: Job,
    replicates: Sequence[Replicate],
    measured: Measured,
    results: Mapping[str, Artifact],
    published: Publication,
) -> str:
    """Copy what the run made to `runs/<RUN>/` of the workspace, and return the summary that lies there too.

    Args:
        results: by where they lie there; of `laws/large-small-r32/law`, the files go into the folder before the last.
    """
    folder = job.workspace.root / "runs" / job.run.name
    job.workspace.publish(published.folder.path, folder / "release")
    for name, artifact in results.items():
        for file in artifact.files:
            job.workspace.publish(artifact.path / file, folder / Path(name).parent / file)
    text = summarise(job, replicates, measured, results)
    write_atomic(folder / "summary.md", text)
    load = loading_lines(job, published.pushed, folder / "release")
    return f"\n{text}\nMade in {shown(folder)}:\n{_listed(folder)}\n\n{load}"


def summarise(job: Job, replicates: Sequence[Replicate], measured: Measured, results: Mapping[str, Artifact]) -> str:
    """The run as Markdown: its title, a table per pair and control, teacher and base, and what the laws say."""
    recipe = job.recipe
    lines = [
        f"# {recipe.title}",
        f"Errors on {measured.items:,} held-out questions; counts are of one replicate on average, mean and sd of the "
        f"error over replicates ({what_varies(recipe)}).",
    ]
    series = list(dict.fromkeys((cell.pair, cell.control) for cell in measured.cells))
    for pair, control in series:
        own = [replicate for replicate in replicates if replicate.job.recipe.pair == pair]
        trained = {cell[1:3] for cell in measured.cells if (cell.pair, cell.control) == (pair, control)}
        shown = [held for held in corpora_of(own[0].job.run) if control == recipe.controls[0] or held in trained]
        rows = [_row(own, held, control, measured) for held in shown]
        bounds = ", ".join(f"{role} {error:.3f}" for role, error in measured.lines(pair).items())
        lines += [f"{pair}, control {control}; {bounds} on the same questions:", markdown_table(HEADER, rows)]
    for name, law in results.items():
        told = law.facts.get("report", ()) if Path(name).name == "law" else ()
        lines += [f"## {Path(name).parent.name}"] * bool(told and "/" in name) + [*told]
    for name, artifact in results.items():
        if Path(name).parent.name == "decisions":
            lines.append(f"{Path(name).name}: {artifact.facts['verdict']}. {artifact.facts['sentence']}")
    if recipe.release.limits:
        lines.append(" ".join(recipe.release.limits))
    return "\n\n".join(lines) + "\n"


def _row(replicates: Sequence[Replicate], held: tuple[int, int], control: str, measured: Measured) -> list[str]:
    counts = [replicate.corpus.statistics[held] for replicate in replicates]
    numbers = [
        statistics.mean(count[name] for count in counts)
        for name in ("sampled", "accepted", "distinct", "covered", "accepted_tokens")
    ]
    recipe = replicates[0].job.recipe
    cells = [
        Cell(recipe.pair, *held, control, seed) for replicate in replicates for seed in replicate.job.run.replicates
    ]
    errors = [measured.cells[cell].facts["error"] for cell in cells if cell in measured.cells]
    told = [f"{statistics.mean(errors):.3f}" if errors else "", f"{statistics.stdev(errors):.3f}" if errors[1:] else ""]
    return [corpus_name(recipe, *held), *(f"{number:,.0f}" for number in numbers), *told, str(len(errors) or "")]


def _listed(folder: Path) -> str:
    return "\n".join(f"  {path.name}{'/' if path.is_dir() else ''}" for path in sorted(folder.iterdir()))
