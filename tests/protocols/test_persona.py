"""Persona Hub: the trace of calls, the marker, and personas that are one."""

import pytest

from tests.protocols.scripted import call, seeds_of
from toolkit.protocols import load_question_protocol, persona

SEEDS = seeds_of("What is 1 + 1?", "What is 2 + 2?")
BAKER = "A baker who\n weighs flour."


def loaded(**options):
    return load_question_protocol("persona", "{{ question }}", options)


def test_a_persona_comes_from_the_seed_and_the_problem_from_the_persona(tmp_path):
    made = call(tmp_path / "rows", loaded(), SEEDS, [BAKER, "Problem: How much flour in ½ kg?"], index=3)
    (question,) = made.questions
    assert question == ("How much flour in ½ kg?", ("s1",), "", "A baker who weighs flour.", "")
    assert made.steps == [("persona", ()), ("problem", ("persona:0",))]
    first, second = made.read
    assert "What is 2 + 2?" in first and any(f"likely to {relation} it" in first for relation in persona.RELATIONS)
    assert "A baker who weighs flour." in second and "What is 2 + 2?" in second and 'Begin with "Problem:"' in second


@pytest.mark.parametrize(
    ("texts", "cut", "kept"),
    [
        ([BAKER, "How much?"], (), ("How much?", "no marker")),
        ([BAKER, "Sure. Problem: How much?"], (), ("Sure. Problem: How much?", "no marker")),
        ([BAKER, "Problem: How"], ("Problem: How",), ("Problem: How", "cut")),
        ([" "], (), ("", "no persona")),
        ([BAKER], (BAKER,), ("A baker who weighs flour.", "no persona")),
    ],
)
def test_what_cannot_be_read_has_its_reason(tmp_path, texts, cut, kept):
    made = call(tmp_path / "rows", loaded(), SEEDS, texts, cut=cut)
    assert [(question.text, question.dropped) for question in made.questions] == [kept]
    assert len(made.read) == len(texts)


def test_each_relation_is_drawn(tmp_path):
    texts = [BAKER, "Problem: P?"]
    read = [call(tmp_path / str(index), loaded(), SEEDS, texts, index=index).read[0] for index in range(24)]
    assert all(any(f"likely to {relation} it" in text for text in read) for relation in persona.RELATIONS)


def test_personas_with_nine_tenths_of_their_words_in_common_are_one():
    ten = "one two three four five six seven eight nine ten"
    (repeated,) = loaded().note_filters.values()
    assert repeated(ten, ["a baker", ten.removesuffix(" ten")]) and not repeated("a b c", ["b c d"])
    (loose,) = loaded(persona_similarity=0.5).note_filters.values()
    assert loose("a b c", ["b c d"]) and not loose("a b c", [])
