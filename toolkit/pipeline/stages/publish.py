"""Publishes a run: its source before any student is trained, its results after the law, and its models when asked to.

The teacher goes first, then the release that names its commit, then the results that name the release.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.hub.endpoints import is_embedded, open_hub
from toolkit.hub.faults import explained
from toolkit.hub.models import ADAPTER, Model, Score, publish_model
from toolkit.hub.release import publish_release, release_change
from toolkit.hub.results import Results
from toolkit.hub.results import publish_results as publish_dataset
from toolkit.hub.upload import Published, Target, collect, read_published
from toolkit.hub.version import Refused, choose_version
from toolkit.pipeline.cells import Cell, cells_of, corpus_name
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.eta import PlannedStage
from toolkit.pipeline.measured import Measured
from toolkit.pipeline.source import Source
from toolkit.pipeline.stages.arm_releases import Way
from toolkit.pipeline.stages.corpus import Corpus
from toolkit.pipeline.stages.law import LEVEL, TABLES
from toolkit.pipeline.stages.release import draft_release, release_stage, release_tables
from toolkit.pipeline.stages.students import Replicate, find_student, student_inputs
from toolkit.pipeline.teacher import embedded_pairs
from toolkit.progress import Stage
from toolkit.statistics.intervals import accuracy_interval
from toolkit.workspace import Artifact

CURVES = ("curves.parquet", "items.parquet")


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
        pushed: what lies at a Hub now by what it is (`teacher`, `release`, of further arms `release guided` and its
            like, `results`); none without a repo.
        failure: why something does not lie there; empty when all went well.
        arms: the releases of further arms, by arm.
    """

    folder: Artifact
    pushed: dict[str, Published] = dataclasses.field(default_factory=dict)
    failure: str = ""
    arms: dict[str, Artifact] = dataclasses.field(default_factory=dict)


@contextlib.contextmanager
def open_target(context: Context, repo: str, *, private: bool = False, dry: bool = False) -> Iterator[Target]:
    """Open the Hub of `repo`, and name the folder that no text there may mention."""
    with open_hub(context.workspace.root, repo) as api:
        yield Target(api, context.progress.say, private, dry, (context.workspace.root,))


def publish_source(context: Context, source: Source, corpus: Corpus, arms: Sequence[Way] = ()) -> Publication:
    """Make the release of a run and those of its further arms, and push them where the recipe names a repo.

    A Hub that is down or refuses costs the run nothing but this: it is said at once, and again at the end.

    Args:
        arms: see `arm_releases`.
    """
    repo = context.recipe.release.repo
    folders: dict[str, Artifact] = {}
    pushed: dict[str, Published] = {}
    failure = ""
    try:
        if repo is not None:
            with context.progress.stage("publish") as stage, open_target(context, repo) as target:
                for name, folder, done in push_sources(target, [Way(context, source, corpus), *arms]):
                    folders[name] = folder
                    pushed |= done
                _show(stage, pushed)
    except (Refused, RuntimeError, OSError) as error:
        context.progress.say(_warning(error))
        failure = str(error)
    made = {way.context.recipe.arm: folders.get(way.context.recipe.arm) or release_stage(*way) for way in arms}
    first = folders.get(context.recipe.arm) or release_stage(context, source, corpus)
    return Publication(first, pushed, failure, made)


def push_sources(
    target: Target, ways: Sequence[Way], version: str | None = None
) -> Iterator[tuple[str, Artifact, dict[str, Published]]]:
    """Push the release of each arm, the first with the teacher; yield its arm, its folder and what lies at the Hub now.

    Raises:
        Refused, HubFault: see `push_source`.
    """
    first, *others = ways
    folder, pushed = push_source(first.context, target, first.source, first.corpus, version)
    yield first.context.recipe.arm, folder, pushed
    teacher_repo = _name_of(pushed["teacher"]) if "teacher" in pushed else None
    for way in others:
        folder, done = push_release(way, target, version, teacher_repo)
        yield way.context.recipe.arm, folder, {f"release {way.context.recipe.arm}": done}


def publish_results(context: Context, publication: Publication, results: Mapping[str, Artifact]) -> None:
    """Push the results of a run beside its release, if that was pushed; `publication` notes how it went.

    Args:
        results: what was made of the scores; see `push_results`.
    """
    if "release" not in publication.pushed:
        return
    release = publication.pushed["release"]
    try:
        with context.progress.stage("publish") as stage, open_target(context, release.repo) as target:
            publication.pushed["results"] = push_results(context, target, release, results)
            _show(stage, {"results": publication.pushed["results"]})
    except (Refused, RuntimeError, OSError) as error:
        context.progress.say(_warning(error))
        publication.failure = str(error)


