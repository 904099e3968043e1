"""Reads files that anybody may have written: every error names the file, and nothing large or endless is read."""

import json
from pathlib import Path
from typing import Any

LARGEST = 16 * 2**20  # bytes of a file that is read whole


class TextError(ValueError):
    """A file that cannot be read in the form that it should have; the message names it and the remedy."""


def read_text(path: Path, *, named: str | None = None, largest: int = LARGEST) -> str:
    """Read the text of a UTF-8 file.

    Args:
        named: what the message calls it; None takes its path.
        largest: most bytes that are read.

    Raises:
        TextError: for a missing or larger file, one that is not an ordinary file, or another encoding.
    """
    named = named or str(path)
    if not path.is_file():
        raise TextError(f"{named}: is not a file" if path.exists() else f"{named}: does not exist")
    if path.stat().st_size > largest:
        raise TextError(f"{named}: has {path.stat().st_size:,} bytes; {largest:,} are read at most")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TextError(f"{named}: is not UTF-8 ({error.reason} at byte {error.start:,}); save it as UTF-8") from error


def read_object(path: Path, *, named: str | None = None, largest: int = LARGEST) -> dict[str, Any]:
    """Read the JSON object in a UTF-8 file.

    Raises:
        TextError: for anything else; see `read_text`.
    """
    return parse_object(read_text(path, named=named, largest=largest), named or str(path))


def parse_object(text: str, named: str) -> dict[str, Any]:
    """Parse the JSON object in a text.

    Raises:
        TextError: for anything else, for a name that stands there twice, and for numbers that JSON does not have.
    """
    try:
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise TextError(f"{named}: is not JSON: {str(error)[:200]}") from error
    if not isinstance(data, dict):
        raise TextError(f"{named}: is not a JSON object but a {type(data).__name__}")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:80]!r} is there twice")
    return data


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not a number")
