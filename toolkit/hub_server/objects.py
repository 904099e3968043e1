"""Write git objects and refs so that a kill at any time leaves the old state or the new one.

Objects are written and flushed before a ref names them. The library's own writers leave `.lock` files behind when
killed, which block every later writer. So objects are written here by temporary file and rename, and the holder of the
repo's own lock removes a stale lock of a ref.
"""

import contextlib
import re
import secrets
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from dulwich.errors import (
    ChecksumMismatch,
    FileFormatException,
    ObjectFormatException,
    PackedRefsException,
    WrongObjectException,
)
from dulwich.object_store import DiskObjectStore
from dulwich.objects import Blob, Commit, ObjectID, RawObjectID, ShaFile, Tag
from dulwich.refs import Ref
from dulwich.repo import Repo

from toolkit.hub_server import names
from toolkit.hub_server.errors import HubError, repo_missing, revision_missing
from toolkit.hub_server.files import sync

FLUSHES = 8  # parallel flushes, which a file system joins into one: some twenty times faster than one by one
SPECIAL = ("refs/pr/", "refs/heads/", "refs/tags/")
DAMAGE = (ChecksumMismatch, FileFormatException, WrongObjectException, zlib.error)  # raised when a broken file is read


class Objects(DiskObjectStore):
    """Objects on disk; one that is named but missing or incomplete is reported as damage, not as a missing key."""

    def __getitem__(self, sha1: ObjectID | RawObjectID) -> ShaFile:
        try:
            return super().__getitem__(sha1)
        except (KeyError, ValueError, AssertionError, IndexError) as error:
            name = sha1.hex() if len(sha1) == 20 else sha1.decode(errors="replace")
            why = "is missing" if isinstance(error, KeyError) else f"cannot be read: {error}"
            raise ObjectFormatException(f"object {name} {why}") from error


class ObjectWriter:
    """Writes objects at once, flushes them together, and only then gives them their names.

    Objects that were not settled are removed at the end.
    """

    def __init__(self, repo: Repo, incoming: Path) -> None:
        self.objects = Path(repo.path) / "objects"
        self.incoming = incoming
        self.waiting: dict[Path, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for temporary in self.waiting.values():
            temporary.unlink(missing_ok=True)

    def put(self, item: ShaFile) -> ObjectID:
        """Write `item` and return its id. It can be read after `settle`."""
        name = item.id.decode()
        target = self.objects / name[:2] / name[2:]
        if target not in self.waiting and not target.exists():
            self.waiting[target] = self.incoming / f"object.{secrets.token_hex(8)}"
            self.waiting[target].write_bytes(item.as_legacy_object())
        return item.id

    def settle(self) -> None:
        """Flush all objects to the disk and give them their names.

        Raises:
            HubError: 404, where the repo was deleted meanwhile.
        """
        with ThreadPoolExecutor(FLUSHES) as pool:
            list(pool.map(sync, self.waiting.values()))
            try:
                for target, temporary in self.waiting.items():
                    target.parent.mkdir(exist_ok=True)
                    temporary.replace(target)
            except FileNotFoundError as error:
                raise repo_missing(self.objects.parent.stem) from error
            list(pool.map(sync, {target.parent for target in self.waiting} | {self.objects}))
        self.waiting.clear()


def move_ref(repo: Repo, ref: Ref, old: ObjectID | None, new: ObjectID) -> None:
    """Point `ref` from `old` (None: it must not exist) to `new`; the caller holds the repo's lock.

    Raises:
        HubError: 409, where it points elsewhere by now, exists already, or is a folder of another ref or inside one.
    """
    _clear_stale(repo, ref)
    try:
        moved = repo.refs.set_if_equals(ref, old, new) if old else repo.refs.add_if_new(ref, new)
    except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        raise HubError(409, f"{ref.decode()}: a reference of that folder's name exists") from error
    if not moved:
        raise HubError(409, f"Reference already exists: {ref.decode()}")
    sync((Path(repo.path) / ref.decode()).parent)


def drop_ref(repo: Repo, ref: Ref) -> None:
    """Remove `ref`; the caller holds the repo's lock.

    Raises:
        HubError: 404, where it does not exist.
    """
    _clear_stale(repo, ref)
    if repo.refs.read_ref(ref) is None:
        raise revision_missing(ref.decode())
    repo.refs.remove_if_equals(ref, None)
    folder = (Path(repo.path) / ref.decode()).parent
    while not folder.is_dir():  # the library removes folders that became empty
        folder = folder.parent
    sync(folder)


def _clear_stale(repo: Repo, ref: Ref) -> None:
    for name in (ref.decode(), "packed-refs"):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (Path(repo.path) / f"{name}.lock").unlink()


def read_ref(repo: Repo, ref: Ref) -> ObjectID | None:
    """Return the commit that `ref` names, also through an annotated tag; None where there is no such ref."""
    try:
        value = repo.refs.read_ref(ref)
    except ValueError as error:
        raise PackedRefsException(f"packed-refs: {error}") from error
    if not value and (Path(repo.path) / ref.decode()).is_file():
        raise FileFormatException(f"{ref.decode()} is empty")
    if not value:
        return None
    if not re.fullmatch(rb"[0-9a-f]{40}", value):
        raise FileFormatException(f"{ref.decode()} does not name a commit")
    return ObjectID(peel(repo, ObjectID(value)).id)


def peel(repo: Repo, oid: ObjectID) -> ShaFile:
    """Return the object `oid`, or the one that it tags."""
    item = repo.object_store[oid]
    while isinstance(item, Tag):
        item = repo.object_store[item.object[1]]
    return item


def commit_at(repo: Repo, revision: str) -> Commit:
    """Return the commit of a branch, tag, `refs/pr/N`, or full or shortened id (seven digits or more).

    Raises:
        HubError: 404, where there is none.
    """
    for ref in _readings(revision):
        oid = read_ref(repo, ref)
        if oid:
            return _commit(repo, oid, revision)
    if 7 <= len(revision) <= 40 and set(revision) <= set("0123456789abcdef"):
        matches = list(repo.object_store.iter_prefix(revision.encode()))
        if len(matches) == 1:
            return _commit(repo, matches[0], revision)
    raise revision_missing(revision)


def _readings(revision: str) -> list[Ref]:
    """List the refs that a revision may mean, the likeliest first; none for an impossible name."""
    if revision.startswith(SPECIAL):
        _, kind, name = revision.split("/", 2)
        candidates = [(kind, name)]
    else:
        candidates = [("heads", revision), ("tags", revision)]
    try:
        return [names.ref_name(kind, name) for kind, name in candidates]
    except HubError:
        return []


def _commit(repo: Repo, oid: ObjectID, revision: str) -> Commit:
    item = peel(repo, oid)
    if not isinstance(item, Commit):
        raise revision_missing(revision)
    return item


def blob(repo: Repo, oid: ObjectID) -> bytes:
    """Return the bytes of a file's blob."""
    item = repo.object_store[oid]
    if not isinstance(item, Blob):
        raise ObjectFormatException(f"object {oid.decode()} is not a file")
    return bytes(item.data)
