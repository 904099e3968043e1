"""Find recipes and read their YAML: a file, what it extends, and a profile laid over it.

Every value is kept with the file that sets it, so that an error can name that file.
"""

import difflib
import logging
import re
from pathlib import Path
from typing import Any

from toolkit.keys import FIRST_NAMES, RENAMED
from toolkit.recipe.yaml_files import LARGEST, YamlError, read_yaml
from toolkit.shipped import shipped
from toolkit.text import listed
from toolkit.text_files import TextError, read_text

NANO = "nano"  # the profile of a recipe's own file
Values = dict[str, tuple[Path, Any]]  # key -> the file that sets it, and what to


class RecipeError(ValueError):
    """A recipe or RUN that cannot be run; the message names the file, the key and what is allowed."""


def recipe_folders() -> list[Path]:
    """List the folders that are searched for recipes: `recipes/` of the working directory, then the toolkit's own."""
    folders = [Path("recipes").resolve(), shipped("recipes")]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def known_recipes() -> dict[str, Path]:
    """Return name -> file of every recipe; profiles other than `nano` (`math.paper.yaml`) are not names."""
    files = [path for folder in reversed(recipe_folders()) for path in sorted(folder.glob("*.yaml"))]
    return {path.stem: path for path in files if "." not in path.stem}


def recipe_file(name: str) -> Path:
    """Return the file of a recipe, by its name or path.

    Raises:
        RecipeError: for an unknown recipe; the message lists the known ones.
    """
    known = known_recipes()
    if name in known:
        return known[name]
    if name.endswith((".yaml", ".yml")):
        if Path(name).is_file():
            return Path(name)
        raise RecipeError(f"no recipe file {name}")
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    beside = Path(f"{name}.yaml")
    if beside.is_file():
        hint = f"; to run the file {beside}, write {beside if beside.is_absolute() else f'./{beside}'}."
    raise RecipeError(
        f"no recipe called {name!r}{hint} Known: {listed(sorted(known))}. "
        "A RUN is <recipe>, <recipe>-r<budget> or <recipe>-r<budget>-s<replicate>."
    )


def names_recipe(name: str) -> bool:
    """Say whether a name can be that of a recipe: letters, digits, `-` and `_`, the first a letter or digit."""
    return re.fullmatch(r"[A-Za-z0-9][\w-]*", name, re.ASCII) is not None


def profiles_of(path: Path) -> dict[str, Path]:
    """Return profile -> file of a recipe, its own file (`nano`) first."""
    overlays = sorted(path.parent.glob(f"{path.stem}.*.yaml"))
    return {NANO: path} | {overlay.stem.split(".")[1]: overlay for overlay in overlays}


def read_values(path: Path, profile: str = NANO) -> Values:
    """Read the keys of a recipe: of what it extends, then its own, each with the profile's laid over them.

    Raises:
        RecipeError: for a file that is not a YAML mapping, an unknown profile, or recipes that extend one another.
    """
    values: Values = {}
    for file in _files(path, profile):
        values |= {key: (file, value) for key, value in _under_new_names(file, _read(file)).items()}
    values.pop("extends", None)
    return values


def warn_of_renamed(path: Path, profile: str = NANO) -> None:
    """Log a line for each key that a recipe, with what it extends and its profile, writes under its first name."""
    for file in _files(path, profile):
        for key in RENAMED.keys() & _read(file).keys():
            new = RENAMED[key]
            logging.getLogger(__name__).warning(
                "%s: %s: the key is now %s; rename it, or a later version refuses it", file, key, new
            )


def _files(path: Path, profile: str) -> list[Path]:
    """Give the files of a recipe in the order in which they are laid over one another."""
    lineage = [profiles_of(file) for file in reversed(_lineage(path))]
    if not any(profile in known for known in lineage):
        names = listed(dict.fromkeys(name for known in lineage for name in known))
        raise RecipeError(f"{path.stem} has no profile {profile!r}; it has: {names}")
    return [
        file for known in lineage for file in dict.fromkeys(known[name] for name in (NANO, profile) if name in known)
    ]


def _under_new_names(file: Path, values: dict[str, Any]) -> dict[str, Any]:
    twice = [key for key in values if key in FIRST_NAMES and FIRST_NAMES[key] in values]
    if twice:
        raise RecipeError(f"{file}: {twice[0]}: written twice, also as {FIRST_NAMES[twice[0]]}; keep {twice[0]}")
    return {RENAMED.get(key, key): value for key, value in values.items()}


def _lineage(path: Path) -> list[Path]:
    """List a recipe, the recipe that it extends, the one that that extends, and so on."""
    lineage = [path]
    while (name := _read(lineage[-1]).get("extends")) is not None:
        if not re.fullmatch(r"[\w-]{1,100}", str(name), re.ASCII):
            raise RecipeError(f"{lineage[-1]}: extends: takes the name of a recipe, not {name!r:.80}")
        beside = lineage[-1].with_name(f"{name}.yaml")
        parent = beside if beside.is_file() else recipe_file(str(name))
        if parent in lineage:
            raise RecipeError(f"{lineage[-1]}: extends: {name} extends this one; one of them must not extend the other")
        lineage.append(parent)
    return lineage


def _read(path: Path) -> dict[str, Any]:
    try:
        data = read_yaml(read_text(path, largest=4 * LARGEST))
    except TextError as error:
        raise RecipeError(str(error)) from error
    except YamlError as error:
        raise RecipeError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a list of `key: value` lines")
    return data
