"""Load a run: a flat YAML recipe, validated before any work, and the RUN name that selects a part of it.

A recipe file holds the fields of the dataclasses of `toolkit.recipe.sections`, all at one level; every name belongs to
one dataclass. A RUN is `<recipe>`, `<recipe>-r<budget>` or `<recipe>-r<budget>-s<replicate>`.
"""

import dataclasses
import difflib
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from toolkit.recipe.check import rules
from toolkit.recipe.documents import place_documents
from toolkit.recipe.files import (
    NANO,
    RecipeError,
    Values,
    known_recipes,
    read_values,
    recipe_file,
    warn_of_renamed,
)
from toolkit.recipe.protocol_file import place_protocol
from toolkit.recipe.sections import (
    HOME,
    SECTIONS,
    Arm,
    Base,
    Ladder,
    Recipe,
    Release,
    Sampling,
    Serving,
    Student,
    Teacher,
)
from toolkit.text import listed

Part = TypeVar("Part", Teacher, Base)
OF_TEACHER = {*Teacher.__dataclass_fields__, *Serving.__dataclass_fields__}  # keys that give an arm its own
ARM_KEYS = [*OF_TEACHER, *Sampling.__dataclass_fields__, *Student.__dataclass_fields__, "match"]
CLOSEST = 5  # keys that are shown where none is like an unknown one
ALL_KEYS = "docs/recipes.md describes them, and toolkit/recipe/sections.py has them all"


@dataclasses.dataclass(frozen=True)
class Run:
    """What a RUN name selects: all of a recipe, or one budget of the first pair's ladder in one replicate."""

    name: str
    profile: str
    recipe: Recipe
    budgets: tuple[int, ...]
    replicates: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Say whether the RUN is the whole ladder, so that a law is fitted."""
        return self.budgets == self.recipe.ladder.budgets


def load_run(run: str, profile: str = NANO) -> Run:
    """Load the run that a name (`math`, `math-r16`, `math-r16-s1`) or a recipe file's path stands for.

    Raises:
        RecipeError: for an unknown name, a budget outside the ladder, or a recipe that does not validate.
    """
    name, budget, replicate = _split_run(run)
    path = recipe_file(name)
    recipe = load_recipe(path, profile)
    warn_of_renamed(path, profile)
    budgets, replicates = recipe.ladder.budgets, recipe.experiment.replicates
    if budget is None:
        return Run(recipe.name, profile, recipe, budgets, replicates)
    if budget not in budgets:
        raise RecipeError(f"RUN={run}: budget {budget} is not in the recipe's ladder; budgets: {listed(budgets)}")
    suffix = f"-r{budget}" + (f"-s{replicate}" if replicate is not None else "")
    chosen = replicates[0] if replicate is None else replicate
    return Run(recipe.name + suffix, profile, _ladder_alone(recipe), (budget,), (chosen,))


def _ladder_alone(recipe: Recipe) -> Recipe:
    """Return the recipe without its other pairs, subsets and controls."""
    experiment = dataclasses.replace(
        recipe.experiment,
        subsets=None,
        scaled_subsets=None,
        totals=None,
        controls=recipe.controls[:1],
        double_steps_at=(),
    )
    first = one_arm(dataclasses.replace(recipe, experiment=experiment), recipe.arm)
    return one_pair(first, *recipe.pair.split(">"))


def one_pair(recipe: Recipe, teacher: str, base: str) -> Recipe:
    """Return the recipe with this teacher and this base alone."""
    first, second = recipe.teachers[teacher], recipe.bases[base]
    experiment = dataclasses.replace(recipe.experiment, teachers=None, bases=None)
    alone = dataclasses.replace(recipe, teacher=first, base=second, experiment=experiment)
    return dataclasses.replace(alone, teachers={teacher: first}, bases={base: second})


def one_arm(recipe: Recipe, name: str) -> Recipe:
    """Return the recipe with this arm alone; a recipe without arms as it is."""
    if not recipe.arms:
        return recipe
    arm = recipe.arms[name]
    paired: dict[str, Any] = {"teacher": recipe.teacher, "serving": recipe.serving}
    fields: dict[str, Any] = arm._asdict() | ({} if arm.teacher else paired)
    experiment = dataclasses.replace(recipe.experiment, arms=None)
    alone = dataclasses.replace(recipe, experiment=experiment, **fields)
    if arm.teacher:  # under the name of the pair's, so that its students are compared with the first arm's
        alone = dataclasses.replace(alone, teachers=dict.fromkeys(recipe.teachers, arm.teacher))
    return dataclasses.replace(alone, arms={name: arm}, plain=recipe.arms[recipe.arm]._replace(**paired))


def with_release(run: Run, *, repo: str | None = None, version: str | None = None) -> Run:
    """Return the run with another name or version of its release.

    Raises:
        RecipeError: for a name or version that a Hub would not take.
    """
    values = {"repo": repo or run.recipe.release.repo, "version": version or run.recipe.release.version}
    options = {key: (Path(f"--{key}"), value) for key, value in values.items()}
    checked = _section(Release, Path("release"), options)
    release = dataclasses.replace(run.recipe.release, repo=checked.repo, version=checked.version)
    return dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, release=release))


def _split_run(run: str) -> tuple[str, int | None, int | None]:
    match = re.fullmatch(r"(.+?)-r(\d+)(?:-s(\d+))?", run)
    if run in known_recipes() or match is None:
        return run, None, None
    return match[1], int(match[2]), int(match[3]) if match[3] else None


def load_recipe(path: Path, profile: str = NANO) -> Recipe:
    """Read and validate a recipe file, with what it extends; `<name>.<profile>.yaml` is laid over its keys.

    Raises:
        RecipeError: naming the file, the key, and what is allowed.
    """
    values = read_values(path, profile)
    file, title = values.pop("title", (path, path.stem))
    if isinstance(title, dict | list):
        raise RecipeError(f"{file}: title: must be a text")
    for key, (file, _) in values.items():
        _refuse_unknown(key, str(file), ("title", "extends", *HOME))
    protocol_file = place_protocol(values)
    sections: dict[str, Any] = {cls.__name__.lower(): _section(cls, path, values) for cls in SECTIONS}
    teachers, bases = _variants(Teacher, path, values), _variants(Base, path, values)
    sections |= {"set_in": {key: file for key, (file, _) in values.items()}, "protocol_file": protocol_file}
    sections["arms"] = _arms(path, values, protocol_file)
    recipe = Recipe(name=path.stem, title=str(title), **sections, teachers=teachers, bases=bases)
    for key, holds, rule in rules(recipe):
        if not holds:
            raise RecipeError(f"{values[key][0] if key in values else path}: {key}: {rule}")
    return recipe


def _refuse_unknown(key: str, place: str, known: Collection[str]) -> None:
    if key not in known:
        close = difflib.get_close_matches(str(key), known, n=1)
        nearest = difflib.get_close_matches(str(key), known, n=CLOSEST, cutoff=0)
        hint = f"did you mean {close[0]}?" if close else f"the closest are {listed(nearest)}; {ALL_KEYS}"
        raise RecipeError(f"{place}: {key}: unknown key; {hint}")


def _variants(cls: type[Part], path: Path, values: Values) -> dict[str, Part]:
    """Build the teachers or bases by name: the recipe's own, with the keys replaced that each names."""
    role = cls.__name__.lower()
    own: Part = _section(cls, path, values)
    file, overrides = values.get(f"{role}s", (path, None))
    variants: dict[str, Part] = {}
    for name, keys in (overrides or {}).items():
        place = f"{file}: {role}s: {name}"
        for key in keys:
            _refuse_unknown(key, place, cls.__dataclass_fields__)
        variants[name] = _section(cls, path, values | {key: (Path(place), value) for key, value in keys.items()})
    return variants or {getattr(own, role): own}


