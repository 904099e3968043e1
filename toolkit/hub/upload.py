"""Uploads a folder: one commit on the head that was read, then one tag; after any fault the next call finishes it."""

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
from toolkit.hub.version import Compare, Plan, Refused, Remote, decide
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
        say: gets a sentence for each thing done.
        private: make repos private; one that is there and public is refused.
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
    """What a push left: the tag `version` of `repo` names `commit`.

    Attributes:
        new: whether this call made the commit.
        added, deleted: names of the files in it.
        bytes: sizes of the added files in all; a Hub that has some of them already is sent less.
        reason: why nothing was committed, or what the commit is.
        dry: nothing was done, and `commit` is the one that would have been built on.
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
        """The tag it gets."""
        return self.manifest.version

    def size(self, names: Iterable[str]) -> int:
        """Bytes of these files."""
        return sum((self.folder / name).stat().st_size for name in names)


def prepare(folder: Path, repo: str, repo_type: RepoType, message: str, folders: Iterable[Path] = ()) -> Upload:
    """Check a folder before anything is asked of a Hub.

    Args:
        folder: with a `manifest.json`: `version`, `files` (name -> sha256 and bytes) of what goes along, and perhaps
            the `repo` that it was made for.
        repo: `org/name`.
        message: first line of the commit.
        folders: folders of this machine that no text may name, beside the home folder.

    Raises:
        Refused: for a name that no repo can have or another than the manifest's, files that are not as the manifest
            says, or a secret in a text.
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
    """Make sure that `repo` can be a repo's name.

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
    """The repo at one moment, and the tag that an interrupted push owes it.

    That tag is among the tags already: its commit counts as published.

    Args:
        version: the tag whose manifest is read too.

    Returns:
        None for a repo that is not there (or hidden from this token), and None for no tag owed.
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
    owed = manifest.version if manifest and manifest.version not in tags and _whole(manifest, files) else None
    tags |= {owed: head} if owed else {}
    at = tags.get(version)
    taken = None if at is None else manifest if at == head else _manifest_at(api, where, at)
    return Remote(head, frozenset(files), manifest, tags, taken), owed


def read_published(target: Target, repo: str, repo_type: RepoType, version: str) -> Remote:
    """The repo as it stands, an empty one where it is not there.

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
    """The manifest of a push of ours; None where the file is missing or another program's."""
    with TemporaryDirectory() as scratch:  # not the user's cache: it is read once
        try:
            path = api.hf_hub_download(**where, filename=MANIFEST, revision=revision, local_dir=scratch)
            return parse_manifest(json.loads(Path(path).read_text(encoding="utf-8")))
        except (RemoteEntryNotFoundError, ValueError):
            return None


def _whole(manifest: Manifest, files: Mapping[str, RepoFile]) -> bool:
    """Whether a commit holds what its manifest lists, so that it is a push's own and no later edit."""
    return all(name in files and _is(files[name], file) for name, file in manifest.files.items())


def _is(held: RepoFile, file: File) -> bool:
    return held.size == file.bytes and (held.lfs is None or held.lfs.sha256 == file.sha256)


def push(target: Target, upload: Upload, compare: Compare) -> Published:
    """Make the tag that the upload's manifest names, holding its files; nothing is done where it does already.

    Args:
        compare: how new content relates to published content of this kind.

    Raises:
        Refused: see `decide`.
        HubFault: for a Hub that cannot be reached or does not let us, naming the mend.
    """
    with explained(target.api, upload.repo):
        if target.dry:
            return attempts()(_rehearse, target, upload, compare)
        return attempts()(_push_once, target, upload, compare, [])


