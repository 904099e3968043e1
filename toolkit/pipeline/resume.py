"""A workspace restored from a release, with pool, responses and teacher, so that the same source can be continued."""

import contextlib
import dataclasses
import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.hub.endpoints import open_to_read
from toolkit.hub.release import STEPS
from toolkit.pipeline.context import Context, StageError
from toolkit.pipeline.recipe_file import read_strange, recipe_text, under_new_names
from toolkit.pipeline.source import FOLDER, remember, source_identity, source_key
from toolkit.pipeline.stages.models import nano_options
from toolkit.pipeline.stages.pool import pool_inputs
from toolkit.pipeline.teacher import NANO
from toolkit.pipeline.verify_steps import COLUMNS, joined, step_fault, step_of
from toolkit.progress import Progress
from toolkit.recipe.files import names_recipe
from toolkit.recipe.load import Run, load_recipe
from toolkit.recipe.sections import Recipe
from toolkit.synthesis.journal import Journal, Response, encode
from toolkit.text_files import read_text
from toolkit.workers import open_workers
from toolkit.workspace import Workspace, hash_of, remove, shown, sync, write_atomic

if TYPE_CHECKING:
    from toolkit.hub.download import Download


POOL = ("questions", "test", "dev")


@dataclasses.dataclass(frozen=True)
class Install:
    """An artifact to be: its stage, what its key hashes, where its files lie now, and its facts."""

    stage: str
    inputs: Any
    files: Mapping[str, Path]
    facts: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Restoration:
    """What a release becomes here; nothing is written yet."""

    release: "Download"
    recipe: Recipe
    served: Mapping[str, Any] | None
    path: Path  # of the recipe
    installs: list[Install]
    responses: list[str]  # files of the release
    steps: list[str]
    identity: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Write the recipe."""
        return under_new_names(recipe_text(self.recipe, dict(self.served) if self.served else None))


def pull(
    reference: str, workspace: Path, *, name: str | None = None, dry: bool = False, progress: Progress | None = None
) -> str:
    """Restore `org/name@v1.0.0` into a workspace and write its recipe; returns how to go on.

    Killed at any moment, the same call finishes it; the recipe is there only when all else is.

    Args:
        reference: without `@`, the last version.
        name: of the recipe; None takes the repo's.
        dry: say what would be fetched and written.

    Raises:
        Refused, HubFault: see `toolkit.hub.download`.
        StageError, ValueError: for a recipe that reaches into this machine or does not fit its manifest, another
            recipe of that name here, or a workspace that holds something else in its place.
    """
    from toolkit.hub.download import download_release, download_weights, split_reference, weights_size

    progress = progress or Progress()
    space = Workspace(workspace, progress.say)
    repo, _ = split_reference(reference)
    name = _recipe_name(name or re.sub(r"[^\w-]", "-", repo.partition("/")[2]))
    weights: dict[str, Path] = {}
    with progress.stage("download") as stage, open_to_read(workspace, repo) as api:
        _refuse_new_questions(download_release(api, reference, whole=False))
        release = download_release(api, reference, whole=not dry)
        provenance = release.provenance
        stage.text = f"{release.name}: {len(release.manifest.files)} files, {release.manifest.size:,} bytes"
        if provenance.teacher_repo and dry:
            stage.text += f"; {provenance.teacher_repo}: {weights_size(api, provenance.teacher_repo):,} bytes"
        elif provenance.teacher_repo:
            weights = download_weights(api, provenance.teacher_repo, provenance.teacher)
            stage.text += f"; {provenance.teacher_repo}"
    plan = _plan(release, weights, name, space, progress)
    return _preview(plan, space) if dry else _carry_out(plan, space, progress)


def _refuse_new_questions(release: "Download") -> None:
    """Refuse an arm that makes new questions, before its files are fetched: its labels hang on all of its responses."""
    made = release.manifest.provenance
    if "questions" not in made:
        return
    plain = made.get("plain")
    again = f"`fss pull {plain}` restores its pool and teacher; then take" if isinstance(plain, str) else "Take"
    raise StageError(
        f"{release.name}: its questions are new ones, made by an arm of an experiment, and no recipe of one arm "
        f"continues it. {again} the arm from its recipe.yaml into a recipe with `arms`, and run that"
    )


def _recipe_name(name: str) -> str:
    if not names_recipe(name):
        raise ValueError(f"{name!r} cannot name a recipe; give --as NAME of letters, digits, '-' and '_'")
    return name


def _plan(
    release: "Download", weights: Mapping[str, Path], name: str, space: Workspace, progress: Progress
) -> Restoration:
    provenance = release.provenance
    text = read_text(release.path("recipe.yaml"), named=f"{release.name}: recipe.yaml")
    recipe, left_out = read_strange(text, weights=provenance.teacher_repo is not None)
    if left_out:
        progress.say(f"recipe.yaml: {', '.join(left_out)}: left out; what is no part of the source is yours to set")
    served = dataclasses.asdict(provenance.served) if provenance.served else None
    identity = source_identity(provenance.teacher, served, provenance.pool, recipe.sampling, provenance.student)
    _refuse_mismatch(release, recipe, identity)
    installs = [_pool(release, recipe)]
    if provenance.teacher_repo:
        teacher = _teacher(recipe, weights, provenance.teacher, space, progress)
        installs.append(teacher)
        recipe = _with_weights(recipe, space, teacher)
    recipe, path = dataclasses.replace(recipe, name=name), Path("recipes", f"{name}.yaml")
    responses, steps = release.parts("all"), release.parts(STEPS) if STEPS in release.manifest.configs else []
    plan = Restoration(release, recipe, served, path, installs, responses, steps, identity)
    _refuse_other_recipe(plan)
    return plan


def _refuse_mismatch(release: "Download", recipe: Recipe, identity: Mapping[str, Any]) -> None:
    """Refuse a release whose recipe, files and manifest are not of one source."""
    provenance, teacher = release.provenance, recipe.teacher
    questions = release.one_file("questions")
    if provenance.teacher_repo is None:
        named = hash_of({"repo": f"{teacher.teacher}@{teacher.teacher_revision}"})
        if teacher.teacher == NANO or named != provenance.teacher:
            raise StageError(
                f"{release.name}: names no repo of its teacher's weights, so that nobody else can continue it"
            )
    if source_key(identity) != provenance.source or release.manifest.files[questions].sha256 != provenance.pool:
        raise StageError(
            f"{release.name}: its recipe and its manifest tell of different sources; it cannot be continued"
        )


def _pool(release: "Download", recipe: Recipe) -> Install:
    parts = {part: release.one_file(part) for part in POOL if part != "dev" or part in release.manifest.configs}
    files = {f"{part}.parquet": release.path(name) for part, name in parts.items()}
    counts = dict.fromkeys(("pool", "test", "dev", "dropped"), 0) | release.provenance.pool_counts
    return Install("pool", pool_inputs(recipe.pool), files, counts)


def _teacher(recipe: Recipe, weights: Mapping[str, Path], digest: str, space: Workspace, progress: Progress) -> Install:
    """Put an embedded teacher where it would be trained, another one into a folder of its name."""
    name = recipe.teacher.teacher
    if name != NANO:
        files = {f"{name}/{file}": path for file, path in weights.items()}
        return Install("weights", {"teacher": digest, "name": name}, files, {})
    with open_workers(1) as workers:
        run = Run(recipe.name, "nano", recipe, recipe.ladder.budgets, ())
        inputs = nano_options(Context(run, space, workers, progress), "teacher")
    return Install("teacher", inputs, weights, {"role": "teacher"})


def _with_weights(recipe: Recipe, space: Workspace, teacher: Install) -> Recipe:
    """Let the recipe name the folder of its teacher, where that is not embedded."""
    if teacher.stage == "teacher":
        return recipe
    folder = shown(space.place(teacher.stage, teacher.inputs) / teacher.inputs["name"])
    return dataclasses.replace(recipe, teacher=dataclasses.replace(recipe.teacher, teacher=str(folder)))


def _refuse_other_recipe(plan: Restoration) -> None:
    """Refuse a recipe of this name that is of another source; one that was only edited stays."""
    if not plan.path.exists():
        return
    here = load_recipe(plan.path)
    same = all(getattr(here, part) == getattr(plan.recipe, part) for part in ("pool", "teacher", "sampling"))
    if not same:
        raise StageError(f"{plan.path} is there and is another recipe; give --as NAME, or move it away")


def _preview(plan: Restoration, space: Workspace) -> str:
    places = [f"{install.stage:<10} {shown(space.place(install.stage, install.inputs))}" for install in plan.installs]
    listed = [
        *places,
        f"{'responses':<10} {shown(_journal(plan, space))}",
        f"{'recipe':<10} {plan.path}{' (is there, and stays)' if plan.path.exists() else ''}",
        f"{'source':<10} {shown(space.root / FOLDER / f'{plan.recipe.name}.json')}",
    ]
    return "\n".join(["Would write:", *(f"  {line}" for line in listed), "Nothing was made: this was a dry run."])


def _carry_out(plan: Restoration, space: Workspace, progress: Progress) -> str:
    from toolkit.pipeline.verify_tables import check_pool

    questions = check_pool(plan.installs[0].files)
    parts = plan.release.folder, plan.responses, plan.steps, questions
    for _ in journal_rows(*parts):
        pass  # all of them are looked at before anything is written
    for install in plan.installs:
        space.refuse_other(install.stage, install.inputs, install.files)
    journal, rows = _journal(plan, space), journal_rows(*parts)
    with space.lock(f"responses-{journal.stem}"), merge(journal, rows) as (added, before):
        for install in plan.installs:
            with progress.stage(install.stage) as stage:
                artifact = space.install(install.stage, install.inputs, install.files, install.facts)
                stage.text = f"{shown(artifact.path)}, digest {artifact.digest[:12]}"
    with progress.stage("responses") as stage:
        stage.text = f"{added:,} added to {before:,} in {shown(journal)}"
    remember(space, plan.recipe.name, plan.release.name, plan.identity)
    if not plan.path.exists():
        write_atomic(plan.path, plan.text)
    return _next(plan, space)


def _journal(plan: Restoration, space: Workspace) -> Path:
    return space.root / "responses" / f"{plan.release.provenance.source}.jsonl"


def _next(plan: Restoration, space: Workspace) -> str:
    name, budget = plan.recipe.name, 2 * max(plan.recipe.ladder.budgets)
    default = Path(os.environ.get("FSS_WORKSPACE", "workspace"))
    place = "" if space.root == default.resolve() else f" --workspace {shown(space.root)}"
    served = " say where its teacher answers," if plan.served else ""
    return (
        f"\n{plan.path} continues {plan.release.name}:{served} add {budget} to its budgets, then\n"
        f"  fss run {name}-r{budget}{place}\n"
        f"  fss release {name}-r{budget} --repo org/name{place}"
    )


def journal_rows(
    folder: Path, files: Sequence[str], tables: Sequence[str], questions: Collection[str]
) -> Iterator[Response]:
    """Yield the rows of a journal that has a release's responses, each after the steps that led to it.

    Args:
        files: of responses, and `tables` of steps in the same order; none where a response is one completion.
        questions: ids of the pool's questions.

    Raises:
        StageError: naming file and row; see `toolkit.pipeline.verify_tables.responses_of`.
    """
    from toolkit.pipeline.verify_tables import responses_of

    if not tables:
        yield from responses_of(folder, files, questions)
        return
    unread, read = iter(tables), dict[tuple[str, int], list[Response]]()
    for response in responses_of(folder, files, questions):
        key = response.question_id, response.index
        while key not in read and (table := next(unread, None)):
            for step in _steps_in(folder, table):
                read.setdefault((step.question_id, step.index), []).append(step)
        whole, steps = joined(response, read.pop(key, []))
        yield from steps
        yield whole


def _steps_in(folder: Path, table: str) -> Iterator[Response]:
    from toolkit.pipeline.verify_tables import table_rows

    for number, row in table_rows(folder / table, table, COLUMNS):
        if fault := step_fault(row):
            raise StageError(f"{table}: row {number}: {fault}; nothing of the release was taken over")
        yield step_of(row)


@contextlib.contextmanager
def merge(journal: Path, responses: Iterable[Response]) -> Iterator[tuple[int, int]]:
    """Add to a journal what it lacks of some responses, each after its steps, once the body has ended well.

    Whatever is killed when, the journal is the old one or the new one.

    Yields:
        How many are added, and how many it held.

    Raises:
        StageError: when a response that it holds is another one; the journal is left as it was.
    """
    part = journal.with_suffix(".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    remove(part)
    if journal.exists():
        shutil.copyfile(journal, part)
    try:
        yield _add(journal, part, responses)
    except BaseException:
        remove(part)
        raise
    part.replace(journal)
    sync(journal.parent)


def _add(journal: Path, part: Path, responses: Iterable[Response]) -> tuple[int, int]:
    with Journal(part) as rows:
        digests = {(row.question_id, row.index): _digest(row) for row in rows}
        added = 0
        for row in responses:
            known = digests.get((row.question_id, row.index))
            if row.pending:  # a step; that of a response which is not there yet may be
                if known is None and (row.step, row.occurrence) not in rows.steps(row.question_id, row.index):
                    rows.write(row)
            elif known is None:
                rows.write(row)
                added += 1
            elif known != _digest(row):
                raise StageError(
                    f"{journal}: question {row.question_id!r}, index {row.index} has another response than the "
                    "release; name another --workspace"
                )
        rows.sync()
    return added, len(digests)


def _digest(row: Response) -> bytes:
    return hashlib.sha256(encode(row)).digest()
