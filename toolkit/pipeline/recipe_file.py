"""The recipe of a source as one flat file that names nothing of this machine: what a release carries and a pull brings.

Base, students, scores and law are no part of it: whoever continues a source chooses them.
"""

import dataclasses
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from toolkit.domains import DOMAINS
from toolkit.keys import RENAMED, keyed_fields
from toolkit.pipeline.context import StageError
from toolkit.pipeline.teacher import NANO
from toolkit.questions.pools import READERS
from toolkit.recipe.load import load_recipe
from toolkit.recipe.sections import SECTIONS, Ladder, Law, Pool, Recipe, Release, Sampling, Teacher, Verification
from toolkit.recipe.yaml_files import RESOLVERS, YamlError, read_yaml
from toolkit.workspace import canonical

CARRIED = (Pool, Teacher, Sampling, Verification, Ladder, Release)
NO_LAW = Law(fit_max=None, held_out=None)  # a few budgets need not allow one
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
FILE_NAME = re.compile(r"[^\s./\\~:][^/\\:]*")  # of one file, not hidden and in no folder
ELSEWHERE = """
# The teacher answered over HTTP. Whoever samples more says where it answers: `server`, `urls`, or {provider}.
"""


class _Writer(yaml.SafeDumper):
    """Quotes what a recipe's loader would read as a number."""


for _resolver in RESOLVERS:
    _Writer.add_implicit_resolver(*_resolver)


def released(recipe: Recipe, budgets: tuple[int, ...], teacher: tuple[str, str], hub_teacher: bool) -> Recipe:
    """Give a recipe as others can read it: files and folders by name only, a teacher of a Hub at its commit.

    Args:
        budgets: of the release.
        teacher: its name and revision, as rows name it.
        hub_teacher: whether its weights are a Hub's.
    """
    pool: dict[str, Any] = {
        key: _file_name(value) for key in ("pool", "test_pool") if (value := getattr(recipe.pool, key))
    }
    revision: dict[str, Any] = {"teacher_revision": teacher[1]} if hub_teacher else {}
    return dataclasses.replace(
        recipe,
        pool=dataclasses.replace(recipe.pool, **pool),
        teacher=dataclasses.replace(recipe.teacher, teacher=teacher[0], **revision),
        ladder=dataclasses.replace(recipe.ladder, budgets=budgets, match=None),  # nothing to match without other arms
    )


def _file_name(name: str) -> str:
    return Path(name).name if Path(name).is_file() else name


def recipe_text(recipe: Recipe, served: dict[str, Any] | None) -> str:
    """Write every field with its value, so that later defaults change nothing; see `keyed_fields` for later ones.

    Args:
        served: what of its serving changes what the teacher says (see `served_as`); None for one in this process.
            Where it answers is left out: that is no part of the source, and a URL may tell what is private.
    """
    parts = [_lines({"title": recipe.title})]
    for section in CARRIED:
        name = section.__name__
        parts.append(f"# {name}\n{_lines(keyed_fields(getattr(recipe, name.lower())))}")
    parts.append(f"# No law is fitted until these are set\n{_lines(keyed_fields(NO_LAW))}")
    provider = f"`provider: {served['provider']}`" if served and served["provider"] else "`provider`"
    return "\n".join(parts) + (ELSEWHERE.format(provider=provider) if served else "")


def arms_text(recipe: Recipe) -> str:
    """Write the arms of an experiment that has this recipe as its second one: a protocol for new questions needs two.

    Args:
        recipe: of one arm, with the `plain` one's sampling.
    """
    assert recipe.plain
    settings = ((field.name, getattr(recipe.plain.sampling, field.name)) for field in dataclasses.fields(Sampling))
    first = {name: value for name, value in settings if value != getattr(recipe.sampling, name)}
    matched = {"match": recipe.ladder.match} if recipe.ladder.match else {}
    arms = canonical({"plain" if recipe.arm != "plain" else "first": first, recipe.arm: matched})
    folder = "# `documents` names a folder beside the recipe, as the release has no documents\n" * bool(
        recipe.documents
    )
    return f"\n# The arm, beside the one that it is compared with\n{folder}{_lines({'arms': arms})}"


