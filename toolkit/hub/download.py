"""Download releases and weights, each checked against its digest.

Anybody may have made the release: its manifest is read as data of a fixed form, and names are plain relative ones.
"""

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from huggingface_hub import HfApi
from huggingface_hub.hf_api import RepoFile
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from toolkit.hub.check import damaged_files
from toolkit.hub.faults import attempts, explained
from toolkit.hub.manifest import MANIFEST, MOST_FILES, Digest, File, ReleaseManifest, Word, first_fault, parse_release
from toolkit.hub.release import RECIPE
from toolkit.hub.scan import refuse_pickles
from toolkit.hub.upload import RepoType, check_repo
from toolkit.hub.version import Refused, parse_version
from toolkit.models.files import ModelFilesError, refuse_code
from toolkit.text_files import parse_object, read_object, read_text
from toolkit.workspace import hash_of, model_files

COMMIT_OF = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", re.ASCII)
UNTAKEN = "nothing of it was taken over"


class Snapshot(NamedTuple):
    """A commit's files in a folder (of the cache: not to be written to), and the requested tag or branch."""

    folder: Path
    repo: str
    revision: str
    commit: str


def split_reference(text: str) -> tuple[str, str | None]:
    """Split `org/name@v1.0.0` into repo and revision; without `@`, the revision is None, for the last version.

    Raises:
        Refused: for a text that cannot name a repo.
    """
    repo, _, revision = text.partition("@")
    check_repo(repo)
    return repo, revision or None


def fetch(api: HfApi, reference: str, repo_type: RepoType = "dataset", only: Sequence[str] | None = None) -> Snapshot:
    """Download all files of `org/name@revision`, or `only` some; files in the cache are not fetched again.

    Args:
        reference: see `split_reference`; the revision is a tag, a branch or a commit.

    Raises:
        Refused: for a name that no repo can have, or a revision that the repo does not have.
        HubFault: for a Hub that cannot be reached, or a repo that does not exist.
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
    return Snapshot(Path(folder), repo, revision, commit)


def _is_commit(text: str) -> bool:
    return len(text) == 40 and set(text) <= set("0123456789abcdef")


@dataclass(frozen=True)
class ServingOptions:
    """The options of serving that can change a teacher's answers."""

    api: Literal["chat", "generate"]
    quantize: Word | None
    provider: Word | None


@dataclass(frozen=True)
class Provenance:
    """The identity of a source: its key, and digests of its seed questions, its teacher and a student it asked."""

    source: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    pool: Digest
    pool_counts: dict[Literal["pool", "test", "dev", "dropped"], Annotated[int, Field(ge=0, lt=2**40)]]
    teacher: Digest
    served: ServingOptions | None
    teacher_repo: Annotated[str, Field(pattern=COMMIT_OF.pattern)] | None = None
    student: Digest | None = None


class Download(NamedTuple):
    """A release in a folder that is not to be written to, and its name: `org/name@v1.0.0`."""

    folder: Path
    name: str
    manifest: ReleaseManifest
    provenance: Provenance

    def path(self, name: str) -> Path:
        """Return the path of a file of the release."""
        return self.folder / name

    def parts(self, config: str) -> list[str]:
        """List the files of a configuration.

        Raises:
            Refused: for an unknown configuration, or one that names files that are not in the release.
        """
        configs, files = self.manifest.configs, self.manifest.files
        names = configs[config].files if config in configs else []
        absent = [name for name in names or [config] if name not in files]
        if absent:
            raise Refused(f"{MANIFEST}: {config}: its files are not in the release; it was made by another toolkit")
        if len(set(names)) < len(names):
            raise Refused(f"{MANIFEST}: {config}: names a file twice; it was made by another toolkit")
        return names

    def one_file(self, config: str) -> str:
        """Return the only file of a configuration.

        Raises:
            Refused: for a configuration with several files; see also `parts`.
        """
        names = self.parts(config)
        if len(names) > 1:
            raise Refused(f"{MANIFEST}: {config}: names {len(names)} files; a release has one of these")
        return names[0]


