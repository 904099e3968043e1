"""Upload a folder: one commit on the head that was read, then one tag; after any fault the next call finishes it."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RemoteEntryNotFoundError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import validate_repo_id

from toolkit.hub.faults import HubFault, attempts, explained, without_secrets
from toolkit.hub.manifest import MANIFEST, File, Manifest, parse_manifest
from toolkit.hub.scan import refuse_secrets
from toolkit.hub.version import Compare, PushPlan, Refused, Remote, decide
from toolkit.workspace import file_digest

NAME_RULE = "`org/name`, each part of at most 96 letters, digits, '-', '_' and '.', without '--' or '..'"
RepoType = Literal["dataset", "model", "space"]
Item = tuple[str, Literal["dataset", "model", "space"]]  # repo and its kind
Say = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """A Hub to push to, and how.

    Attributes:
        api: the client, with its endpoint and token.
        say: receives a sentence for each thing done.
        private: make repos private; an existing public one is refused.
        dry: say what would be done, and do nothing.
        folders: folders of this machine that no text may name, such as the workspace; the home folder never may.
    """

    api: HfApi
    say: Say
    private: bool = False
    dry: bool = False
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Published:
    """The result of a push: the tag `version` of `repo` names `commit`.

    Attributes:
        new: whether this call made the commit.
        added, deleted: names of the files that it adds and deletes.
        bytes: total size of the added files; less is sent to a Hub that already has some of them.
        reason: why nothing was committed, or what the commit is.
        dry: whether nothing was done; `commit` is then the one to build on.
    """

    repo: str
    repo_type: RepoType
    version: str
    commit: str
    new: bool = False
    added: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    bytes: int = 0
    reason: str = ""
    dry: bool = False


@dataclass(frozen=True)
class Upload:
    """A folder to push, with the manifest that lists its files."""

    folder: Path
    manifest: Manifest
    repo: str
    repo_type: RepoType
    message: str

    @property
    def version(self) -> str:
        """Return the tag of the upload."""
        return self.manifest.version

    def size(self, names: Iterable[str]) -> int:
        """Return the bytes of these files."""
        return sum((self.folder / name).stat().st_size for name in names)


def prepare(folder: Path, repo: str, repo_type: RepoType, message: str, folders: Iterable[Path] = ()) -> Upload:
    """Check a folder before any request to a Hub.

    Args:
        folder: a folder with a `manifest.json`, which has `version`, `files` (name -> sha256 and bytes) and perhaps the
            `repo` that it was made for.
        repo: `org/name`.
        message: first line of the commit.
        folders: folders of this machine that no text may name, besides the home folder.

    Raises:
        Refused: for a name that no repo can have or that is not the manifest's, files that differ from the manifest, or
            a secret in a text.
    """
    check_repo(repo)
    manifest = parse_manifest(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    if manifest is None:
        raise Refused(f"{folder / MANIFEST}: is not of its form; make the folder again")
    for name, file in manifest.files.items():
        if not (folder / name).is_file() or file_digest(folder / name) != file.sha256:
            raise Refused(f"{folder / name}: not as its manifest says; make the folder again")
    if manifest.repo not in (None, repo):
        raise Refused(f"{folder}: made for {manifest.repo}, which its card names; make it anew for {repo}")
    refuse_secrets({name: folder / name for name in (*manifest.files, MANIFEST)}, folders)
    return Upload(folder, manifest, repo, repo_type, message)


def check_repo(repo: str) -> None:
    """Refuse a text that cannot be a repo's name.

    Raises:
        Refused: with the rule.
    """
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise Refused(f"{repo[:120]!r} cannot name a repo; give an owner and a name, {NAME_RULE}") from error
    if repo.count("/") != 1:
        raise Refused(f"{repo[:120]!r} names no owner; give {NAME_RULE}")


def read_remote(api: HfApi, repo: str, repo_type: RepoType, version: str) -> tuple[Remote | None, str | None]:
    """Read a repo at one moment, and find the tag that an interrupted push did not set.

    That tag is already among the repo's tags: its commit counts as published.

    Args:
        version: the tag whose manifest is read too.

    Returns:
        The repo, None where it does not exist (or is hidden from this token), and that tag, None where there is none.
    """
    where: dict[str, Any] = {"repo_id": repo, "repo_type": repo_type}
    try:
        refs = api.list_repo_refs(**where)
    except RepositoryNotFoundError:
        return None, None
    tags = {tag.name: tag.target_commit for tag in refs.tags}
    head = next((branch.target_commit for branch in refs.branches if branch.name == "main"), None)
    if head is None:
        return Remote(tags=tags), None
    tree = api.list_repo_tree(**where, revision=head, recursive=True)
    files = {file.path: file for file in tree if isinstance(file, RepoFile)}
    manifest = _manifest_at(api, where, head) if MANIFEST in files else None
    unset = manifest.version if manifest and manifest.version not in tags and _whole(manifest, files) else None
    tags |= {unset: head} if unset else {}
    at = tags.get(version)
    at_tag = None if at is None else manifest if at == head else _manifest_at(api, where, at)
    return Remote(head, frozenset(files), manifest, tags, at_tag), unset


def read_published(target: Target, repo: str, repo_type: RepoType, version: str) -> Remote:
    """Read a repo as it is, an empty one where it does not exist.

    Args:
        version: the tag whose manifest is read too.

    Raises:
        Refused: for a name that no repo can have.
        HubFault: see `push`.
    """
    check_repo(repo)
    with explained(target.api, repo):
        return attempts()(read_remote, target.api, repo, repo_type, version)[0] or Remote()


def _manifest_at(api: HfApi, where: Mapping[str, Any], revision: str) -> Manifest | None:
    """Read the manifest of a push of ours; None where the file is missing or another program's."""
    with TemporaryDirectory() as scratch:  # not the user's cache: it is read once
        try:
            path = api.hf_hub_download(**where, filename=MANIFEST, revision=revision, local_dir=scratch)
            return parse_manifest(json.loads(Path(path).read_text(encoding="utf-8")))
        except (RemoteEntryNotFoundError, ValueError):
            return None


