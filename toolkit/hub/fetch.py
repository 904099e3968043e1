"""A release from a Hub as anybody gets it: the files of one commit, in the client library's own cache."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import HfApi

from toolkit.hub.decide import Refused, parse_version
from toolkit.hub.parcel import RepoType, check_repo
from toolkit.hub.push import attempts, explained


class Fetched(NamedTuple):
    """A commit's files in a folder (of the cache: not to be written to), and the tag or branch that was asked for."""

    folder: Path
    repo: str
    revision: str
    commit: str


def split_reference(text: str) -> tuple[str, str | None]:
    """`org/name@v1.0.0` as repo and revision; without `@`, None for the last version.

    Raises:
        Refused: for what cannot name a repo.
    """
    repo, _, revision = text.partition("@")
    check_repo(repo)
    return repo, revision or None


def fetch(api: HfApi, reference: str, repo_type: RepoType = "dataset", only: Sequence[str] | None = None) -> Fetched:
    """Download all files of `org/name@revision`, or `only` some; what the cache holds is not fetched again.

    Args:
        reference: see `split_reference`; the revision is a tag, a branch or a commit.

    Raises:
        Refused: for a name that no repo can have, or a revision that the repo does not have.
        HubFault: for a Hub that cannot be reached, or a repo that is not there.
    """
    repo, revision = split_reference(reference)
    where: dict[str, Any] = {"repo_id": repo, "repo_type": repo_type}
    with explained(api, repo):
        refs = attempts()(api.list_repo_refs, **where)
        commits = {ref.name: ref.target_commit for ref in (*refs.branches, *refs.tags)}
        versions = sorted(filter(parse_version, commits), key=lambda name: parse_version(name) or (0, 0, 0))
        revision = revision or (versions[-1] if versions else "main")
        commit = commits.get(revision, revision)
        if revision not in commits and not _is_commit(revision):
            raise Refused(f"has no revision {revision!r}; it has {', '.join([*versions, 'main'])}")
        folder = attempts()(api.snapshot_download, **where, revision=commit, allow_patterns=only)
    return Fetched(Path(folder), repo, revision, commit)


def _is_commit(text: str) -> bool:
    return len(text) == 40 and set(text) <= set("0123456789abcdef")
