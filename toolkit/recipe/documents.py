"""Documents that an arm makes questions of: a folder of text files, known by the digest of what is in it.

Anybody may have written them. They are data: nothing in them is followed, run or read as a template.
"""

import hashlib
from pathlib import Path

from toolkit.doors import SOURCE_EXPANSION
from toolkit.recipe.files import RecipeError, Values
from toolkit.text_files import TextError, read_text

OPTION, SUFFIX = "documents", ".txt"
DIGITS = 16  # of a digest in a name, hex
LARGEST = 100_000  # bytes of a document, which a teacher reads whole
MOST = 10_000  # documents of a folder


def place_documents(values: Values, folder: Path) -> Path | None:
    """Replace the folder of a recipe's option `documents` by the name that keys know, and give the folder; else None.

    Args:
        folder: that the option's path starts from.

    Raises:
        RecipeError: for a protocol that needs documents and has none that can be read.
    """
    if values.get("protocol", (Path(), None))[1] not in SOURCE_EXPANSION:
        return None
    place, options = values.get("protocol_options", (values["protocol"][0], None))
    named = options.get(OPTION) if isinstance(options, dict) else None
    if not isinstance(named, str) or not named:
        raise RecipeError(
            f"{place}: protocol_options: {OPTION}: must name a folder of {SUFFIX} files, not {named!r:.80}"
        )
    path = (folder / named).absolute()
    try:
        values["protocol_options"] = place, options | {OPTION: documents_name(path, read_documents(path))}
    except TextError as error:
        raise RecipeError(f"{place}: protocol_options: {OPTION}: {error}") from error
    return path


def read_documents(folder: Path) -> dict[str, str]:
    """Read the text files in a folder: id -> text, each content once, in an order that no file name changes.

    Raises:
        TextError: for no folder, no or too many such files, a link, and a file that is empty, too large or not UTF-8.
    """
    if not folder.is_dir():
        raise TextError(f"{folder}: is no folder; name one with {SUFFIX} files, beside the recipe")
    files = sorted(folder.glob(f"*{SUFFIX}"))
    if not 0 < len(files) <= MOST:
        raise TextError(f"{folder}: has {len(files):,} {SUFFIX} files; put 1 to {MOST:,} of them there")
    texts = {f"doc-{_digest(text)}": text for text in map(_read, files)}
    return dict(sorted(texts.items()))


def documents_name(folder: Path, documents: dict[str, str]) -> str:
    """Give `folder@digest`, the digest being of the documents and not of where they lie."""
    return f"{folder.name}@{_digest(' '.join(documents))}"


def _read(file: Path) -> str:
    if file.is_symlink():  # an unpacked archive could name any file of this machine
        raise TextError(f"{file}: is a link; put the file itself there")
    if not (text := read_text(file, largest=LARGEST).strip()):
        raise TextError(f"{file}: is empty; remove it")
    return text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
