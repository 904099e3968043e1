"""kill -9 in the middle of a synthesis: no step that was written is asked for again, and the questions are the same."""

import random

import pytest

from tests.fakes.tgi import Limits, Settings, Tgi, in_thread, stats
from tests.synthesis.killing import finish, kill_after_a_request, start
from toolkit.protocols import load_question_protocol
from toolkit.protocols.contract import Question
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.synthesis.journal import Journal, read_journal
from toolkit.synthesis.questions import synthesise_questions
from toolkit.teachers.backends.endpoint import EndpointTeacher

CONCURRENCY, WANTED = 16, 300
SEEDS = [Question(f"s{n}", f"What is {n} + 1?") for n in range(CONCURRENCY)]
CLIENT = """
import sys
from pathlib import Path
from tests.synthesis.test_question_kills import fill
fill(Path(sys.argv[1]), sys.argv[2])
"""


def answer(prompt, seed):
    """Every third evolution is judged equal, every seventh cannot be read, others are held out or there already."""
    if "Compare two questions" in prompt:
        return f"Verdict: {'equal' if seed % 3 == 0 else 'different'}"
    if "You turn one question" not in prompt:
        return f"It is \\boxed{{{seed % 101}}}."
    number = "held out" if seed % 11 == 0 else str(seed % 1009)
    return f"<question>What is {number} times 3?" + "</question>" * (seed % 7 > 0)


def fill(path, url):
    served = Serving(urls=(url,), concurrency=CONCURRENCY)
    teacher = EndpointTeacher(Teacher(teacher="org/teacher"), served, Sampling(max_tokens=64))
    protocol = load_question_protocol("evol_instruct", "{{ question }}")
    options = {"wanted": WANTED, "held_out": lambda text: "held out" in text, "sampling_seed": 1}
    with Journal(path) as journal:
        return synthesise_questions(journal, SEEDS, teacher, protocol, **options, report=lambda tally: None)


def serving(latency):
    return in_thread(Tgi(Limits(), Settings(latency=latency), answer).handle)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The journal of a run that nobody killed, and what it came to."""
    path = tmp_path_factory.mktemp("undisturbed") / "rows.jsonl"
    with serving(0.0) as url:
        made = fill(path, url)
    assert {row.reason for row in made.dropped} >= {"equal", "unreadable", "held out", "duplicate"}
    return sorted(read_journal(path)), made


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_synthesis_goes_on_where_it_was(tmp_path, undisturbed, kills):
    chance, path, repeats = random.Random(kills), tmp_path / "rows.jsonl", 0
    rows, made = undisturbed
    with serving(0.02) as url:
        for _ in range(kills):
            before = stats(url)
            kill_after_a_request(start(CLIENT, path, url), url, before["requests"], chance.random() * 0.15)
            with Journal(path) as journal:  # opening refuses a step or a call that is there twice
                completions = sum(usage.samples for usage in journal.ledger.values())
            after = stats(url)
            assert 0 <= after["pairs_answered"] - completions <= CONCURRENCY
            assert after["repeats"] - before["repeats"] <= CONCURRENCY  # what was in flight when it was killed
            repeats += after["repeats"] - before["repeats"]
        assert completions < sum(row.is_completion for row in rows), "the last kill came after the end"
        finish(start(CLIENT, path, url))
        seen = stats(url)
        assert fill(path, url) == made and stats(url)["requests"] == seen["requests"]
    assert sorted(read_journal(path)) == rows
    assert seen["pairs_asked"] == sum(row.is_completion for row in rows)
    assert seen["repeats"] <= repeats + CONCURRENCY
