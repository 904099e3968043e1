"""The form of a release's manifest: data of fixed types, plain relative names, digests, and references that hold."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from toolkit.text_files import read_object

MANIFEST = "manifest.json"
FORMAT = 1  # of manifest.json
FIELDS = ("version", "default", "configs", "cells", "statistics", "provenance", "files")
MOST_FILES = 100_000
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$", max_length=200)
]
Files = Annotated[list[FileName], Field(min_length=1, max_length=MOST_FILES)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=200)]


@dataclass(frozen=True)
class Facts:
    """Of a file; size in bytes."""

    sha256: Digest
    bytes: Annotated[int, Field(ge=0, lt=2**50)]


@dataclass(frozen=True)
class Sides:
    """Files of a cell: what trains and what does not."""

    accepted: Files
    rejected: Files


@dataclass(frozen=True)
class Loaded:
    """What a configuration loads."""

    split: Word
    files: Files


@dataclass(frozen=True)
class Release:
    """What of a manifest a check reads."""

    version: Word
    default: Word
    configs: Annotated[dict[Word, Loaded], Field(max_length=10_000)]
    cells: Annotated[dict[Word, Sides], Field(min_length=1, max_length=10_000)]
    statistics: dict[str, dict[str, int | float | None]]
    provenance: dict[str, Any]
    files: Annotated[dict[FileName, Facts], Field(min_length=1, max_length=MOST_FILES)]


def read_release(folder: Path) -> dict[str, Any]:
    """The manifest of a release folder.

    Raises:
        ValueError: if the folder holds no manifest, or one of another format.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise ValueError(f"{folder}: holds no manifest.json, so it is no release; give the folder that does")
    manifest = read_object(path)
    if manifest.get("format") != FORMAT:
        raise ValueError(f"{path}: format {manifest.get('format')!r}; this toolkit reads format {FORMAT}")
    missing = [name for name in FIELDS if name not in manifest]
    if missing:
        raise ValueError(f"{path}: lacks {', '.join(missing)}; download the release again")
    refuse_other_form(manifest, str(path))
    return manifest


def refuse_other_form(manifest: Mapping[str, Any], named: str) -> None:
    """Make sure that a manifest is a release's.

    Raises:
        ValueError: naming the field.
    """
    try:
        release = TypeAdapter(Release).validate_python(manifest)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])[:200]
        raise ValueError(f"{named}: {place}: {first['msg'].lower()}; download the release again") from error
    missing = [name for name in ("all", "questions", "test") if name not in release.configs]
    named_files = [name for config in release.configs.values() for name in config.files]
    named_files += [name for sides in release.cells.values() for name in (*sides.accepted, *sides.rejected)]
    unlisted = [name for name in named_files if name not in release.files]
    if missing or unlisted:
        told = f"configs: lack {missing[0]}" if missing else f"files: lack {unlisted[0]}"
        raise ValueError(f"{named}: {told}; download the release again")
    refuse_alike(release.files, named)


def refuse_alike(names: Mapping[str, Any], named: str) -> None:
    """Names that are one file where capitals are none.

    Raises:
        ValueError: naming two.
    """
    plain: dict[str, str] = {}
    for name in names:
        other = plain.setdefault(name.casefold(), name)
        if other != name:
            raise ValueError(f"{named}: files: {other} and {name} differ in capitals only; no release has such names")
