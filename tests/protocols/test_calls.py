"""Calls of question-making protocols: ids, what the journal has of a call, faults, and which loader takes which."""

import asyncio
import re

import pytest

from tests.protocols.scripted import Scripted, seeds_of
from toolkit.doors import PROTOCOLS, QUESTION_PROTOCOLS
from toolkit.prompt import user_turn
from toolkit.protocols import ProtocolError, load_protocol, load_question_protocol, prompts_digest
from toolkit.protocols.calls import call_protocol, new_id, read_questions, write_questions
from toolkit.protocols.contract import NewQuestion, QuestionProtocol
from toolkit.protocols.options import OptionError
from toolkit.recipe.files import RecipeError
from toolkit.recipe.load import load_recipe
from toolkit.synthesis.journal import Journal, read_journal
from toolkit.synthesis.sampler import sample
from toolkit.teachers.completion import TeacherError

SEEDS = seeds_of("1 + 1?", "2 + 2?")


def test_an_id_follows_from_protocol_parents_and_text_alone():
    new = NewQuestion("What is √2?", ("s0", "s1"))
    assert new_id("mine", new) == "new-d5c7c0baa2a3156d" == new_id("mine", new._replace(note="n", dropped="d"))
    others = [
        new_id("yours", new),
        new_id("mine", new._replace(parents=("s0",))),
        new_id("mine", new._replace(text="?")),
    ]
    assert len({new_id("mine", new), *others}) == 4


def test_what_a_call_brought_is_read_as_it_was_written():
    questions = [NewQuestion("π?", ("s0",), "", "persona"), NewQuestion("", (), "cut")]
    assert read_questions(write_questions(questions)) == questions
    for text in (
        "",
        "[1]",
        "{}",
        '[{"text": "a"}]',
        '[{"text": "a", "parents": [], "colour": 1}]',
        "[[]]",
        '[{"parents": 3}]',
    ):
        with pytest.raises(ValueError, match="no list of new questions"):
            read_questions(text)


async def good(ask, seeds, index):
    return [NewQuestion((await ask("write", question=seeds.given[index].text)).text, ("s0",))]


async def no_list(ask, seeds, index):
    return NewQuestion((await ask("write", question="")).text)


async def no_question(ask, seeds, index):
    return [(await ask("write", question="")).text]


async def wordless(ask, seeds, index):
    await ask("write", question="")
    return [NewQuestion(None)]


async def orphan(ask, seeds, index):
    return [NewQuestion((await ask("write", question="")).text, ("s0", "s9"))]


async def idle(ask, seeds, index):
    return []


async def impatient(ask, seeds, index):
    await asyncio.sleep(0)


async def greedy(ask, seeds, index):
    await ask("write", question="")
    await ask("write", question="")


async def broken(ask, seeds, index):
    raise KeyError(seeds.given[7])


def plain(ask, seeds, index):
    return []


def fill(path, synthesise):
    protocol = QuestionProtocol({"write": lambda *, question: user_turn(question or "?")}, synthesise, name="mine")
    with Journal(path) as journal:
        draws, calls = [("synthesis", "", 0)], call_protocol(protocol, SEEDS)
        sample(journal, draws, Scripted(lambda *_: "new?"), calls, sampling_seed=1, report=lambda _: None)
    return list(read_journal(path))


def test_a_call_is_a_row_behind_its_steps(tmp_path):
    step, call = fill(tmp_path / "rows", good)
    assert (step.step, step.final, step.question_id, step.index) == ("write", False, "synthesis", 0)
    assert (call.step, call.final, call.parents, call.is_completion) == ("", True, ("write:0",), False)
    assert read_questions(call.text) == [NewQuestion("new?", ("s0",))]


@pytest.mark.parametrize(
    ("synthesise", "message"),
    [
        (no_list, "return a list of `NewQuestion`"),
        (no_question, "return a list of `NewQuestion`"),
        (wordless, "its text, its note and why it is dropped are texts"),
        (orphan, r"names the parents \('s0', 's9'\); they are a tuple of question ids of its seeds"),
        (idle, "without asking its teacher"),
        (impatient, "a protocol awaits nothing but `ask`"),
        (greedy, "asks for the step 'write' more than 1 time"),
        (broken, "raised IndexError"),
        (plain, "its `synthesise` is no coroutine"),
    ],
)
def test_a_call_against_its_contract_fails_and_says_why(tmp_path, synthesise, message):
    try:
        said = fill(tmp_path / "rows", synthesise)[-1].error
    except TeacherError as error:  # where not even a step came
        said = str(error)
    assert re.search(f"protocol mine: question 'synthesis', index 0: .*{message}", said)


@pytest.mark.parametrize("name", QUESTION_PROTOCOLS)
def test_each_kind_has_a_loader_of_its_own(name):
    made = load_question_protocol(name, "{{ question }}", {"calls_per_round": 3})
    assert (made.name, made.calls_per_round) == (name, 3) and made.steps and prompts_digest(name)
    with pytest.raises(ProtocolError, match=rf"{name}\.py: makes new questions, where responses are wanted"):
        load_protocol(name, "{{ question }}")
    with pytest.raises(OptionError, match=r"calls_per_round: .* greater than or equal to 1, not 0"):
        load_question_protocol(name, "{{ question }}", {"calls_per_round": 0})
    with pytest.raises(ProtocolError, match=r"self_refine\.py: makes responses, where new questions are wanted"):
        load_question_protocol("self_refine", "{{ question }}")


def test_no_name_is_of_both_kinds():
    assert not PROTOCOLS.keys() & QUESTION_PROTOCOLS.keys()


def test_a_recipe_that_names_one_as_its_protocol_is_refused(tmp_path):
    (tmp_path / "own.yaml").write_text("title: T\npool: mathematics\nprotocol: persona\n")
    with pytest.raises(RecipeError, match=r"arms: protocol persona makes new questions, and is an arm beside plain"):
        load_recipe(tmp_path / "own.yaml")