def _whole(manifest: Manifest, files: Mapping[str, RepoFile]) -> bool:
    """Say whether a commit holds what its manifest lists, so that it is a push's own and not a later edit."""
    return all(name in files and _is_same(files[name], file) for name, file in manifest.files.items())


def _is_same(remote_file: RepoFile, file: File) -> bool:
    return remote_file.size == file.bytes and (remote_file.lfs is None or remote_file.lfs.sha256 == file.sha256)


def push(target: Target, upload: Upload, compare: Compare) -> Published:
    """Make the tag that the upload's manifest names hold its files; nothing is done where it already does.

    Args:
        compare: says how new content relates to published content of this kind.

    Raises:
        Refused: see `decide`.
        HubFault: for a Hub that cannot be reached or refuses us, naming the remedy.
    """
    with explained(target.api, upload.repo):
        if target.dry:
            return attempts()(_dry_run, target, upload, compare)
        return attempts()(_push_once, target, upload, compare, [])


def _push_once(target: Target, upload: Upload, compare: Compare, commits: list[Published]) -> Published:
    """Try once; `commits` keeps what an earlier try committed, in case only its tag failed."""
    api, say, private = target.api, target.say, target.private
    where: dict[str, Any] = {"repo_id": upload.repo, "repo_type": upload.repo_type}
    remote, untagged = read_remote(api, upload.repo, upload.repo_type, upload.version)
    if remote is None:
        say(f"{upload.repo}: a new {'private ' if private else ''}{upload.repo_type} repo")
        api.create_repo(**where, private=private, exist_ok=True)
        remote, untagged = read_remote(api, upload.repo, upload.repo_type, upload.version)
    if remote is None:
        raise HubFault(f"{upload.repo}: was made and cannot be found yet; run the same command again")
    refuse_public(api, where, private)
    if untagged:
        say(f"{upload.repo}: {untagged} was committed and not tagged; it is now")
        api.create_tag(**where, tag=untagged, revision=remote.head)
    plan = decide(upload.manifest, upload.version, remote, compare)
    if not plan.adds:
        return commits[-1] if commits else _nothing(upload, plan, remote)
    say(_commit_line(upload, plan, "commit"))
    commit = api.create_commit(
        **where, operations=_operations(upload, plan), commit_message=upload.message, parent_commit=remote.head
    )
    commits.append(replace(_described(upload, plan), commit=commit.oid, new=True))
    api.create_tag(**where, tag=plan.version, revision=commit.oid)
    return commits[-1]


