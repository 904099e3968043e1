"""A run's release at a Hub: the real one where an account or an endpoint is configured, else the embedded one."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.pipeline.cells import Source
from toolkit.pipeline.corpus import Corpus, budget_name
from toolkit.pipeline.hubs import open_hub
from toolkit.pipeline.job import Job, StageError
from toolkit.pipeline.release import release_stage
from toolkit.pipeline.teacher import teacher_name

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from toolkit.hub.push import Published

def publish_release(job: Job, source: Source, corpus: Corpus, *, version: str | None, private: bool, dry: bool) -> str:
    """Publish the run's release, and before it a teacher that lies here; returns the lines that load it.

    Args:
        version: None takes the recipe's, or the next one that what is published already leaves free.
        dry: say what would be pushed.

    Raises:
        Refused, HubFault: with one message, as `toolkit.hub.publish` raises them.
    """
    with open_hub(job.workspace.root, job.recipe.release.repo) as api:
        _push_teacher(job, source, api, private, dry)
        release = _push_release(job, source, corpus, api, version, private, dry)
        embedded = api.endpoint.startswith("http://127.0.0.1")
    return _how_to_load(job, release, embedded)


def _push_teacher(job: Job, source: Source, api: "HfApi", private: bool, dry: bool) -> None:
    """With the teacher's weights anybody can sample more of the same source; a model of the Hub is there already."""
    if "repo" in source.teacher.files:
        return
    from toolkit.hub.models import Model, publish_model

    release, teacher = job.recipe.release, source.teacher
    model = Model(
        title=f"Teacher of {job.recipe.title}",
        summary=f"The teacher whose responses are in {release.repo}: {'@'.join(teacher_name(job, teacher))}.",
        license=release.license,
        limits=release.limits,
    )
    publish_model(
        teacher.path,
        f"{release.repo}-teacher",
        model,
        private=private,
        dry=dry,
        api=api,
        say=job.progress.say,
        folders=[job.workspace.root],
    )


def _push_release(
    job: Job, source: Source, corpus: Corpus, api: "HfApi", version: str | None, private: bool, dry: bool
) -> "Published":
    from toolkit.hub.publish import fitting_version, publish

    ROUNDS = 5
    wanted = version or job.recipe.release.version
    for _ in range(ROUNDS):
        made = release_stage(_as_version(job, wanted), source, corpus)
        fitting = version or fitting_version(made.path, job.recipe.release.repo, api)
        if fitting == wanted:
            return publish(
                made.path,
                job.recipe.release.repo,
                version=wanted,
                private=private,
                dry=dry,
                api=api,
                say=job.progress.say,
                folders=[job.workspace.root],
            )
        wanted = fitting  # the card names its version, so that the folder is made anew
    raise StageError(f"{job.recipe.release.repo}: others publish to it all the time; try again later")


def _as_version(job: Job, version: str) -> Job:
    recipe = dataclasses.replace(job.recipe, release=dataclasses.replace(job.recipe.release, version=version))
    return dataclasses.replace(job, run=dataclasses.replace(job.run, recipe=recipe))


def _how_to_load(job: Job, release: "Published", embedded: bool) -> str:
    name = budget_name(job, max(job.run.budgets))
    line = f'load_dataset("{release.repo}", "{name}", split="train", revision="{release.version}")'
    if not embedded:
        return f"\nLoad it: {line}"
    return f"\nLoad it, in a shell with the lines that `fss hub serve` prints: {line}"


def check_published(reference: str, workspace: Path) -> tuple[Path, str]:
    """The files of `org/name@v1.0.0`, downloaded, and what they are called."""
    from toolkit.hub.fetch import fetch, split_reference

    with open_hub(workspace, split_reference(reference)[0]) as api:
        fetched = fetch(api, reference)
    return fetched.folder, f"{fetched.repo}@{fetched.revision}"
