"""What a run is: a flat YAML recipe, validated before any work, and the RUN name that selects a part of it.

A recipe file holds the fields of the small dataclasses of `toolkit.settings`, all at one level; every name belongs to
one dataclass. A RUN is `<recipe>`, `<recipe>-r<budget>` or `<recipe>-r<budget>-s<seed>`.
"""

import dataclasses
import difflib
import itertools
import json
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from toolkit.settings import (
    HOME,
    SECTIONS,
    Base,
    Evaluation,
    Ladder,
    Law,
    Pool,
    Release,
    Replicates,
    Sampling,
    Serving,
    Student,
    Teacher,
    Verification,
)


class RecipeError(ValueError):
    """A recipe or RUN that cannot be run; the message names the file, the key and what is allowed."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One experiment: its name, its title, and a section per stage."""

    name: str
    title: str
    pool: Pool
    teacher: Teacher
    serving: Serving
    base: Base
    sampling: Sampling
    verification: Verification
    ladder: Ladder
    student: Student
    replicates: Replicates
    evaluation: Evaluation
    law: Law
    release: Release


@dataclasses.dataclass(frozen=True)
class Run:
    """The part of a recipe that a RUN name selects: all budgets and train seeds, one budget, or one budget and seed."""

    name: str
    profile: str
    recipe: Recipe
    budgets: tuple[int, ...]
    train_seeds: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether the RUN is the whole ladder, so that a law is fitted."""
        return self.budgets == self.recipe.ladder.budgets


class _Loader(yaml.SafeLoader):
    """YAML 1.2's floats (`6e-3` is a number), and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        if twice:
            raise RecipeError(f"{node.start_mark.name}: {twice[0]}: written twice; keep one")
        return super().construct_mapping(node, deep)


# YAML 1.2's floats with an exponent, as PyYAML takes them: tag, form, first characters.
FLOATS = "tag:yaml.org,2002:float", re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
_Loader.add_implicit_resolver(*FLOATS)


def recipe_folders() -> list[Path]:
    """Where recipes are looked for: `recipes/` of the working directory, then the toolkit's own."""
    folders = [Path("recipes").resolve(), Path(__file__).resolve().parents[1] / "recipes"]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def known_recipes() -> dict[str, Path]:
    """Name -> file of every recipe that can be named; profiles other than `nano` (`math.paper.yaml`) are not names."""
    files = [path for folder in reversed(recipe_folders()) for path in sorted(folder.glob("*.yaml"))]
    return {path.stem: path for path in files if "." not in path.stem}


def load_run(run: str, profile: str = "nano") -> Run:
    """The run that a name (`math`, `math-r16`, `math-r16-s1`) or a recipe file's path stands for.

    Raises:
        RecipeError: for an unknown name, a budget outside the ladder, or a recipe that does not validate.
    """
    name, budget, seed = _split_run(run)
    recipe = load_recipe(recipe_file(name), profile)
    budgets, seeds = recipe.ladder.budgets, recipe.replicates.train_seeds
    if budget is None:
        return Run(recipe.name, profile, recipe, budgets, seeds)
    if budget not in budgets:
        raise RecipeError(f"RUN={run}: budget {budget} is not in the recipe's ladder; budgets: {_listed(budgets)}")
    suffix = f"-r{budget}" + (f"-s{seed}" if seed is not None else "")
    return Run(recipe.name + suffix, profile, recipe, (budget,), (seeds[0] if seed is None else seed,))


def with_release(run: Run, *, repo: str | None = None, version: str | None = None) -> Run:
    """The run with another name or version of its release.

    Raises:
        RecipeError: for a name or version that a Hub would not take.
    """
    values = {"repo": repo or run.recipe.release.repo, "version": version or run.recipe.release.version}
    given = {key: (Path(f"--{key}"), value) for key, value in values.items()}
    checked = _section(Release, Path("release"), given)
    release = dataclasses.replace(run.recipe.release, repo=checked.repo, version=checked.version)
    return dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, release=release))


def _split_run(run: str) -> tuple[str, int | None, int | None]:
    match = re.fullmatch(r"(.+?)-r(\d+)(?:-s(\d+))?", run)
    if run in known_recipes() or match is None:
        return run, None, None
    return match[1], int(match[2]), int(match[3]) if match[3] else None


def recipe_file(name: str) -> Path:
    known = known_recipes()
    if name in known:
        return known[name]
    if name.endswith((".yaml", ".yml")):
        if Path(name).is_file():
            return Path(name)
        raise RecipeError(f"no recipe file {name}")
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise RecipeError(
        f"no recipe called {name!r}{hint} Known: {_listed(sorted(known))}. "
        "A RUN is <recipe>, <recipe>-r<budget> or <recipe>-r<budget>-s<train seed>."
    )


