"""What a run publishes, stage by stage: its source before any student is trained, its results after the law."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from toolkit.hub.endpoints import is_embedded, open_hub
from toolkit.pipeline.cells import Source
from toolkit.pipeline.corpus import Corpus
from toolkit.pipeline.job import Job
from toolkit.pipeline.stages.release import release_stage
from toolkit.progress import Stage
from toolkit.workspace import Artifact

if TYPE_CHECKING:
    from toolkit.hub.upload import Published, Target


class Incomplete(RuntimeError):
    """A run that went to its end without all that it should bring; `summary` is what it would have shown."""

    def __init__(self, reason: str, summary: str) -> None:
        super().__init__(reason)
        self.summary = summary


class Unpublished(Incomplete):
    """A run that made everything and could not publish it."""


@dataclasses.dataclass
class Publication:
    """What a run publishes.

    Attributes:
        folder: the release.
        pushed: what lies at a Hub now by what it is (`teacher`, `release`, `results`); none without a repo.
        failure: why something does not lie there; empty when all went well.
    """

    folder: Artifact
    pushed: dict[str, "Published"] = dataclasses.field(default_factory=dict)
    failure: str = ""


@contextlib.contextmanager
def open_target(job: Job, repo: str, *, private: bool = False, dry: bool = False) -> Iterator["Target"]:
    """The Hub of `repo`, told what must not be named there."""
    from toolkit.hub.upload import Target

    with open_hub(job.workspace.root, repo) as api:
        yield Target(api, job.progress.say, private, dry, (job.workspace.root,))


def source_published(job: Job, source: Source, corpus: Corpus) -> Publication:
    """The release of a run, pushed with its teacher where the recipe names a repo.

    A Hub that is down or refuses costs the run nothing but this: it is said at once, and again at the end.
    """
    repo = job.recipe.release.repo
    if repo is None or job.dry:
        if repo:
            job.progress.say(_plan(repo))
        return Publication(release_stage(job, source, corpus))
    from toolkit.hub.version import Refused
    from toolkit.pipeline.pushes import push_source

    try:
        with job.progress.stage("publish") as stage, open_target(job, repo) as target:
            folder, pushed = push_source(job, target, source, corpus)
            _tell(stage, pushed)
    except (Refused, RuntimeError, OSError) as error:
        job.progress.say(_going_on(error))
        return Publication(release_stage(job, source, corpus), failure=str(error))
    return Publication(folder, pushed)


def results_published(job: Job, done: Publication, results: Mapping[str, Artifact]) -> None:
    """Push the results of a run beside its release, if that was pushed; `done` tells how it went.

    Args:
        results: what was made of the scores; see `push_results`.
    """
    if "release" not in done.pushed:
        return
    from toolkit.hub.version import Refused
    from toolkit.pipeline.pushes import push_results

    release = done.pushed["release"]
    try:
        with job.progress.stage("publish") as stage, open_target(job, release.repo) as target:
            done.pushed["results"] = push_results(job, target, release, results)
            _tell(stage, {"results": done.pushed["results"]})
    except (Refused, RuntimeError, OSError) as error:
        job.progress.say(_going_on(error))
        done.failure = str(error)


def _plan(repo: str) -> str:
    place = "the Hub in the workspace" if is_embedded(repo) else "the configured Hub"
    return f"to publish at {place}: {repo}, {repo}-results, and as {repo}-teacher one that lies here"


def _going_on(error: Exception) -> str:
    return f"NOT PUBLISHED, and the run goes on: {error}"


def _tell(stage: Stage, pushed: Mapping[str, "Published"]) -> None:
    """On the stage's line: what was pushed now, and what lay there already."""
    for done in pushed.values():
        stage.count(not done.new)
    stage.text = ", ".join(f"{done.repo} {done.version}" for done in pushed.values())