def under_new_names(text: str) -> str:
    """Give the text of a recipe for a user to edit: what a release writes under first names has its names of today."""
    return re.sub(rf"^({'|'.join(RENAMED)}):", lambda key: f"{RENAMED[key[1]]}:", text, flags=re.MULTILINE)


def _lines(values: dict[str, Any]) -> str:
    return "".join(f"{key}: {_inline(value)}\n" for key, value in values.items())


def _inline(value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    style = '"' if "\\n" in repr(plain) else None  # line breaks as escapes
    text = yaml.dump(
        plain, Dumper=_Writer, allow_unicode=True, width=float("inf"), default_flow_style=True, default_style=style
    )
    return text.removesuffix("...\n").strip("\n")  # no-break spaces are text


def read_strange(text: str, *, weights: bool) -> tuple[Recipe, list[str]]:
    """Read the source's part of a recipe that somebody else wrote; also returns the keys that were left out of it.

    Args:
        weights: whether the teacher's weights come along, so that its name is only a name.

    Raises:
        StageError: for no recipe, or one that names a folder or a file of this machine.
    """
    _refuse_more(text)
    with TemporaryDirectory() as folder:
        path = Path(folder, "recipe.yaml")
        path.write_text(text, encoding="utf-8")
        try:
            recipe = load_recipe(path)
        except ValueError as error:
            raise StageError(str(error).replace(f"{folder}/", "")) from error
    _refuse_places(recipe, weights)
    not_carried: list[Any] = [section for section in SECTIONS if section not in (*CARRIED, Law)]
    others = {section.__name__.lower(): section() for section in not_carried}
    left_out = [
        field.name
        for name, default in others.items()
        for field in dataclasses.fields(default)
        if getattr(getattr(recipe, name), field.name) != getattr(default, field.name)
    ]
    release = dataclasses.replace(recipe.release, repo=None)  # nothing is published before a repo is named here
    return dataclasses.replace(recipe, **others, law=NO_LAW, release=release), left_out


def _refuse_more(text: str) -> None:
    """Refuse a stranger's recipe that extends another: it would be one of this machine."""
    try:
        data = read_yaml(text)
    except YamlError as error:
        raise StageError(f"recipe.yaml: {error}") from error
    if isinstance(data, dict) and "extends" in data:
        raise StageError("recipe.yaml: extends: a release's recipe has all of its keys itself; it is no release's")


def _refuse_places(recipe: Recipe, weights: bool) -> None:
    """Refuse a place where a stranger names a pool or a model, and a name of what happens to be here."""
    pool, teacher = recipe.pool, recipe.teacher.teacher
    if recipe.protocol_file:
        raise StageError("recipe.yaml: protocol: names a file of some machine, and code never comes with data")
    if weights and teacher != NANO and not FILE_NAME.fullmatch(teacher):
        raise StageError(f"recipe.yaml: teacher: {teacher!r} is no plain name; its weights come from a model repo")
    if any(arm.documents for arm in recipe.arms.values()):
        raise StageError(
            "recipe.yaml: arms: a protocol names a folder of documents of some machine; a release has none"
        )
    names = {"pool": pool.pool, "test_pool": pool.test_pool} | ({} if weights else {"teacher": teacher})
    for key, name in names.items():
        if name is None or name in (DOMAINS if key == "pool" else ()):
            continue
        is_file = key != "teacher" and Path(name).suffix in READERS
        if not (FILE_NAME if is_file else HUB_NAME).fullmatch(name):
            raise StageError(f"recipe.yaml: {key}: {name!r} is a place of some machine; a release names none")
        if Path(name).exists():
            raise StageError(f"recipe.yaml: {key}: {name!r} lies here too, and may be another; pull in another folder")
