"""OpenMathInstruct-2's augmentation: one call per new question, in two styles, that take the seeds in turn."""

import pytest

from tests.protocols.scripted import call, seeds_of
from toolkit.protocols import load_question_protocol
from toolkit.protocols.options import OptionError

SEEDS = seeds_of("What is 1 + 1?", "What is 2 + 2?")


def loaded(**options):
    return load_question_protocol("question_augmentation", "{{ question }}", options)


@pytest.mark.parametrize("style", ["inspired", "similar"])
def test_one_call_reads_pairs_and_its_seed(tmp_path, style):
    made = call(tmp_path / "rows", loaded(style=style), SEEDS, ["<question>What is X − x?</question>"], index=5)
    assert made.questions == [("What is X − x?", ("s1",), "", style, "")] and made.steps == [(style, ())]
    assert "Problem: What is 2 + 2?\n" in made.read[0] and made.read[0].count("</question>") == 3


def test_the_styles_ask_for_different_things():
    assert (
        loaded().steps.keys() == {"inspired"}
        and "another way" in loaded().steps["inspired"](question="Q")[0]["content"]
    )
    with pytest.raises(OptionError, match="style: input should be 'inspired' or 'similar', not 'same'"):
        loaded(style="same")


@pytest.mark.parametrize("text", ["What is 3 + 3?", "<question>", "<question>A?</question> or <question>B?</question>"])
def test_garbage_is_dropped_with_its_reason(tmp_path, text):
    assert call(tmp_path / "rows", loaded(), SEEDS, [text]).questions == [(text, ("s0",), "unreadable", "inspired", "")]