def _push_once(target: Target, upload: Upload, compare: Compare, sent: list[Published]) -> Published:
    """One try; `sent` keeps what an earlier one committed, should only its tag have failed."""
    api, say, private = target.api, target.say, target.private
    where: dict[str, Any] = {"repo_id": upload.repo, "repo_type": upload.repo_type}
    remote, finished = read_remote(api, upload.repo, upload.repo_type, upload.version)
    if remote is None:
        say(f"{upload.repo}: a new {'private ' if private else ''}{upload.repo_type} repo")
        api.create_repo(**where, private=private, exist_ok=True)
        remote, finished = read_remote(api, upload.repo, upload.repo_type, upload.version)
    if remote is None:
        raise HubFault(f"{upload.repo}: was made and cannot be found yet; run the same command again")
    refuse_public(api, where, private)
    if finished:
        say(f"{upload.repo}: {finished} was committed and not tagged; it is now")
        api.create_tag(**where, tag=finished, revision=remote.head)
    plan = decide(upload.manifest, upload.version, remote, compare)
    if not plan.adds:
        return sent[-1] if sent else _nothing(upload, plan, remote)
    say(_told(upload, plan, "commit"))
    commit = api.create_commit(
        **where, operations=_operations(upload, plan), commit_message=upload.message, parent_commit=remote.head
    )
    sent.append(replace(_described(upload, plan), commit=commit.oid, new=True))
    api.create_tag(**where, tag=plan.version, revision=commit.oid)
    return sent[-1]


def _rehearse(target: Target, upload: Upload, compare: Compare) -> Published:
    api, say, private = target.api, target.say, target.private
    remote, finished = read_remote(api, upload.repo, upload.repo_type, upload.version)
    if remote is None:
        say(f"{upload.repo}: would be made, a {'private' if private else 'public'} {upload.repo_type} repo")
    else:
        refuse_public(api, {"repo_id": upload.repo, "repo_type": upload.repo_type}, private)
    if finished:
        say(f"{upload.repo}: would tag {finished}, which was committed and not tagged")
    plan = decide(upload.manifest, upload.version, remote or Remote(), compare)
    if not plan.adds:
        say(f"{upload.repo}: nothing to do, {plan.reason}")
        return replace(_nothing(upload, plan, remote or Remote()), dry=True)
    say(_told(upload, plan, "would commit"))
    say("\n".join([*(f"  + {name}" for name in plan.adds), *(f"  - {name}" for name in plan.deletes)]))
    return replace(_described(upload, plan), commit=(remote and remote.head) or "", dry=True)


def refuse_public(api: HfApi, where: Mapping[str, Any], private: bool) -> None:
    """What is to be private is not sent to a repo that others read already."""
    if private and not api.repo_info(**where).private:
        raise Refused("it is public, and you ask for a private one; make it private in its settings, or name another")


def _operations(upload: Upload, plan: Plan) -> list[CommitOperationAdd | CommitOperationDelete]:
    return [
        *(CommitOperationDelete(name, is_folder=False) for name in plan.deletes),
        *(CommitOperationAdd(name, upload.folder / name) for name in plan.adds),
    ]


def _described(upload: Upload, plan: Plan) -> Published:
    size = upload.size(plan.adds)
    return Published(upload.repo, upload.repo_type, plan.version, "", False, plan.adds, plan.deletes, size, plan.reason)


def _nothing(upload: Upload, plan: Plan, remote: Remote) -> Published:
    commit = remote.tags.get(plan.version) or remote.head or ""
    return Published(upload.repo, upload.repo_type, plan.version, commit, reason=plan.reason)


def _told(upload: Upload, plan: Plan, verb: str) -> str:
    gone = f", {len(plan.deletes)} deleted" if plan.deletes else ""
    size = upload.size(plan.adds)
    what = f"{len(plan.adds)} files, {size:,} bytes{gone}"
    return f"{upload.repo}: {verb} {what} as {upload.message!r}, tag {plan.version}"


def collect(target: Target, title: str, owner: str, items: Iterable[Item]) -> str | None:
    """Make the collection `title` of `owner` hold these repos, in order; what it holds already stays.

    Returns:
        Its slug; None on a Hub that has no collections.

    Raises:
        HubFault: see `push`.
    """
    api = target.api
    with explained(api, f"{owner}'s collection {title!r}"):
        try:
            made = attempts()(api.create_collection, title, namespace=owner, private=target.private, exists_ok=True)
        except HfHubHTTPError as error:
            if error.response.status_code != 404:
                raise
            target.say(f"{without_secrets(api.endpoint)} has no collections, so {title!r} was not made")
            return None
        held = {(item.item_id, item.item_type) for item in made.items}
        for repo, kind in items:
            if (repo, kind) not in held:
                attempts()(api.add_collection_item, made.slug, item_id=repo, item_type=kind, exists_ok=True)
    return made.slug
