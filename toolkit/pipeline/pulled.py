"""What a source is known by, and which one a pulled recipe continues: with another teacher, pool or prompt it stops."""

from collections.abc import Mapping
from typing import Any

from toolkit.hub.version import differences
from toolkit.pipeline.job import Job, StageError
from toolkit.recipe.sections import Sampling
from toolkit.text_files import read_object
from toolkit.workspace import Workspace, canonical, hash_of, to_json, write_atomic

FOLDER = "pulled"  # of the workspace: a file per pulled recipe
MENDS = {
    "teacher": "its weights are restored by `fss pull`, and no other teacher's responses may join them",
    "served": "say where the teacher answers with `server`, `urls` or `provider`; `api` and `quantize` stay",
    "questions": "put the settings of the pool back",
    "sampling": "put them back",
}


def source_identity(
    teacher: str | None, served: Mapping[str, Any] | None, questions: str, sampling: Sampling
) -> dict[str, Any]:
    """What a source's key hashes.

    Args:
        teacher: digest of its weights, or of its name and revision; None where it is not known yet.
        served: see `served_as`.
        questions: sha256 of the pool's questions.
    """
    identity: dict[str, Any] = canonical(
        {"served": served, "questions": questions, "sampling": sampling} | ({"teacher": teacher} if teacher else {})
    )
    return identity


def source_key(identity: Mapping[str, Any]) -> str:
    """16 hex digits."""
    return hash_of(identity)[:16]


def remember(workspace: Workspace, recipe: str, release: str, identity: Mapping[str, Any]) -> None:
    """Note that a recipe continues the source of `release` (`org/name@v1.0.0`)."""
    write_atomic(workspace.root / FOLDER / f"{recipe}.json", to_json({"release": release, "source": identity}))


def remembered(job: Job) -> Mapping[str, Any] | None:
    """`release` and `source` of what the run's recipe was pulled from; None for a recipe of one's own."""
    path = job.workspace.root / FOLDER / f"{job.recipe.name}.json"
    found = read_object(path) if path.is_file() else None
    if found is not None and not (isinstance(found.get("release"), str) and isinstance(found.get("source"), dict)):
        raise StageError(
            f"{path}: does not say what was pulled; run `fss pull` again, or remove it for a source of your own"
        )
    return found


def refuse_training(job: Job) -> None:
    """A pulled teacher is there or not; one that is trained anew is another.

    Raises:
        StageError: naming the mend.
    """
    pulled = remembered(job)
    if pulled:
        raise StageError(
            f"{job.recipe.name} continues {pulled['release']}, and its teacher is not in this workspace under these "
            f"settings: put the `teacher_*` keys and those of the pool back, or run `fss pull {pulled['release']}` "
            "again. For a source of your own: `fss recipe cp`"
        )


def refuse_other_source(job: Job, identity: Mapping[str, Any]) -> None:
    """A pulled recipe samples its own source only.

    Args:
        identity: see `source_identity`; what is not known yet may be left out.

    Raises:
        StageError: before anything is sampled, with what differs and the mend.
    """
    pulled = remembered(job)
    wrong = differences({key: pulled["source"][key] for key in identity}, identity) if pulled else []
    if pulled and wrong:
        changed = dict.fromkeys(line.partition(":")[0].partition(".")[0] for line in wrong)
        told = "".join(f"\n  {line}" for line in [*wrong, *(f"{key}: {MENDS[key]}" for key in changed)])
        raise StageError(
            f"{job.recipe.name} continues {pulled['release']}, and this is another source:{told}\n"
            "For a source of your own: `fss recipe cp`"
        )
