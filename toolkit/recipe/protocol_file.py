"""A protocol of the user's own: a Python file beside the recipe, known by the digest of its content, not by its place.

Nothing here runs the file.
"""

import hashlib
import re
from pathlib import Path

from toolkit.recipe.files import RecipeError, Values
from toolkit.text_files import TextError, read_text

DIGITS = 16  # of the digest in a name, hex
MODULE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
RELEASE = ("manifest.json", "recipe.yaml")  # files that a release's folder has


def place_protocol(values: Values, folder: Path | None = None) -> Path | None:
    """Replace `protocol: ./name.py` in a recipe's values by the name that keys know, and give the file; else None.

    Args:
        folder: that the file's name starts from; None is the folder of the recipe's file.

    Raises:
        RecipeError: for a file that is not there, whose name is no module's, or that lies in a release: code that came
            with data is never run.
    """
    recipe, value = values.get("protocol", (Path(), None))
    if not isinstance(value, str) or not value.endswith(".py"):
        return None
    path = (folder or recipe.parent) / value
    place = f"{recipe}: protocol: {value}"
    if not MODULE.fullmatch(path.stem):
        raise RecipeError(f"{place}: name the file with letters, digits and '_', a letter first")
    if release := next((folder for folder in path.absolute().parents if _is_release(folder)), None):
        raise RecipeError(
            f"{place}: lies in the release {release.name}, and code that came with data is never run; read it, copy it "
            "and the recipe to a folder of your own, and run that recipe"
        )
    try:
        values["protocol"] = recipe, protocol_name(path)
    except TextError as error:
        raise RecipeError(f"{recipe}: protocol: {error}; name a Python file beside the recipe") from error
    return path.absolute()


def protocol_name(path: Path) -> str:
    """Give `name@digest` of a protocol's file: the digest is of the file and of the prompts beside it.

    Raises:
        TextError: for a file that cannot be read.
    """
    texts = [read_text(path)]
    texts += [f"{prompt.name}\0{read_text(prompt)}" for prompt in prompts_of(path)]
    digest = hashlib.sha256("\0\0".join(texts).encode()).hexdigest()
    return f"{path.stem}@{digest[:DIGITS]}"


def prompts_of(module: Path) -> list[Path]:
    """List the prompts beside a protocol's module, `<module>.<step>.jinja`."""
    return sorted(module.parent.glob(f"{module.stem}.*.jinja"))


def _is_release(folder: Path) -> bool:
    return all((folder / name).exists() for name in RELEASE)
