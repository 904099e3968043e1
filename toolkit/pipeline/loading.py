"""Lines that load what a run made, to be copied into any shell of the same folder when the run has ended."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.hub.endpoints import is_embedded
from toolkit.pipeline.grid import corpora_of, corpus_name
from toolkit.pipeline.job import Job
from toolkit.recipe.load import Run

if TYPE_CHECKING:
    from toolkit.hub.upload import Published


def loading_lines(job: Job, pushed: Mapping[str, "Published"], folder: Path | None = None) -> str:
    """Commands that load and check what was pushed; where nothing was, one that loads the release's folder.

    Args:
        pushed: what lies at a Hub, by what it is; see `Publication`.
        folder: the release.
    """
    name = largest_corpus(job.run)
    if "release" not in pushed:
        return _lines("Load it:", [_python(str(folder and shown(folder)), name)])
    release = pushed["release"]
    tables = [(pushed[what], table) for what, table in (("release", name), ("results", "curves")) if what in pushed]
    where = _environment(release.repo)
    serve = [*_fss(), "hub", "serve", *_workspace(job), "--"] if is_embedded(release.repo) else where
    loads = [_python(done.repo, table, f', revision="{done.version}"') for done, table in tables]
    check = [*where, *_fss(), "check", f"{release.repo}@{release.version}", *_workspace(job)]
    named = [f"{done.repo} {done.version}" for done in pushed.values()]
    return "\n".join(
        [
            f"Published at {_place(job, release.repo)}: {', '.join(named)}",
            _lines("Load it:", [[*serve, *load] for load in loads]),
            _lines("Check it as a stranger would:", [check]),
        ]
    )


def largest_corpus(run: Run) -> str:
    """The configuration of the ladder's questions, or of any where these have none, with the most responses."""
    held = corpora_of(run)
    own = [cell for cell in held if cell[0] == run.recipe.ladder.ladder_questions] or held
    return corpus_name(run.recipe, *max(own, key=lambda cell: cell[0] * cell[1]))


def shown(path: Path) -> Path:
    """A path as the user would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _lines(title: str, commands: Sequence[Sequence[str]]) -> str:
    return "\n".join([title, *(f"  {shlex.join(command)}" for command in commands)])


def _python(source: str, config: str, more: str = "") -> list[str]:
    load = f'load_dataset("{source}", "{config}", split="train"{more})'
    return [str(shown(Path(sys.executable))), "-c", f"from datasets import load_dataset; print({load})"]


def _fss() -> list[str]:
    """The command that the user ran, or the same by another name."""
    called = Path(sys.argv[0])
    if called.name == "fss":
        return [str(shown(called.absolute()))]
    return [str(shown(Path(sys.executable))), "-m", "toolkit.cli"]


def _workspace(job: Job) -> list[str]:
    root = job.workspace.root
    return [] if root == Path("workspace").resolve() else ["--workspace", str(shown(root))]


def _environment(repo: str) -> list[str]:
    """What must stand before a command for it to find a Hub that only the environment names."""
    endpoint = _endpoint("")
    return ["env", f"HF_ENDPOINT={endpoint}", "HF_HUB_DISABLE_XET=1"] if endpoint and not is_embedded(repo) else []


def _place(job: Job, repo: str) -> str:
    if is_embedded(repo):
        return f"the Hub in {shown(job.workspace.root)}"
    return _endpoint("the Hub")


def _endpoint(default: str) -> str:
    from toolkit.hub.faults import without_secrets

    return without_secrets(os.environ.get("HF_ENDPOINT") or default)