def download_release(api: HfApi, reference: str, *, whole: bool = True) -> Download:
    """Download `org/name@v1.0.0` and check every byte; without `whole`, only its manifest and recipe.

    Raises:
        Refused: for files that differ from the manifest, a manifest of another form, or names that lead elsewhere.
        HubFault: see `fetch`.
    """
    snapshot = fetch(api, reference, only=[MANIFEST, RECIPE])
    label = f"{snapshot.repo}@{snapshot.revision}"
    for name in (MANIFEST, RECIPE):
        if not (snapshot.folder / name).is_file():
            raise Refused(f"{label}: has no {name}, so that it cannot be continued; it is not a release, or an old one")
    manifest, provenance = read_form(read_text(snapshot.folder / MANIFEST, named=f"{label}: {MANIFEST}"), label)
    if whole:
        _refuse_other_files(api, snapshot, manifest, label)
        snapshot = fetch(api, f"{snapshot.repo}@{snapshot.commit}")
        wrong = damaged_files(snapshot.folder, manifest)
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if wrong[1:] else ""
            raise Refused(f"{label}: {wrong[0]}{more}; {UNTAKEN}")
    return Download(snapshot.folder, label, manifest, provenance)


def read_form(text: str, label: str) -> tuple[ReleaseManifest, Provenance]:
    """Parse a manifest as data of its form, with the provenance that identifies its source.

    Raises:
        Refused: for another form, naming the field.
    """
    place = f"{label}: {MANIFEST}"
    data = parse_object(text, place)
    try:
        manifest = parse_release(data, place, UNTAKEN)
        return manifest, TypeAdapter(Provenance).validate_python(manifest.provenance)
    except ValidationError as error:
        raise Refused(f"{place}: provenance.{first_fault(error)}; {UNTAKEN}") from error
    except ValueError as error:
        raise Refused(str(error)) from error


def _refuse_other_files(api: HfApi, snapshot: Snapshot, manifest: ReleaseManifest, label: str) -> None:
    """Refuse, before the download, files of a repo that are not in the manifest, or the other way round."""
    with explained(api, snapshot.repo):
        tree = api.list_repo_tree(snapshot.repo, repo_type="dataset", revision=snapshot.commit, recursive=True)
        sizes = {
            entry.path: entry.size
            for entry in islice(tree, 2 * MOST_FILES)
            if isinstance(entry, RepoFile) and not any(part.startswith(".") for part in entry.path.split("/"))
        }
    sizes.pop(MANIFEST, None)
    for name in sorted({*sizes, *manifest.files}):
        if name not in sizes:
            raise Refused(f"{label}: {name}: is missing; {UNTAKEN}")
        if name not in manifest.files:
            raise Refused(f"{label}: {name}: is not in the manifest; {UNTAKEN}")
        if sizes[name] != manifest.files[name].bytes:
            raise Refused(f"{label}: {name}: its bytes are not those of the manifest; {UNTAKEN}")


def download_weights(api: HfApi, repo: str, digest: str) -> dict[str, Path]:
    """Download the files of a teacher's model repo, `org/name@commit`; return them by name.

    Raises:
        Refused: for weights other than safetensors, code, or another model than the one of the digest.
    """
    folder = fetch(api, repo, "model").folder
    files = model_files(folder)
    refuse_pickles(files)
    try:
        refuse_code(folder, repo)
    except ModelFilesError as error:
        raise Refused(str(error)) from error
    code = [name for name in files if name.endswith(".py")]
    if code:
        raise Refused(f"{repo}: {', '.join(code)}: code is not taken over; a teacher is weights and tokenizer")
    if hash_of(files) != digest:
        raise Refused(
            f"{repo}: is not the teacher of the release, whose digest is {digest[:12]}; nothing was taken over"
        )
    return {name: folder / name for name in files}


def weights_size(api: HfApi, repo: str) -> int:
    """Return the bytes of a model repo according to its manifest, without downloading it."""
    folder = fetch(api, repo, "model", only=[MANIFEST]).folder
    listed = read_object(folder / MANIFEST, named=f"{repo}: {MANIFEST}").get("files")
    try:
        return sum(file.bytes for file in TypeAdapter(dict[str, File]).validate_python(listed).values())
    except ValidationError as error:
        raise Refused(f"{repo}: {MANIFEST}: files: {error.errors()[0]['msg'].lower()}") from error
