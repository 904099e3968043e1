"""What goes to a Hub: a folder whose manifest lists its files, checked before anything is asked."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from toolkit.hub.decide import Manifest, Refused
from toolkit.hub.scan import refuse_secrets
from toolkit.workspace import file_digest

MANIFEST = "manifest.json"
NAME_RULE = "`org/name`, each part of at most 96 letters, digits, '-', '_' and '.', without '--' or '..'"
RepoType = Literal["dataset", "model", "space"]


@dataclass(frozen=True)
class Parcel:
    """A folder to push, with the manifest that lists its files."""

    folder: Path
    manifest: Manifest
    repo: str
    repo_type: RepoType
    message: str

    @property
    def version(self) -> str:
        """The tag it gets."""
        return str(self.manifest["version"])

    def size(self, names: Iterable[str]) -> int:
        """Bytes of these files."""
        return sum((self.folder / name).stat().st_size for name in names)


def pack(folder: Path, repo: str, repo_type: RepoType, message: str, folders: Iterable[Path] = ()) -> Parcel:
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
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for name, facts in manifest["files"].items():
        if not (folder / name).is_file() or file_digest(folder / name) != facts["sha256"]:
            raise Refused(f"{folder / name}: not as its manifest says; make the folder again")
    if manifest.get("repo", repo) != repo:
        raise Refused(f"{folder}: made for {manifest['repo']}, which its card names; make it anew for {repo}")
    refuse_secrets({name: folder / name for name in (*manifest["files"], MANIFEST)}, folders)
    return Parcel(folder, manifest, repo, repo_type, message)


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
