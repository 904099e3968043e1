"""New questions of a run: what is dropped before any answer is asked for."""

import dataclasses
from types import SimpleNamespace

import pytest

from toolkit.pipeline.stages.questions import UNREADABLE, sifting
from toolkit.recipe.load import load_run, one_arm

SEED = "Each of 2 boxes holds 2 red and 3 blue stones. How many stones are there together?"


def context_of(**served):
    recipe = one_arm(load_run("qs-math").recipe, "similar")
    changed = {name: dataclasses.replace(getattr(recipe, name), **{name: model}) for name, model in served.items()}
    return SimpleNamespace(recipe=dataclasses.replace(recipe, **changed))


@pytest.mark.parametrize("text", ["have have have of 27 pens. How many pens are there?", "Tom zorgs 2 + 3. How many?"])
def test_a_question_that_an_embedded_model_cannot_read_is_dropped(text):
    drops = sifting(context_of()).filters[UNREADABLE]
    assert drops(text, []) and not drops(SEED, [])


def test_a_real_model_reads_every_question():
    assert UNREADABLE in sifting(context_of(teacher="org/model")).filters  # its students start from an embedded base
    assert UNREADABLE not in sifting(context_of(teacher="org/model", base="org/base")).filters
