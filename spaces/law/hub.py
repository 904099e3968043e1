"""Read public results datasets of the Hub, by commit, never with the Space's own token."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, HfFileSystem, constants
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from toolkit.reports.folder import NAMES

REPO = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
BLOCK = 1_000_000  # bytes read at once
MOST_BYTES = 50_000_000  # largest dataset that is downloaded
TABLES = [f"data/{name}-*.parquet" for name in NAMES]
PATTERNS = [*TABLES, "laws/*.json", "decisions/*.json", "manifest.json"]
FAULTS = (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, httpx2.HTTPError, OSError)


def resolve(source: str) -> tuple[str, str]:
    """Resolve `org/name-results[@revision]` to name and commit; a commit is not checked, other revisions are.

    ValueError for another text, and for a repo or revision that the Hub does not have.
    """
    repo, _, revision = source.strip().partition("@")
    if not REPO.fullmatch(repo):
        raise ValueError(f"{source!r} names no results: use 'example' or org/name-results@revision")
    if re.fullmatch("[0-9a-f]{40}", revision):
        return repo, revision
    try:
        return repo, str(HfApi(token=False).dataset_info(repo, revision=revision or None).sha)
    except FAULTS as error:
        raise _unread(source, error) from error


def download(repo: str, commit: str) -> Path:
    """Download a results dataset at this commit; ValueError when it cannot be read or is too large."""
    api = HfApi(token=False)
    try:
        files = api.dataset_info(repo, revision=commit, files_metadata=True).siblings or []
        size = sum(file.size or 0 for file in files if file.rfilename.startswith(("data/", "laws/", "decisions/")))
        if size > MOST_BYTES:
            raise ValueError(f"{repo} holds {size / 1e6:.0f} MB; this page reads up to {MOST_BYTES / 1e6:.0f} MB")
        return Path(api.snapshot_download(repo, repo_type="dataset", revision=commit, allow_patterns=PATTERNS))
    except FAULTS as error:
        raise _unread(repo, error) from error


@contextmanager
def opened(repo: str, revision: str, name: str) -> Iterator[Any]:
    """Open a file of a public dataset, read over the network piece by piece; ValueError when that fails."""
    # No instance is shared, as each remembers all files that it has listed.
    files = HfFileSystem(endpoint=constants.ENDPOINT, token=False, block_size=BLOCK, skip_instance_cache=True)
    try:
        with files.open(f"datasets/{repo}/{name}", revision=revision) as file:
            yield file
    except FAULTS as error:
        raise _unread(f"{repo}/{name}", error) from error


def _unread(source: str, error: Exception) -> ValueError:
    return ValueError(f"{source} cannot be read from the Hub: {(str(error).splitlines() or [type(error).__name__])[0]}")