def repo_of(context: Context) -> str:
    """Name the dataset on a Hub.

    Raises:
        StageError: the recipe names none.
    """
    if context.recipe.release.repo is None:
        raise StageError(f"{context.recipe.name} names no repo to publish to; give --repo org/name, or the key `repo`")
    return context.recipe.release.repo


def push_source(
    context: Context, target: Target, source: Source, corpus: Corpus, version: str | None = None
) -> tuple[Artifact, dict[str, Published]]:
    """Push the teacher, where it lies here, and then the release that names its commit.

    Args:
        version: None takes the recipe's, or the next one that what is published already leaves free.

    Returns:
        The release's folder, and what lies at the Hub now by what it is.

    Raises:
        Refused, HubFault: with one message, see `toolkit.hub.upload`.
    """
    pushed, named = push_model(context, target, "teacher", source.teacher)
    teacher_repo = named if pushed else None  # a model of the Hub is named by the recipe in the release
    folder, done = push_release(Way(context, source, corpus), target, version, teacher_repo)
    return folder, pushed | {"release": done}


def push_release(way: Way, target: Target, version: str | None, teacher_repo: str | None) -> tuple[Artifact, Published]:
    """Make and push the release of one arm; see `push_source`."""
    context, source, corpus = way
    repo = repo_of(context)
    version = version or _free_version(context, target, source, corpus, teacher_repo)
    folder = release_stage(_as_version(context, version), source, corpus, teacher_repo)
    return folder, publish_release(folder.path, repo, target, version=version)


def _free_version(context: Context, target: Target, source: Source, corpus: Corpus, teacher_repo: str | None) -> str:
    """Find the version under which the release can follow what is published; nothing is written yet."""
    repo, wished = repo_of(context), context.recipe.release.version
    tables = release_tables(context, source, corpus)
    remote = read_published(target, repo, "dataset", wished)
    new, again = (
        draft_release(_as_version(context, version), source, corpus, teacher_repo, tables).manifest()
        for version in (wished, remote.version or wished)
    )
    with explained(target.api, repo):
        return choose_version(new, again, remote, release_change)


def _as_version(context: Context, version: str) -> Context:
    release = dataclasses.replace(context.recipe.release, version=version)
    return context.with_recipe(dataclasses.replace(context.recipe, release=release))


def push_results(context: Context, target: Target, release: Published, files: Mapping[str, Artifact]) -> Published:
    """Push the run's tables, laws and decisions under the version of the release that its students were trained on.

    Args:
        files: what was made of the scores, by where it lies among a run's results: `curves`, of arms `corpora` and
            `ledger`, and of a whole ladder `law`, `laws/large-small-r32/law` and its like, and `decisions/law` and its
            like.

    Raises:
        Refused, HubFault: see `push_source`.
    """
    curves, items = (files["curves"].path / name for name in CURVES)
    decided = {place: made for place, made in files.items() if place.startswith("decisions/")}
    laws = {place: made for place, made in files.items() if place not in (*TABLES, *decided)}
    arms = {name: files[name].path / f"{name}.parquet" for name in TABLES[1:] if name in files}
    results = Results(
        title=context.recipe.title,
        curves=curves,
        items=items,
        laws=_below("laws", laws),
        data_repo=release.repo,
        data_version=release.version,
        data_revision=release.commit or release.version,  # a dry run has no commit to name
        license=context.recipe.release.license,
        limits=context.recipe.release.limits,
        embedded=embedded_pairs(context.recipe),
        teacher=context.recipe.pair.split(">")[0],  # the release is of the first one
        decisions=_below("decisions", decided),
        arms=arms,
    )
    return publish_dataset(results, f"{release.repo}-results", target, version=release.version)


def _below(folder: str, results: Mapping[str, Artifact]) -> dict[str, Path]:
    """Give the files of results by their names in this folder of a results dataset."""
    return {
        (Path(place).parent / name).as_posix().removeprefix(f"{folder}/"): made.path / name
        for place, made in results.items()
        for name in made.files
    }


def push_collection(context: Context, target: Target, pushed: Mapping[str, Published]) -> None:
    """Tie what was pushed together, under the dataset's name; a Hub without collections is told of and gone past."""
    if target.dry:
        return
    owner, _, name = repo_of(context).partition("/")
    collect(target, name, owner, [(done.repo, done.repo_type) for done in pushed.values()])


def push_model(context: Context, target: Target, role: str, model: Artifact) -> tuple[dict[str, Published], str | None]:
    """Push a teacher or base, where its weights lie here: with them anybody can go on from the same source.

    Returns:
        What lies at the Hub now, and the model's name there, `repo@revision`; None where a dry run would make it.
    """
    if "repo" in model.files:  # a model of the Hub is there already
        return {}, model.files["repo"]
    release = context.recipe.release
    clause = f"whose responses are in {release.repo}" if role == "teacher" else "that every student started from"
    card = Model(
        title=f"{role.capitalize()} of {context.recipe.title}",
        summary=f"The {role} {clause}; its weights have the key {model.key}.",
        license=release.license,
        limits=release.limits,
    )
    done = publish_model(model.path, f"{release.repo}-{role}", card, target)
    return {role: done}, _name_of(done)


