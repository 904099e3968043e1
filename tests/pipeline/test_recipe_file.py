"""A recipe written for others is read back as the same settings, whatever its texts, and names no place."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.conftest import TINY
from toolkit.pipeline.context import StageError
from toolkit.pipeline.recipe_file import CARRIED, read_strange, recipe_text, released, under_new_names
from toolkit.recipe.load import load_recipe
from toolkit.recipe.yaml_files import LARGEST

SECTIONS = [section.__name__.lower() for section in CARRIED]
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t'\"#:{}"), max_size=30)


def recipe(**sections):
    made = load_recipe(TINY)
    given = {name: dataclasses.replace(getattr(made, name), **changes) for name, changes in sections.items()}
    return dataclasses.replace(made, **given)


def same(one, other):
    return [name for name in SECTIONS if getattr(one, name) != getattr(other, name)] == []


@given(TEXTS, st.lists(TEXTS.filter(bool), max_size=2), st.floats(1e-9, 0.9))
def test_any_text_and_number_comes_back(text, stop, number):
    changes = {"prompt": f"{{% raw %}}{text}{{% endraw %}}{{{{ question }}}}", "stop": tuple(stop)}
    made = recipe(
        sampling=changes, teacher={"teacher_learning_rate": number}, release={"summary": text, "limits": (text,)}
    )
    read, left_out = read_strange(recipe_text(made, None), weights=True)
    assert same(read, made) and left_out == []


@pytest.mark.parametrize(
    "text", ["1e5", "12345678e9", "null", "yes", "1_000", "0x1f", "2026-01-01", "~", "- a", "a: b"]
)
def test_a_text_that_looks_like_something_else_stays_a_text(text):
    made = recipe(teacher={"teacher_revision": text}, release={"summary": text})
    read, _ = read_strange(recipe_text(made, None), weights=True)
    assert same(read, made)


def test_a_release_keeps_first_names_and_a_pulled_recipe_has_those_of_today():
    text = recipe_text(recipe(), None)
    assert text.endswith("\nconfirm: null\n")
    assert under_new_names(text) == text.replace("\nconfirm:", "\nconfirm_budget:")
    assert same(read_strange(under_new_names(text), weights=True)[0], read_strange(text, weights=True)[0])


def test_files_and_folders_are_named_without_their_place(tmp_path, monkeypatch):
    (tmp_path / "mine.jsonl").touch()
    made = recipe(pool={"pool": str(tmp_path / "mine.jsonl"), "test_pool": str(tmp_path / "mine.jsonl")})
    serving = dataclasses.replace(made.serving, urls=("http://secret.example:80",))
    named = released(dataclasses.replace(made, serving=serving), (1, 2), ("my-teacher", "abc"), hub_teacher=False)
    text = recipe_text(named, {"api": "chat", "quantize": None, "provider": None})
    assert str(tmp_path) not in text and "secret" not in text and "pool: mine.jsonl" in text
    assert "teacher: my-teacher" in text and "teacher_revision: null" in text and "budgets: [1, 2]" in text
    assert text.splitlines()[-1].startswith("# The teacher answered over HTTP")
    monkeypatch.chdir(tmp_path / "..")
    assert same(read_strange(text, weights=True)[0], named)


def test_a_teacher_of_a_hub_is_named_at_its_commit():
    made = recipe(teacher={"teacher": "org/teacher", "teacher_revision": "main"})
    named = released(made, (1,), ("org/teacher", "0" * 40), hub_teacher=True)
    assert named.teacher.teacher_revision == "0" * 40


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x\n", "YAML aliases"),
        ("title: x\n" + "#" * LARGEST, "longer than"),
        ("pool: [\n", "not YAML"),
        ("extends: math\npool: mathematics\n", "recipe.yaml: extends: "),
        ("pool: !!binary aGk=\n", "line 1: YAML aliases, anchors and tags"),
        ("pool: " + "[" * 5000 + "\n", "recipe.yaml: line 1: more than 16 nested lists and mappings"),
        ("pool: mathematics\nnope: 1\n", "recipe.yaml: nope: unknown key"),
        ("pool: mathematics\nbudgets: [2, 1]\n", "recipe.yaml: budgets"),
    ],
)  # fmt: skip
def test_no_recipe_of_a_release_is_refused(text, message):
    with pytest.raises(StageError, match=message):
        read_strange(text, weights=True)