def _dry_run(target: Target, upload: Upload, compare: Compare) -> Published:
    api, say, private = target.api, target.say, target.private
    remote, untagged = read_remote(api, upload.repo, upload.repo_type, upload.version)
    if remote is None:
        say(f"{upload.repo}: would be made, a {'private' if private else 'public'} {upload.repo_type} repo")
    else:
        refuse_public(api, {"repo_id": upload.repo, "repo_type": upload.repo_type}, private)
    if untagged:
        say(f"{upload.repo}: would tag {untagged}, which was committed and not tagged")
    plan = decide(upload.manifest, upload.version, remote or Remote(), compare)
    if not plan.adds:
        say(f"{upload.repo}: nothing to do, {plan.reason}")
        return replace(_nothing(upload, plan, remote or Remote()), dry=True)
    say(_commit_line(upload, plan, "would commit"))
    say("\n".join([*(f"  + {name}" for name in plan.adds), *(f"  - {name}" for name in plan.deletes)]))
    return replace(_described(upload, plan), commit=(remote and remote.head) or "", dry=True)


def refuse_public(api: HfApi, where: Mapping[str, Any], private: bool) -> None:
    """Refuse to send private content to a public repo."""
    if private and not api.repo_info(**where).private:
        raise Refused("it is public, and you ask for a private one; make it private in its settings, or name another")


def _operations(upload: Upload, plan: PushPlan) -> list[CommitOperationAdd | CommitOperationDelete]:
    return [
        *(CommitOperationDelete(name, is_folder=False) for name in plan.deletes),
        *(CommitOperationAdd(name, upload.folder / name) for name in plan.adds),
    ]


def _described(upload: Upload, plan: PushPlan) -> Published:
    size = upload.size(plan.adds)
    return Published(upload.repo, upload.repo_type, plan.version, "", False, plan.adds, plan.deletes, size, plan.reason)


def _nothing(upload: Upload, plan: PushPlan, remote: Remote) -> Published:
    commit = remote.tags.get(plan.version) or remote.head or ""
    return Published(upload.repo, upload.repo_type, plan.version, commit, reason=plan.reason)


def _commit_line(upload: Upload, plan: PushPlan, verb: str) -> str:
    deletions = f", {len(plan.deletes)} deleted" if plan.deletes else ""
    size = upload.size(plan.adds)
    what = f"{len(plan.adds)} files, {size:,} bytes{deletions}"
    return f"{upload.repo}: {verb} {what} as {upload.message!r}, tag {plan.version}"


def collect(target: Target, title: str, owner: str, items: Iterable[Item]) -> str | None:
    """Add these repos to the collection `title` of `owner`, in order; its other items stay.

    Returns:
        Its slug; None on a Hub that has no collections.

    Raises:
        HubFault: see `push`.
    """
    api = target.api
    with explained(api, f"{owner}'s collection {title!r}"):
        try:
            collection = attempts()(
                api.create_collection, title, namespace=owner, private=target.private, exists_ok=True
            )
        except HfHubHTTPError as error:
            if error.response.status_code != 404:
                raise
            target.say(f"{without_secrets(api.endpoint)} has no collections, so {title!r} was not made")
            return None
        present = {(item.item_id, item.item_type) for item in collection.items}
        for repo, kind in items:
            if (repo, kind) not in present:
                attempts()(api.add_collection_item, collection.slug, item_id=repo, item_type=kind, exists_ok=True)
    return collection.slug
