"""Keys of everything that a run makes: those of version 0.1.0, whatever settings have come since."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic.dataclasses import dataclass

from toolkit.keys import FIRST, FIRST_NAMES, RENAMED, keyed_fields
from toolkit.pipeline.cells import cells_of, single_runs
from toolkit.pipeline.context import Context
from toolkit.pipeline.judge import judged_by
from toolkit.pipeline.recipe_file import recipe_text, released
from toolkit.pipeline.source import source_identity
from toolkit.pipeline.stages.law import rules_of
from toolkit.pipeline.stages.models import nano_options
from toolkit.pipeline.stages.pool import pool_inputs
from toolkit.pipeline.stages.scores import Scored, score_inputs
from toolkit.pipeline.stages.students import Replicate, student_inputs
from toolkit.pipeline.teacher import served_as
from toolkit.recipe import sections
from toolkit.recipe.decision_rules import DecisionRules
from toolkit.recipe.load import Run, load_run
from toolkit.workspace import Artifact, hash_of

# Of every recipe that version 0.1.0 shipped, as it hashed them. A line that changes orphans workspaces and releases.
KEYS = json.loads(Path(__file__).with_name("keys.json").read_text())
POOL = Artifact(Path("pool"), "0", {"questions.parquet": "1", "test.parquet": "2", "dev.parquet": "3"}, {})
TEACHER, BASE = (Artifact(Path(name), name, {"model": digest}, {}) for name, digest in (("t", "4"), ("b", "5")))
NAMES = [section.__name__.lower() for section in sections.SECTIONS]
PART = Artifact(Path("corpus"), "6", {"accepted": "7", "rejected": "8"}, {})
CORPUS = SimpleNamespace(accepted=lambda questions, budget: [], rejected=lambda questions, budget: [(PART, "rejected")])


def shipped(name: str) -> Run:
    recipe, _, profile = name.partition(".")
    return load_run(recipe, profile or "nano")


def keys_of(run: Run) -> dict[str, str]:
    """What every stage of a run hashes of its settings, on a pool and models that stand for any."""
    recipe, context = run.recipe, Context(run, None, None, None)  # type: ignore[arg-type]
    students, scores = [], []
    for single in single_runs(run):
        replicate = Replicate(context.part(single), POOL, TEACHER, BASE, None, CORPUS)  # type: ignore[arg-type]
        for cell in cells_of(single):
            students.append(student_inputs(replicate, cell))
            scores.append(score_inputs(Scored(replicate, BASE), cell))
        scores.append(score_inputs(Scored(replicate, TEACHER), ("teacher", "x")))
    source = released(recipe, recipe.ladder.budgets, ("teacher", "4"), False)
    inputs: dict[str, Any] = {
        "pool": pool_inputs(recipe.pool),
        "teacher": nano_options(context, "teacher"),
        "base": nano_options(context, "base"),
        "source": source_identity("6", served_as(recipe), "1", recipe.sampling),
        "verdicts": judged_by(context, POOL),
        "student": students,
        "score": scores,
        "decision": rules_of(recipe),
        "recipe.yaml": recipe_text(source, served_as(recipe)),
        "provenance": {"sampling": recipe.sampling, "verification": recipe.verification},
    }
    return {name: hash_of(value)[:16] for name, value in inputs.items()}


def later(section: Any, **values: Any) -> Any:
    """The section with a field more, as if a later version had added it with a default."""
    name = type(section).__name__
    field = f"{name.lower()}_later"
    fields = {"__annotations__": {field: int}, field: 3, "__module__": "toolkit.recipe.sections"}
    longer = dataclass(frozen=True, kw_only=True)(type(name, (type(section),), fields))
    return longer(**{field.name: getattr(section, field.name) for field in dataclasses.fields(section)}, **values)


@pytest.mark.parametrize("name", KEYS)
def test_shipped_recipes_have_the_keys_of_the_first_version(name: str) -> None:
    assert keys_of(shipped(name)) == KEYS[name]


@pytest.mark.parametrize("name", KEYS)
def test_a_setting_that_comes_with_a_default_changes_no_key(name: str) -> None:
    run = shipped(name)
    recipe = run.recipe
    longer: dict[str, Any] = {name: later(getattr(recipe, name)) for name in NAMES}
    for role in ("teachers", "bases"):
        longer[role] = {name: later(settings) for name, settings in getattr(recipe, role).items()}
    run = dataclasses.replace(run, recipe=dataclasses.replace(recipe, **longer))
    assert keys_of(run) == KEYS[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_that_differs_from_its_default_is_part_of_the_key(name: str) -> None:
    section, value = getattr(shipped("math").recipe, name), {f"{name}_later": 4}
    assert keyed_fields(later(section, **value)) == keyed_fields(section) | value


def trained(**settings: Any) -> list[dict[str, Any]]:
    """What the students of `math` are trained from, with other settings, the one of twice the steps last."""
    run = shipped("math")
    student = dataclasses.replace(run.recipe.student, **settings)
    recipe = dataclasses.replace(run.recipe, student=student)
    single = single_runs(dataclasses.replace(run, recipe=recipe, replicates=(0,)))[0]
    replicate = Replicate(Context(single, None, None, None), POOL, TEACHER, BASE, None, CORPUS)  # type: ignore[arg-type]
    return [student_inputs(replicate, cell) for cell in cells_of(single)]


def test_settings_of_pairs_are_part_of_the_keys_of_students_that_read_them() -> None:
    odd = {"preference_steps": 50, "redi_alpha": 0.5, "dpo_beta": 0.2, "negatives": ("truncated",)}
    assert trained(**odd, correction_share=0.2) == trained()
    assert trained(objective="dpo", correction_share=0.2) == trained(objective="dpo")
    (plain, *_), (*_, longer) = trained(objective="dpo"), trained(objective="redi", **odd)
    assert plain == trained()[0] | {
        "settings": trained()[0]["settings"] | {"objective": "dpo"},
        "rejected": ["8"],
        "held_out": ["2", "3"],
    }
    assert longer["settings"] == trained()[-1]["settings"] | {
        "objective": "redi",
        "preference_steps": 100,  # of 2,000 steps
        "redi_alpha": 0.5,
        "negatives": ("truncated",),
    }


def test_every_section_says_what_the_first_version_knew_of_it() -> None:
    """A section that is new has an empty line there, and later fields have defaults."""
    for cls in (*sections.SECTIONS, DecisionRules):
        fields = {FIRST_NAMES.get(field.name, field.name): field for field in dataclasses.fields(cls)}
        first = FIRST[cls.__name__].split()
        assert set(first) <= set(fields)
        cls(**{name: "math" for name in first if fields[name].default is dataclasses.MISSING})


def test_a_renamed_setting_is_hashed_under_its_first_name() -> None:
    experiment = dataclasses.replace(sections.Experiment(), double_steps_at=(8,), scaled_subsets=(64,))
    assert keyed_fields(experiment) | {"doubled": (8,), "raised": (64,)} == keyed_fields(experiment)
    assert set(RENAMED.values()) <= set(sections.HOME) and not set(RENAMED) & set(sections.HOME)
