"""Read and write `manifest.json`, which lists what a published folder holds: releases, results, models and Spaces.

Anybody may have made a release, so that it is read as data of fixed types: plain relative names, digests, and
references to files that exist.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from toolkit.text_files import read_object
from toolkit.workspace import file_digest, to_json

MANIFEST = "manifest.json"
FORMAT: Literal[1] = 1
MOST_FILES = 100_000
NAME_DIGITS = 12  # hex digits of a sha256 in a file's name: 48 bits distinguish the versions of one file
RELEASE = ("format", "version", "default", "configs", "cells", "statistics", "ledger", "provenance", "repo", "files")
RESULTS = (
    *("format", "version", "repo", "default", "configs", "provenance"),
    *("models", "embedded", "teacher", "laws", "decisions", "files"),
)
MODEL = ("format", "version", "repo", "provenance", "files")
SPACE = ("format", "version", "files")
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$", max_length=200)
]
Files = Annotated[list[FileName], Field(min_length=1, max_length=MOST_FILES)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=200)]
Counts = Mapping[str, int | float | None]


@dataclasses.dataclass(frozen=True)
class File:
    """A file's digest, and its size in bytes."""

    sha256: Digest
    bytes: Annotated[int, Field(ge=0, lt=2**50)]


@dataclasses.dataclass(frozen=True)
class Sides:
    """The files of a budget: those that train and those that do not."""

    accepted: Files
    rejected: Files


@dataclasses.dataclass(frozen=True)
class Config:
    """The files that a configuration loads, and their split."""

    split: Word
    files: Files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """The manifest of a published folder; which fields are written depends on its kind.

    Attributes:
        version: the tag that it gets.
        files: name -> digest and size of every file beside the manifest.
        repo: the repo it was made for; None for a folder that can be pushed to any.
        provenance: keys, digests and versions of what it was made from, plain JSON data.
        default: the configuration that loads when none is named.
        cells, statistics: for releases, budget -> its files, and budget -> its counts.
        ledger: for releases whose protocol has steps, budget -> step -> counts.
        models, embedded, teacher, laws, decisions: for results, see `toolkit.hub.results`.
    """

    format: int
    version: Word
    files: Annotated[Mapping[str, File], Field(max_length=MOST_FILES)]
    repo: str | None = None
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    default: str | None = None
    configs: Mapping[str, Config] = dataclasses.field(default_factory=dict)
    cells: Mapping[str, Sides] = dataclasses.field(default_factory=dict)
    statistics: Mapping[str, Counts] = dataclasses.field(default_factory=dict)
    ledger: Mapping[str, Mapping[str, Counts]] | None = None
    models: Sequence[Mapping[str, Any]] = ()
    embedded: Sequence[str] = ()
    teacher: str = ""
    laws: Sequence[str] = ()
    decisions: Sequence[str] = ()

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.bytes for file in self.files.values())

    def text(self, fields: Sequence[str]) -> str:
        """Return the manifest as it is written: these fields in this order, without those that are None."""
        values = {name: getattr(self, name) for name in fields}
        return to_json({name: value for name, value in values.items() if value is not None})


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReleaseManifest(Manifest):
    """The manifest of a release, in which every field is present and valid, whoever wrote it."""

    format: Literal[1]
    default: Word
    configs: Annotated[Mapping[Word, Config], Field(max_length=10_000)]
    cells: Annotated[Mapping[Word, Sides], Field(min_length=1, max_length=10_000)]
    statistics: Mapping[str, Counts]
    provenance: Mapping[str, Any]
    files: Annotated[Mapping[FileName, File], Field(min_length=1, max_length=MOST_FILES)]


def parse_manifest(data: object) -> Manifest | None:
    """Parse the manifest in plain data that a repo holds; None where it is another program's."""
    try:
        return TypeAdapter(Manifest).validate_python(data)
    except ValidationError:
        return None


def parse_release(data: Mapping[str, Any], label: str, remedy: str) -> ReleaseManifest:
    """Parse the manifest of a release in plain data that a stranger may have written.

    Raises:
        ValueError: for another form, naming the field and the remedy.
    """
    try:
        release = TypeAdapter(ReleaseManifest).validate_python(data)
    except ValidationError as error:
        raise ValueError(f"{label}: {first_fault(error)}; {remedy}") from error
    _refuse_alike(release.files, label)
    return release


def read_release(folder: Path) -> ReleaseManifest:
    """Read the manifest of a release folder.

    Raises:
        ValueError: if the folder holds no manifest, one of another format, or one that names files it does not list.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ValueError(f"{folder}: holds no manifest.json, so it is not a release; give the folder that does")
    data = read_object(path)
    if data.get("format") != FORMAT:
        raise ValueError(f"{path}: format {data.get('format')!r}; this toolkit reads format {FORMAT}")
    required = ("version", "default", "configs", "cells", "statistics", "provenance", "files")
    absent = [name for name in required if name not in data]
    if absent:
        raise ValueError(f"{path}: lacks {', '.join(absent)}; download the release again")
    release = parse_release(data, str(path), "download the release again")
    _refuse_loose_ends(release, str(path))
    return release


def first_fault(error: ValidationError) -> str:
    """Say where data is not of its form, and what is wrong there."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])[:200]
    return f"{place}: {first['msg'].lower()}"


def file_facts(folder: Path) -> dict[str, File]:
    """Return relative name -> digest and size of every file of a release but its manifest.

    It skips names that start with a dot, which the workspace, git and the cache of a download use.
    """
    paths = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name.as_posix(): file_fact(path)
        for name, path in paths.items()
        if name.as_posix() != MANIFEST and not any(part.startswith(".") for part in name.parts)
    }


def file_fact(path: Path) -> File:
    """Return digest and size of a file."""
    return File(file_digest(path), path.stat().st_size)


def text_fact(text: str) -> File:
    """Return digest and size of a file that will hold this text."""
    data = text.encode()
    return File(hashlib.sha256(data).hexdigest(), len(data))


def in_order(files: Mapping[str, File]) -> dict[str, File]:
    """Sort the files as a folder lists them."""
    return {name: files[name] for name in sorted(files, key=PurePosixPath)}


def _refuse_loose_ends(release: ReleaseManifest, label: str) -> None:
    """Refuse a release without the configurations that every release has, or with files that are not listed."""
    absent = [name for name in ("all", "questions", "test") if name not in release.configs]
    used = [name for config in release.configs.values() for name in config.files]
    used += [name for sides in release.cells.values() for name in (*sides.accepted, *sides.rejected)]
    unlisted = [name for name in used if name not in release.files]
    if absent or unlisted:
        fault = f"configs: lack {absent[0]}" if absent else f"files: lack {unlisted[0]}"
        raise ValueError(f"{label}: {fault}; download the release again")


def _refuse_alike(names: Mapping[str, Any], label: str) -> None:
    """Refuse names that differ in capitals only, as they are one file on some file systems."""
    folded: dict[str, str] = {}
    for name in names:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise ValueError(f"{label}: files: {other} and {name} differ in capitals only; no release has such names")
