"""What a run shows at its end: a table per budget, what was forecast and seen, and lines that load what it made."""

import os
import shlex
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.hub.endpoints import is_embedded
from toolkit.pipeline.cells import Cell, corpora_of, corpus_name, drawn_by
from toolkit.pipeline.context import Context
from toolkit.pipeline.measured import Measured, what_varies
from toolkit.pipeline.mistakes import added, described
from toolkit.pipeline.stages.critics import shares_of
from toolkit.pipeline.stages.publish import Publication
from toolkit.pipeline.stages.students import Replicate, find_mistakes
from toolkit.recipe.load import Run
from toolkit.text import markdown_table
from toolkit.workspace import Artifact, shown, write_atomic

if TYPE_CHECKING:
    from toolkit.hub.upload import Published


HEADER = ("budget", "sampled", "accepted", "distinct", "questions covered", "tokens", "error", "sd", "students")


def publish(
    context: Context,
    replicates: Sequence[Replicate],
    measured: Measured,
    results: Mapping[str, Artifact],
    published: Publication,
) -> str:
    """Copy what the run made to `runs/<RUN>/` of the workspace, and return the summary that lies there too.

    Args:
        results: by where they lie there; of `laws/large-small-r32/law`, the files go into the folder before the last.
    """
    folder = context.workspace.root / "runs" / context.run.name
    context.workspace.publish(published.folder.path, folder / "release")
    for arm, release in published.arms.items():
        context.workspace.publish(release.path, folder / f"release-{arm}")
    for name, artifact in results.items():
        for file in artifact.files:
            context.workspace.publish(artifact.path / file, folder / Path(name).parent / file)
    text = summarise(context, replicates, measured, results)
    write_atomic(folder / "summary.md", text)
    load = loading_lines(context, published.pushed, folder / "release")
    return f"\n{text}\nMade in {shown(folder)}:\n{_listed(folder)}\n\n{load}"


def summarise(
    context: Context, replicates: Sequence[Replicate], measured: Measured, results: Mapping[str, Artifact]
) -> str:
    """Write the run as Markdown: its title, a table per pair and control, teacher and base, what the laws say."""
    recipe = context.recipe
    lines = [
        f"# {recipe.title}",
        f"Errors on {measured.items:,} held-out questions; counts are of one replicate on average, mean and sd of the "
        f"error over replicates ({what_varies(recipe)}).",
    ]
    for pair, control in dict.fromkeys((cell.pair, cell.control) for cell in measured.cells):
        rows = [
            [arm] * bool(arm) + row
            for arm in recipe.arms or [""]
            for row in _rows([one for one in replicates if _way(one) == (pair, arm)], control, measured)
        ]
        bounds = ", ".join(f"{role} {error:.3f}" for role, error in measured.lines(pair).items())
        header = ("arm",) * bool(recipe.arms) + HEADER
        lines += [f"{pair}, control {control}; {bounds} on the same questions:", markdown_table(header, rows)]
    if recipe.arms:
        lines += ["What each arm took of its teacher, one replicate on average:", _ledger(results["ledger"])]
    lines += [f"What students of {arm} learnt from: {told}." for arm, told in _mistakes(replicates).items()]
    criticised = _critics(context, replicates)
    if criticised:
        lines += ["What critics did to answers, all replicates together, with 95 % intervals:", criticised]
    for name, law in results.items():
        report = law.facts.get("report", ()) if Path(name).name == "law" else ()
        lines += [f"## {Path(name).parent.name}"] * bool(report and "/" in name) + [*report]
    for name, artifact in results.items():
        if Path(name).parent.name == "decisions":
            lines.append(f"{Path(name).name}: {artifact.facts['verdict']}. {artifact.facts['sentence']}")
    if recipe.release.limits:
        lines.append(" ".join(recipe.release.limits))
    return "\n\n".join(lines) + "\n"


def _way(replicate: Replicate) -> tuple[str, str]:
    recipe = replicate.context.recipe
    return recipe.pair, recipe.arm


def _rows(replicates: Sequence[Replicate], control: str, measured: Measured) -> list[list[str]]:
    """Give a row for each corpus of a pair and arm; of a further control for those that have students by it."""
    context = replicates[0].context
    name, every = _way(replicates[0]), context.recipe.controls[0]
    trained = {cell[1:3] for cell in measured.cells if ((cell.pair, cell.arm), cell.control) == (name, control)}
    corpora = [corpus for corpus in corpora_of(context.run) if control == every or corpus in trained]
    return [_row(replicates, corpus, control, measured) for corpus in corpora]


def _row(replicates: Sequence[Replicate], corpus: tuple[int, int], control: str, measured: Measured) -> list[str]:
    counts = [replicate.corpus.statistics[corpus] for replicate in replicates]
    numbers = [
        statistics.mean(count[name] for count in counts)
        for name in ("sampled", "accepted", "distinct", "covered", "accepted_tokens")
    ]
    recipe = replicates[0].context.recipe
    cells = [
        Cell(recipe.pair, *corpus, control, seed, recipe.arm)
        for replicate in replicates
        for seed in replicate.context.run.replicates
    ]
    errors = [measured.cells[cell].facts["error"] for cell in cells if cell in measured.cells]
    spread = [
        f"{statistics.mean(errors):.3f}" if errors else "",
        f"{statistics.stdev(errors):.3f}" if errors[1:] else "",
    ]
    return [corpus_name(recipe, *corpus), *(f"{number:,.0f}" for number in numbers), *spread, str(len(errors) or "")]


