"""The Space to a Hub: its bundle as one commit on `main`, and into the collection of the study that it shows."""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from toolkit.hub.bundle import Space, write_bundle
from toolkit.hub.collection import collect
from toolkit.hub.decide import SCAFFOLD, Refused, Remote
from toolkit.hub.faults import HubFault
from toolkit.hub.parcel import MANIFEST, Parcel, pack
from toolkit.hub.push import Published, Target, attempts, explained, refuse_public
from toolkit.hub.remote import read_remote


def publish_space(repo: str, space: Space, target: Target) -> Published:
    """Make the Space `repo` hold the bundle: one commit on the head that was read, or none where it does already.

    A Space shows the head of `main`, so bundles get no tag. Where it shows results of its own owner, it goes into the
    collection that carries their name.

    Raises:
        Refused: for a Space that holds files of others, and see `write_bundle` and `toolkit.hub.parcel.pack`.
        HubFault: see `toolkit.hub.push`.
    """
    with TemporaryDirectory() as scratch, explained(target.api, repo):
        version = write_bundle(Path(scratch), space)["version"]
        parcel = pack(Path(scratch), repo, "space", f"Space {version}", target.folders)
        done = attempts()(_rehearse if target.dry else _push_once, target, parcel)
    owner = repo.partition("/")[0]
    for study in space.studies:
        if study.startswith(f"{owner}/") and not target.dry:
            collect(target, study.removeprefix(f"{owner}/"), owner, [(repo, "space")])
    return done


def _push_once(target: Target, parcel: Parcel) -> Published:
    api = target.api
    where: dict[str, Any] = {"repo_id": parcel.repo, "repo_type": "space"}
    remote = _read(target, parcel)
    if remote is None:
        target.say(f"{parcel.repo}: a new {'private ' if target.private else ''}Space")
        api.create_repo(**where, space_sdk="gradio", private=target.private, exist_ok=True)
        remote = _read(target, parcel)
    if remote is None:
        raise HubFault(f"{parcel.repo}: was made and cannot be found yet; run the same command again")
    adds, gone = _changes(parcel, remote)
    # All of it is offered: what the Hub holds already is left out by the client, also where somebody edited it there.
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        *(CommitOperationDelete(name, is_folder=False) for name in gone),
        *(CommitOperationAdd(name, parcel.folder / name) for name in (*parcel.manifest["files"], MANIFEST)),
    ]
    with warnings.catch_warnings(action="ignore"):  # that the example's table is data, and this repo no dataset
        made = api.create_commit(
            **where, operations=operations, commit_message=parcel.message, parent_commit=remote.head
        )
    new = made.oid != remote.head
    target.say(
        f"{parcel.repo}: {f'{len(adds)} files of {parcel.version}' if new else f'holds {parcel.version} already'}"
    )
    return Published(parcel.repo, "space", parcel.version, made.oid, new, adds, gone, parcel.size(adds))


def _rehearse(target: Target, parcel: Parcel) -> Published:
    remote = _read(target, parcel)
    if remote is None:
        target.say(f"{parcel.repo}: would be made, a {'private' if target.private else 'public'} Space")
    adds, gone = _changes(parcel, remote or Remote())
    size = parcel.size(adds)
    target.say(f"{parcel.repo}: would commit {len(adds)} files, {size:,} bytes, and delete {len(gone)}")
    head = (remote and remote.head) or ""
    return Published(parcel.repo, "space", parcel.version, head, False, adds, gone, size, dry=True)


def _read(target: Target, parcel: Parcel) -> Remote | None:
    """The Space as it stands, if it is there and may be written to."""
    remote, _ = read_remote(target.api, parcel.repo, "space", parcel.version)
    if remote is not None:
        refuse_public(target.api, {"repo_id": parcel.repo, "repo_type": "space"}, target.private)
        _refuse_foreign(remote)
    return remote


def _changes(parcel: Parcel, remote: Remote) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names that are new or changed, and names that go: those of the bundle before that this one has not."""
    held, files = (remote.manifest["files"] if remote.manifest else {}), parcel.manifest["files"]
    adds = tuple(name for name, facts in files.items() if held.get(name) != facts)
    return adds, tuple(sorted((set(held) - set(files)) & remote.names))


def _refuse_foreign(remote: Remote) -> None:
    """A Hub puts a README into a new Space; anything more without our manifest is somebody's work."""
    others = sorted(remote.names - SCAFFOLD - {"README.md"})
    if others and remote.manifest is None:
        raise Refused(f"it holds files of another app ({', '.join(others[:6])}); name a Space that is new or empty")
