"""Run `fss recipe`: list, show or copy recipes."""

import argparse
import shutil
from pathlib import Path

EXAMPLE = "fss recipe cp math my-math"
NAMES = {"ls": 0, "show": 1, "cp": 2}  # action -> how many names it takes


def add_recipe_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `fss recipe`."""
    parser.add_argument("action", choices=tuple(NAMES))
    parser.add_argument("names", metavar="NAME", nargs="*", help="show: a recipe; cp: a recipe and the new name")


def recipe_command(args: argparse.Namespace) -> int:
    """List, show or copy recipes and return 0; RecipeError for an unknown recipe or a wrong number of names."""
    from toolkit.recipe.files import RecipeError, profiles_of, recipe_file

    count = NAMES[args.action]
    if len(args.names) != count:
        raise RecipeError(f"fss recipe {args.action} takes {count} name(s), not {len(args.names)}")
    if args.action == "ls":
        return _list()
    source = recipe_file(args.names[0])
    if args.action == "cp":
        return _copy(source, args.names[1])
    print("\n".join(path.read_text(encoding="utf-8") for path in profiles_of(source).values()), end="")
    return 0


def _list() -> int:
    from toolkit.recipe.files import known_recipes, profiles_of
    from toolkit.recipe.load import load_recipe

    for name, path in sorted(known_recipes().items()):
        print(f"{name:<16} {load_recipe(path).title} [{', '.join(profiles_of(path))}]")
    return 0


def _copy(source: Path, name: str) -> int:
    from toolkit.recipe.files import names_recipe, profiles_of

    if not names_recipe(name):
        raise ValueError(f"{name!r} cannot name a recipe; use letters, digits, '-' and '_'")
    files = {path: Path("recipes") / path.name.replace(source.stem, name, 1) for path in profiles_of(source).values()}
    for target in files.values():
        if target.exists():
            raise ValueError(f"{target} is there already; choose another name")
    Path("recipes").mkdir(exist_ok=True)
    for path, target in files.items():
        shutil.copyfile(path, target)
    print(f"{', '.join(map(str, files.values()))}: edit, then run `fss run {name}`")
    return 0
