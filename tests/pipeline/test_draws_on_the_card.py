"""A release holds one draw of a source; its card says which others the experiment has."""

import io

import pytest

from tests.pipeline.conftest import recipe_with
from toolkit.pipeline.context import Context
from toolkit.pipeline.plan import contexts_of_sources
from toolkit.pipeline.stages.release import other_draws
from toolkit.progress import Progress
from toolkit.recipe.load import load_run

HEAD = "One of {} draws that the experiment's students were trained on; not published: "


def first(tmp_path, suffix="", **fields):
    """The job of an experiment's first source."""
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(recipe_with(**fields))
    run = load_run(f"{recipe}{suffix}")
    return contexts_of_sources(Context(run, None, None, Progress(io.StringIO())))[0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"replicates": "[0]"}, ""),
        ({}, f"{HEAD.format(2)}sampling seed 1."),
        (
            {"replicates": "[2, 0, 1]", "sampling_seed": "7"},
            f"{HEAD.format(3)}sampling seeds 7 and 8.",
        ),
        (
            {"replicates": "[0, 1]", "teachers": "{large: {}, small: {teacher_seed: 1}}"},
            f"{HEAD.format(4)}sampling seed 1 of the teacher large, and sampling seeds 0 and 1 of the teacher small.",
        ),
    ],
)
def test_the_draws_that_are_not_published_are_told_with_their_seeds(tmp_path, fields, said):
    assert other_draws(first(tmp_path, **fields)) == said


def test_another_order_of_the_questions_is_told(tmp_path):
    told = other_draws(first(tmp_path, replicates="[0, 1]", reorder="true"))
    assert told.endswith("sampling seed 1, each over another order of the questions.")


def test_a_run_of_one_replicate_draws_no_more(tmp_path):
    assert other_draws(first(tmp_path, "-r3-s1")) == ""


def test_the_card_of_a_run_has_the_sentence(chain):
    card = (chain.workspace / "runs" / "tiny" / "release" / "README.md").read_text()
    assert "- **Draws**: One of 2 draws that the experiment's students were trained on" in card
