"""Drills of the physics base: right, in right units, of the train split, and no questions of the pool."""

import random
import re
from itertools import islice

import pytest

from tests.domains.test_physics import quantity
from toolkit.corpora.decontamination import find_leaks
from toolkit.domains.formulas import WORDS, draw_numbers, follow, open_paths
from toolkit.domains.physics import DRILLS, FAMILIES, drill
from toolkit.domains.stream import split_of
from toolkit.nano.training_texts import base_texts
from toolkit.nano.vocabulary import ASSISTANT, USER
from toolkit.verification.steps import wrong_step

# The units of what a drill states, each before its letter.
STATED = {
    "stretches": "s:n s:t m/s:u m/s:v", "start": "m:b s:t m/s:v", "slowing": "m/s^2:a s:t m/s:u",
    "friction": "m/s^2:a N:f kg:m", "net": "N:F N:f kg:m", "push": "N:F kg:m s:t", "loss": "N:F J:q m:s",
    "shared": "J:E 1:n s:t", "series": "A:I ohm:r ohm:s", "charge": "C:Q ohm:R s:t", "pump": "kPa:p kPa:q L:v",
    "ripples": "1:n s:t m:w", "tanks": "kJ/kg:c kg:m kg:n", "cooling": "°C:b K/s:k s:t", "slide": "cm:h 1:k cm:x",
}  # fmt: skip


def test_every_drill_is_right_to_the_last_step_and_of_the_train_split() -> None:
    random_ = random.Random(0)
    for _ in range(2000):
        question, answer = drill(random_)
        assert not wrong_step(answer, answer.split("\\boxed{")[1].rstrip("}")), answer
        assert split_of(tuple(map(int, re.findall(r"\d+", question)))) == "train"


@pytest.mark.parametrize("name", DRILLS)
def test_units_of_every_step_follow_from_those_stated(name: str) -> None:
    family, units = DRILLS[name], {entry.split(":")[1]: entry.split(":")[0] for entry in STATED[name].split()}
    given = draw_numbers(family, random.Random(0))
    assert set(given) == set(units)
    for path in family.paths:
        known = {letter: quantity(value, units[letter]) for letter, value in given.items()}
        for step in path:
            result = eval(step.expression, {}, known)  # noqa: S307
            expected = quantity(follow(path, given)[step.symbol], step.unit)
            assert result.check(expected.dimensionality), step
            assert result.to(expected.units).magnitude == pytest.approx(expected.magnitude), step
            known[step.symbol] = expected


@pytest.mark.parametrize("name", DRILLS)
def test_all_paths_of_a_drill_are_open_and_agree(name: str) -> None:
    for seed in range(200):
        given = draw_numbers(DRILLS[name], random.Random(seed))
        paths = open_paths(DRILLS[name], given)
        assert paths[0] == DRILLS[name].paths[0]
        assert len({follow(path, given)[path[-1].symbol] for path in paths}) == 1


def test_a_drill_is_no_question_of_the_pool_even_with_the_same_numbers() -> None:
    words = {slot: choices[0] for slot, choices in WORDS.items()}

    def worded(wording: str, letters: tuple[str, ...]) -> str:
        return wording.format(**words, **{letter: 11 + place for place, letter in enumerate(letters)})

    questions = {name: worded(family.wordings[0], family.stated) for name, family in FAMILIES.items()}
    drills = [worded(drill.wordings[0], drill.stated) for drill in DRILLS.values()]
    assert find_leaks(questions, drills, procedural=True) == []
    assert {leak.held_out_id for leak in find_leaks(questions, questions.values(), procedural=True)} == set(questions)


def test_a_quarter_of_what_the_base_reads_are_drills() -> None:
    texts = list(islice(base_texts(0, domain="physics"), 4000, 8000))
    drills = [text for text in texts if text.startswith(USER) and f"{ASSISTANT}\\boxed" not in text]
    assert 0.22 < len(drills) / len(texts) < 0.28
