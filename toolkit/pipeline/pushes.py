"""What goes to a Hub: the teacher, the release that names it, the results that name the release."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path

from toolkit.hub.release import fitting_version, publish_release
from toolkit.hub.results import Results, publish_results
from toolkit.hub.upload import Published, Target, collect
from toolkit.pipeline.cells import Source
from toolkit.pipeline.corpus import Corpus
from toolkit.pipeline.job import Job, StageError
from toolkit.pipeline.push_models import push_reference
from toolkit.pipeline.stages.release import release_stage
from toolkit.pipeline.teacher import embedded_pairs
from toolkit.workspace import Artifact

CURVES = ("curves.parquet", "items.parquet")


def repo_of(job: Job) -> str:
    """The dataset's name on a Hub.

    Raises:
        StageError: the recipe names none.
    """
    if job.recipe.release.repo is None:
        raise StageError(f"{job.recipe.name} names no repo to publish to; give --repo org/name, or the key `repo`")
    return job.recipe.release.repo


def push_source(
    job: Job, target: Target, source: Source, corpus: Corpus, version: str | None = None
) -> tuple[Artifact, dict[str, Published]]:
    """The teacher, where it lies here, and then the release that names its commit.

    Args:
        version: None takes the recipe's, or the next one that what is published already leaves free.

    Returns:
        The release's folder, and what lies at the Hub now by what it is.

    Raises:
        Refused, HubFault: with one message, see `toolkit.hub.upload`.
    """
    repo = repo_of(job)
    pushed, named = push_reference(job, target, "teacher", source.teacher)
    teacher_repo = named if pushed else None  # a model of the Hub is named by the recipe in the release

    @functools.cache
    def made(wanted: str) -> Artifact:
        return release_stage(_as_version(job, wanted), source, corpus, teacher_repo)

    asked = job.recipe.release.version
    fitting = version or fitting_version(lambda wanted: made(wanted).path, repo, target, version=asked)
    return made(fitting), pushed | {"release": publish_release(made(fitting).path, repo, target, version=fitting)}


def push_results(job: Job, target: Target, release: Published, files: Mapping[str, Artifact]) -> Published:
    """The run's tables, laws and decisions, under the version of the release that its students were trained on.

    Args:
        files: what was made of the scores, by where it lies among a run's results: `curves`, and of a whole ladder
            `law`, `laws/large-small-r32/law` and its like, and `decisions/law` and its like.

    Raises:
        Refused, HubFault: see `push_source`.
    """
    curves, items = (files["curves"].path / name for name in CURVES)
    decided = {place: made for place, made in files.items() if place.startswith("decisions/")}
    laws = {place: made for place, made in files.items() if place != "curves" and place not in decided}
    results = Results(
        title=job.recipe.title,
        curves=curves,
        items=items,
        laws=_below("laws", laws),
        data_repo=release.repo,
        data_version=release.version,
        data_revision=release.commit or release.version,  # a dry run has no commit to name
        license=job.recipe.release.license,
        limits=job.recipe.release.limits,
        embedded=embedded_pairs(job.recipe),
        teacher=job.recipe.pair.split(">")[0],  # the release is of the first one
        decisions=_below("decisions", decided),
    )
    return publish_results(results, f"{release.repo}-results", target, version=release.version)


def _below(folder: str, results: Mapping[str, Artifact]) -> dict[str, Path]:
    """The files of results, by their names in this folder of a results dataset."""
    return {
        (Path(place).parent / name).as_posix().removeprefix(f"{folder}/"): made.path / name
        for place, made in results.items()
        for name in made.files
    }


def push_collection(job: Job, target: Target, pushed: Mapping[str, Published]) -> None:
    """Tie what was pushed together, under the dataset's name; a Hub without collections is told of and gone past."""
    if target.dry:
        return
    owner, _, name = repo_of(job).partition("/")
    collect(target, name, owner, [(done.repo, done.repo_type) for done in pushed.values()])


def _as_version(job: Job, version: str) -> Job:
    recipe = dataclasses.replace(job.recipe, release=dataclasses.replace(job.recipe.release, version=version))
    return dataclasses.replace(job, run=dataclasses.replace(job.run, recipe=recipe))