def _arms(path: Path, values: Values, protocol_file: Path | None) -> dict[str, Arm]:
    """Build the arms by name: the recipe's own sections, with the keys replaced that each names."""
    file, overrides = values.get("arms", (path, None))
    arms: dict[str, Arm] = {}
    for name, keys in (overrides or {}).items():
        place = f"{file}: arms: {name}"
        for key in keys:
            _refuse_unknown(key, place, ARM_KEYS)
        own = values | {key: (Path(place), value) for key, value in keys.items()}
        file_of_arm = place_protocol(own, folder=file.parent) if "protocol" in keys else protocol_file
        documents = place_documents(own, file.parent)
        ladder = _section(Ladder, path, own if arms else own | {"match": (Path(place), None)})
        arm = Arm(_section(Sampling, path, own), _section(Student, path, own), ladder, file_of_arm, documents)
        if not OF_TEACHER.isdisjoint(keys):
            teacher, serving = _section(Teacher, path, own), _section(Serving, path, own)
            arm = arm._replace(teacher=teacher, serving=serving, taught_by=_called(name, (teacher, serving), arms))
        arms[name] = arm
    return arms


def _called(arm: str, teacher: tuple[Teacher, Serving], before: dict[str, Arm]) -> str:
    """Name the teacher of an arm that has its own, by the first arm with the same one; no other name has a space."""
    return next((one.taught_by for one in before.values() if (one.teacher, one.serving) == teacher), f"of {arm}")


def _section(cls: type, path: Path, values: Values) -> Any:
    names = [f.name for f in dataclasses.fields(cls) if f.name in values]
    try:
        # JSON mode: strict about types (no "16" for 16), yet a list may fill a tuple.
        return TypeAdapter(cls).validate_json(json.dumps({name: values[name][1] for name in names}), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        if key not in values:
            raise RecipeError(f"{path}: {key}: missing; every recipe names it") from error
        file, value = values[key]
        raise RecipeError(f"{file}: {key}: {first['msg'].lower()}, not {_short(value)}") from error


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:397]}..."
