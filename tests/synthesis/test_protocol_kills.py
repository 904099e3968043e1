"""kill -9 in the middle of a protocol: no step that was written is asked for again, and the end is the same."""

import random

import pytest

from tests.fakes.tgi import Limits, Settings, Tgi, in_thread, stats
from tests.synthesis.killing import finish, kill_after_a_request, start
from toolkit.protocols import load_protocol
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.synthesis.journal import Journal, read_journal
from toolkit.synthesis.sampler import sample
from toolkit.teachers.backends.endpoint import EndpointTeacher

CONCURRENCY, INDICES = 16, 60
QUESTIONS = [f"What is {n} + 1?" for n in range(10)]
DRAWS = [(question, question, index) for index in range(INDICES) for question in QUESTIONS]
CLIENT = """
import sys
from pathlib import Path
from tests.synthesis.test_protocol_kills import fill
fill(Path(sys.argv[1]), sys.argv[2])
"""


def answer(prompt, seed):
    """Every third review is satisfied, and every fifth cannot be read."""
    if "You review a solution" not in prompt:
        return f"draft {seed % 1009} \\boxed{{{seed % 101}}}"
    if seed % 5 == 0:
        return "I cannot say."
    verdict = "Every step is right." if seed % 3 == 0 else "The last step is wrong."
    return f"{verdict}\nSolution:\nrewrite {seed % 1009} \\boxed{{{seed % 101}}}"


def fill(path, url):
    served = Serving(urls=(url,), concurrency=CONCURRENCY)
    teacher = EndpointTeacher(Teacher(teacher="org/teacher"), served, Sampling(max_tokens=64))
    protocol = load_protocol("self_refine", "{{ question }}")
    with Journal(path) as journal:
        sample(journal, DRAWS, teacher, protocol, sampling_seed=1, report=lambda tally: None)


def serving(latency):
    return in_thread(Tgi(Limits(), Settings(latency=latency), answer).handle)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The rows of a run that nobody killed."""
    path = tmp_path_factory.mktemp("undisturbed") / "rows.jsonl"
    with serving(0.0) as url:
        finish(start(CLIENT, path, url))
    return sorted(read_journal(path))


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_protocol_goes_on_where_it_was(tmp_path, undisturbed, kills):
    chance, path, repeats = random.Random(kills), tmp_path / "rows.jsonl", 0
    with serving(0.02) as url:
        for _ in range(kills):
            before = stats(url)
            kill_after_a_request(start(CLIENT, path, url), url, before["requests"], chance.random() * 0.15)
            with Journal(path) as journal:  # opening refuses a step or a response that is there twice
                completions = sum(usage.samples for usage in journal.ledger.values())
            after = stats(url)
            assert 0 <= after["pairs_answered"] - completions <= CONCURRENCY
            assert after["repeats"] - before["repeats"] <= CONCURRENCY  # what was in flight when it was killed
            repeats += after["repeats"] - before["repeats"]
        assert completions < sum(row.is_completion for row in undisturbed), "the last kill came after the end"
        finish(start(CLIENT, path, url))
        seen = stats(url)
    assert sorted(read_journal(path)) == undisturbed
    assert seen["pairs_asked"] == sum(row.is_completion for row in undisturbed)
    assert seen["repeats"] <= repeats + CONCURRENCY
