"""A repo on a Hub as it stands: its refs, its files, and the manifests that tell what they are."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import RemoteEntryNotFoundError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile

from toolkit.hub.decide import Manifest, Remote
from toolkit.hub.parcel import MANIFEST, RepoType


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
    owed = manifest["version"] if manifest and manifest["version"] not in tags and _whole(manifest, files) else None
    tags |= {owed: head} if owed else {}
    at = tags.get(version)
    taken = None if at is None else manifest if at == head else _manifest_at(api, where, at)
    return Remote(head, frozenset(files), manifest, tags, taken), owed


def _manifest_at(api: HfApi, where: Mapping[str, Any], revision: str) -> Manifest | None:
    """The manifest of a push of ours; None where the file is missing or another program's."""
    with TemporaryDirectory() as scratch:  # not the user's cache: it is read once
        try:
            path = api.hf_hub_download(**where, filename=MANIFEST, revision=revision, local_dir=scratch)
            manifest = json.loads(Path(path).read_text(encoding="utf-8"))
        except (RemoteEntryNotFoundError, ValueError):
            return None
    ours = isinstance(manifest, dict) and isinstance(manifest.get("files"), dict) and "version" in manifest
    return manifest if ours else None


def _whole(manifest: Manifest, files: Mapping[str, RepoFile]) -> bool:
    """Whether a commit holds what its manifest lists, so that it is a push's own and no later edit."""
    return all(name in files and _is(files[name], facts) for name, facts in manifest["files"].items())


def _is(file: RepoFile, facts: Mapping[str, Any]) -> bool:
    return file.size == facts["bytes"] and (file.lfs is None or file.lfs.sha256 == facts["sha256"])