def _ledger(ledger: Artifact) -> str:
    """Table the completions and tokens of each arm by step, and what they cost in compute and, with prices, money."""
    from toolkit.reports.step_costs import TABLE, ledger_table, read_step_costs

    return ledger_table(read_step_costs(ledger.path / TABLE))


def _mistakes(replicates: Sequence[Replicate]) -> dict[str, str]:
    """Say by arm what became of the answers of students that learn from their mistakes, all of them together."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for replicate in replicates:
        recipe = replicate.context.recipe
        for corpus in replicate.corpus.corpora if replicate.has_mistakes else ():
            made = find_mistakes(replicate, *corpus)
            found.setdefault((recipe.arm, recipe.ladder.match or ""), []).append(made.facts if made else {})
    return {arm: described(added([*filter(None, facts)]), match) for (arm, match), facts in found.items()}


def _critics(context: Context, replicates: Sequence[Replicate]) -> str:
    """Table what critics did, by arm; empty for protocols without critics."""
    rows = [
        [*[arm] * bool(arm), name, str(share.metric()), f"{share.total:,}", share.unit]
        for arm in context.recipe.arms or [""]
        for name, share in shares_of(_of_sources(replicates, arm)).items()
    ]
    header = (*["arm"] * bool(context.recipe.arms), "measure", "value", "n", "of")
    return markdown_table(header, rows) if rows else ""


def _of_sources(replicates: Sequence[Replicate], arm: str) -> list[Replicate]:
    """Give one replicate for each source of an arm."""
    sources = {drawn_by(one.context.run): one for one in replicates if one.context.recipe.arm == arm}
    return list(sources.values())


def _listed(folder: Path) -> str:
    return "\n".join(f"  {path.name}{'/' if path.is_dir() else ''}" for path in sorted(folder.iterdir()))


def loading_lines(context: Context, pushed: Mapping[str, "Published"], folder: Path | None = None) -> str:
    """Write commands that load and check what was pushed; where nothing was, one that loads the release's folder.

    Args:
        pushed: what lies at a Hub, by what it is; see `Publication`.
        folder: the release.
    """
    name = largest_corpus(context.run)
    if "release" not in pushed:
        return _lines("Load it:", [_python(str(folder and shown(folder)), name)])
    release = pushed["release"]
    tables = [(pushed[what], table) for what, table in (("release", name), ("results", "curves")) if what in pushed]
    where = _environment(release.repo)
    serve = [*_fss(), "hub", "serve", *_workspace(context), "--"] if is_embedded(release.repo) else where
    loads = [_python(done.repo, table, f', revision="{done.version}"') for done, table in tables]
    releases = [done for what, done in pushed.items() if what.split()[0] == "release"]
    checks = [[*where, *_fss(), "check", f"{done.repo}@{done.version}", *_workspace(context)] for done in releases]
    named = [f"{done.repo} {done.version}" for done in pushed.values()]
    return "\n".join(
        [
            f"Published at {_place(context, release.repo)}: {', '.join(named)}",
            _lines("Load it:", [[*serve, *load] for load in loads]),
            _lines("Check it as a stranger would:", checks),
        ]
    )


def largest_corpus(run: Run) -> str:
    """Name the configuration of the ladder's questions, or of any where these have none, with the most responses."""
    corpora = corpora_of(run)
    own = [cell for cell in corpora if cell[0] == run.recipe.ladder.ladder_questions] or corpora
    return corpus_name(run.recipe, *max(own, key=lambda cell: cell[0] * cell[1]))


def _lines(title: str, commands: Sequence[Sequence[str]]) -> str:
    return "\n".join([title, *(f"  {shlex.join(command)}" for command in commands)])


def _python(source: str, config: str, more: str = "") -> list[str]:
    load = f'load_dataset("{source}", "{config}", split="train"{more})'
    return [str(shown(Path(sys.executable))), "-c", f"from datasets import load_dataset; print({load})"]


def _fss() -> list[str]:
    """Name the command that the user ran, or the same by another name."""
    called = Path(sys.argv[0])
    if called.name == "fss":
        return [str(shown(called.absolute()))]
    return [str(shown(Path(sys.executable))), "-m", "toolkit.cli"]


def _workspace(context: Context) -> list[str]:
    root = context.workspace.root
    return [] if root == Path("workspace").resolve() else ["--workspace", str(shown(root))]


def _environment(repo: str) -> list[str]:
    """Give what must stand before a command for it to find a Hub that only the environment names."""
    endpoint = _endpoint("")
    return ["env", f"HF_ENDPOINT={endpoint}", "HF_HUB_DISABLE_XET=1"] if endpoint and not is_embedded(repo) else []


def _place(context: Context, repo: str) -> str:
    if is_embedded(repo):
        return f"the Hub in {shown(context.workspace.root)}"
    return _endpoint("the Hub")


def _endpoint(default: str) -> str:
    from toolkit.hub.faults import without_secrets

    return without_secrets(os.environ.get("HF_ENDPOINT") or default)