def load_recipe(path: Path, profile: str = "nano") -> Recipe:
    """Read and validate a recipe file; a profile other than `nano` overlays the keys of `<name>.<profile>.yaml`.

    Raises:
        RecipeError: naming the file, the key, and what is allowed.
    """
    values = {key: (path, value) for key, value in _read(path).items()}
    if profile != "nano":
        overlay = path.with_name(f"{path.stem}.{profile}.yaml")
        if not overlay.is_file():
            profiles = ["nano", *sorted(p.stem.split(".")[1] for p in path.parent.glob(f"{path.stem}.*.yaml"))]
            raise RecipeError(f"{path.stem} has no profile {profile!r}; it has: {_listed(profiles)}")
        values |= {key: (overlay, value) for key, value in _read(overlay).items()}
    _, title = values.pop("title", (path, path.stem))
    for key, (file, _) in values.items():
        if key not in HOME:
            close = difflib.get_close_matches(str(key), HOME, n=1)
            hint = f"did you mean {close[0]}?" if close else f"allowed: title, {_listed(HOME)}"
            raise RecipeError(f"{file}: {key}: unknown key; {hint}")
    sections = {cls.__name__.lower(): _section(cls, path, values) for cls in SECTIONS}
    recipe = Recipe(name=path.stem, title=str(title), **sections)
    _check(recipe, path)
    return recipe


def _read(path: Path) -> dict[str, Any]:
    loader = _Loader(path.read_text(encoding="utf-8"))
    loader.name = str(path)
    try:
        data = loader.get_single_data()
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: not YAML: {error}") from error
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a list of `key: value` lines")
    return data


def _section(cls: type, path: Path, values: dict[str, tuple[Path, Any]]) -> Any:
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
        raise RecipeError(f"{file}: {key}: {first['msg'].lower()}, not {value!r}") from error
    except TypeError as error:  # a YAML value that is no JSON, such as a date
        raise RecipeError(f"{path}: {error}") from error


def _check(recipe: Recipe, path: Path) -> None:
    """What no single field can tell."""
    for key, holds, rule in [*_ladder_rules(recipe), *_teacher_rules(recipe), *_law_rules(recipe)]:
        if not holds:
            raise RecipeError(f"{path}: {key}: {rule}")


Rules = list[tuple[str, bool, str]]  # key, whether it holds, what must hold


def _ladder_rules(recipe: Recipe) -> Rules:
    ladder, sizes, seeds = recipe.ladder, recipe.pool.pool_sizes, recipe.replicates.train_seeds
    adaptive = ladder.counting == "adaptive"
    return [
        ("budgets", _grows(ladder.budgets), f"must grow from rung to rung, not {_listed(ladder.budgets)}"),
        ("budgets", not adaptive or len(ladder.budgets) == 1, "counting adaptive takes one budget, its cap on draws"),
        ("pool_sizes", _grows(sizes), f"must grow: nested subsets, not {_listed(sizes)}"),
        ("ladder_questions", ladder.ladder_questions in sizes, f"must be one of pool_sizes ({_listed(sizes)})"),
        (
            "max_draws",
            ladder.counting != "accepted" or ladder.max_draws >= max(ladder.budgets, default=0),
            f"must reach the largest budget ({max(ladder.budgets, default=0)}): a question may be drawn that often",
        ),
        ("train_seeds", len(set(seeds)) == len(seeds) > 0, "must be distinct, and at least one"),
        (
            "eval_samples",
            recipe.evaluation.eval_samples == 1 or recipe.evaluation.eval_temperature > 0,
            "above 1 needs eval_temperature above 0: greedy answers are all the same",
        ),
    ]


def _teacher_rules(recipe: Recipe) -> Rules:
    teacher, serving, sampling = recipe.teacher, recipe.serving, recipe.sampling
    named = [key for key in ("urls", "server", "provider") if getattr(serving, key)]
    by_name = not Path(teacher.teacher).is_dir() and teacher.teacher != "nano"
    return [
        (
            named[-1] if named else "urls",
            len(named) < 2,
            f"{' and '.join(named)}: name one, the teacher is asked there",
        ),
        (
            "teacher_revision",
            bool(teacher.teacher_revision) or not (named and by_name),
            "missing; an endpoint's teacher is known by its name and revision (a commit, or `main` if it may move)",
        ),
        ("instance", serving.server != "endpoint" or bool(serving.instance), "missing: vendor/region/type/size"),
        (
            "response_pattern",
            _one_group(recipe.verification.response_pattern),
            "must be a regular expression with one group",
        ),
        ("prompt", "question" in sampling.prompt, "must have {{ question }} in it"),
        ("stop", all(sampling.stop), "an empty text would end every response at once"),
    ]


def _law_rules(recipe: Recipe) -> Rules:
    ladder, law = recipe.ladder, recipe.law
    fitted = sum(rung <= (law.fit_max or 0) for rung in ladder.budgets)
    few = f"a law needs at least 4 budgets up to fit_max; of {_listed(ladder.budgets)} it may use too few"
    return [
        (
            "held_out",
            law.held_out is None or ladder.counting != "adaptive",
            "must be null where counting is adaptive: such a corpus is an arm of its own and no rung of a ladder",
        ),
        ("held_out", law.held_out is None or law.held_out in ladder.budgets, "must be one of the budgets, or null"),
        (
            "fit_max",
            law.fit_max is None or law.held_out is None or law.fit_max < law.held_out,
            f"must be below held_out ({law.held_out})",
        ),
        ("fit_max", law.held_out is None or fitted >= 4, few),
    ]


def _one_group(pattern: str | None) -> bool:
    try:
        return pattern is None or re.compile(pattern).groups == 1
    except re.error:
        return False


def _grows(values: tuple[int, ...]) -> bool:
    return bool(values) and all(a < b for a, b in itertools.pairwise(values))


def _listed(values: Any) -> str:
    return ", ".join(str(value) for value in values)