def _name_of(model: Published) -> str | None:
    """Name a model at the Hub, `repo@commit`; None where a dry run would make it."""
    return None if model.dry and model.added else f"{model.repo}@{model.commit}"


def push_students(
    target: Target, release: Published, replicate: Replicate, measured: Measured, merged: bool = False
) -> dict[str, Published]:
    """Push the base, where it lies here, and every scored student of the replicate whose responses are released.

    Args:
        release: what they were trained on.
        merged: adapters merged into the base, as repos of their own.

    Returns:
        What lies at the Hub now by what it is: `base`, and students as `r16-s0` or `r16-s0-merged`.

    Raises:
        StageError: no student is scored.
        Refused, HubFault: see `push_source`.
    """
    context = replicate.context
    own = cells_of(context.run)
    scored = {cell: score for cell, score in measured.cells.items() if score.made and cell in own}
    if not scored:
        raise StageError(f"{context.run.name} has no students that are scored; `fss run` makes them")
    pushed, named = push_model(context, target, "base", replicate.base)
    for cell, score in scored.items():
        student = find_student(replicate, cell)
        name = f"{corpus_name(context.recipe, cell.questions, cell.budget)}-s{cell.replicate}"
        name += f"-{cell.control}" * (cell.control != context.recipe.controls[0] or len(context.recipe.controls) > 1)
        if merged and ADAPTER in student.files:
            student, name = _merged(replicate, student), f"{name}-merged"
        model = _student(replicate, release, cell, score, named or f"{release.repo}-base")
        pushed[name] = publish_model(student.path, f"{release.repo}-{name}", model, target, version=release.version)
    return pushed


def _merged(replicate: Replicate, student: Artifact) -> Artifact:
    from toolkit.students.weights import merge_student

    base = replicate.base

    def make(out: Path) -> dict[str, Any]:
        merge_student(base.path, student.path, out)
        return {}

    artifact, _ = replicate.context.workspace.build("merged", {"base": base.digest, "student": student.digest}, make)
    return artifact


def _student(replicate: Replicate, release: Published, cell: Cell, score: Artifact, base: str) -> Model:
    """Write what a student's card says.

    Args:
        base: repo and revision, `org/name@commit`.
    """
    recipe = replicate.context.recipe
    config = corpus_name(recipe, cell.questions, cell.budget)
    repo, _, revision = base.partition("@")
    return Model(
        title=f"Student of {config}, train seed {cell.replicate}",
        summary=f'Trained for the study "{recipe.title}"',
        license=recipe.release.license,
        base_model=repo,
        base_revision=revision or None,
        data_repo=release.repo,
        data_config=config,
        data_revision=release.commit or None,
        recipe=student_inputs(replicate, cell)["settings"] | {"train_seed": cell.replicate},
        scores=[_score(replicate.context, score)],
        limits=recipe.release.limits,
    )


def _score(context: Context, score: Artifact) -> Score:
    """Give an accuracy with Wilson's interval, which covers the choice of questions and no train seeds.

    With several answers to a question the interval is wider than it need be: it takes them for one.
    """
    accuracy, n, settings = round(1 - score.facts["error"], 12), score.facts["n"], context.recipe.evaluation
    interval = accuracy_interval(round(accuracy * n), n, LEVEL)
    answers = (
        f"{score.facts['k']} at temperature {settings.eval_temperature:g}" if settings.eval_temperature else "greedy"
    )
    note = f"answers: {answers}, at most {settings.eval_max_tokens} tokens; eval_key {score.facts['eval_key']}"
    return Score(accuracy, interval.low, interval.high, LEVEL, n, note)


def plan_publishing(context: Context, arms: Sequence[Way] = ()) -> list[PlannedStage]:
    """Say where a run publishes what; nowhere without a repo."""
    repo = context.recipe.release.repo
    if repo is None:
        return []
    place = "the Hub in the workspace" if is_embedded(repo) else "the configured Hub"
    others = "".join(f"{way.context.recipe.release.repo}, " for way in arms)
    text = f"to publish at {place}: {repo}, {others}{repo}-results, and as {repo}-teacher a teacher that was made here"
    return [PlannedStage("publish", (), text)]


def _warning(error: Exception) -> str:
    return f"NOT PUBLISHED, and the run goes on: {error}"


def _show(stage: Stage, pushed: Mapping[str, Published]) -> None:
    """Say on the stage's line what was pushed now, and what lay there already."""
    for done in pushed.values():
        stage.count(not done.new)
    stage.text = ", ".join(f"{done.repo} {done.version}" for done in pushed.values())
