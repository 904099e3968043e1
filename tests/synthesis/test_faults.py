"""The engine and the endpoint teacher against a real server: faults, kills, and what the server's own counters say."""

import random
import subprocess
import sys

import pytest

from tests.fakes.tgi import change, stats, tgi
from tests.synthesis.echo import fill, rung
from tests.synthesis.killing import kill_after_a_request
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.synthesis.journal import Journal, read_journal
from toolkit.teachers.backends.endpoint import EndpointTeacher
from toolkit.teachers.completion import TeacherError

QUESTIONS = [f"What is {n} + 1?" for n in range(10)]

CLIENT = """
import sys
from pathlib import Path
from tests.synthesis.echo import rung
from tests.synthesis.test_faults import QUESTIONS, endpoint
from toolkit.synthesis.journal import Journal
from toolkit.synthesis.sampler import sample
path, url, count, concurrency, timeout = sys.argv[1:]
teacher = endpoint(url, concurrency=int(concurrency), timeout=float(timeout))
with Journal(Path(path)) as journal:
    sample(journal, rung(QUESTIONS, 0, int(count) // 10), teacher, sampling_seed=1, report=lambda tally: None)
"""


def endpoint(url, **serving):
    return EndpointTeacher(Teacher(teacher="org/teacher"), Serving(urls=(url,), **serving), Sampling(max_tokens=64))


def start(path, url, count, concurrency, timeout=60):
    command = [sys.executable, "-c", CLIENT, str(path), url, str(count), str(concurrency), str(timeout)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def finish(process):
    _, errors = process.communicate()
    assert process.returncode == 0, errors


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_a_kill_loses_nothing_and_sends_again_at_most_what_was_in_flight(tmp_path, kills):
    concurrency, count = 16, 600 * kills  # a life takes at most 0.35 s: no more rows than that
    chance = random.Random(kills)
    path = tmp_path / "rows.jsonl"
    with tgi(latency=0.01) as url:
        for _ in range(kills):
            before = stats(url)
            client = start(path, url, count, concurrency)
            kill_after_a_request(client, url, before["requests"], chance.random() * 0.3)
            with Journal(path) as journal:  # opening refuses a row that is there twice
                held = sum(1 for _ in journal)
            after = stats(url)
            assert after["repeats"] - before["repeats"] <= concurrency
            assert 0 <= after["pairs_answered"] - held <= concurrency
        assert held < count, "the last kill came after the end"
        finish(start(path, url, count, concurrency))
        seen = stats(url)
    rows = [(row.question_id, row.index) for row in read_journal(path)]
    assert sorted(rows) == sorted((question, index) for question, _, index in rung(QUESTIONS, 0, count // 10))
    assert seen["pairs_asked"] == count and seen["repeats"] <= kills * concurrency


@pytest.mark.parametrize(
    ("count", "timeout"), [(400, 0.3), pytest.param(20_000, 2.0, marks=pytest.mark.slow)], ids=["400", "20000"]
)
def test_every_fault_ends_in_a_response_or_a_recorded_reason(tmp_path, count, timeout):
    path = tmp_path / "rows.jsonl"
    with tgi(refuse_every=7, fail=0.05, hang=0.02, garbage=0.02, latency=0.01, permits=64) as url:
        finish(start(path, url, count, 64, timeout))
        seen = stats(url)
    rows = list(read_journal(path))
    assert sorted((row.question_id, row.index) for row in rows) == sorted(
        (question, index) for question, _, index in rung(QUESTIONS, 0, count // 10)
    )
    errors = [row.error for row in rows if row.finish_reason == "error"]
    assert all(error.startswith(("malformed body: ", "gave up after 8 attempts: ")) for error in errors)
    assert not any(error.startswith("malformed") for error in errors) and seen["statuses"]["garbage"]
    assert all(row.text and not row.error for row in rows if row.finish_reason == "stop")
    assert seen["statuses"]["429"] >= seen["requests"] // 7 and seen["statuses"]["hang"] and seen["statuses"]["500"]


def test_more_workers_than_the_server_takes_bring_everything(tmp_path):
    with tgi(permits=8, latency=0.01) as url:
        tally, _ = fill(tmp_path / "rows", rung(QUESTIONS, 0, 30), endpoint(url, concurrency=64))
        seen = stats(url)
    assert tally.sampled == 300 and not tally.errors
    assert seen["most_running"] <= 8 and seen["repeats"] == 0
    assert {row.model for row in read_journal(tmp_path / "rows")} == {f"org/teacher@{'0123456789abcdef' * 2}01234567"}


def test_a_token_that_expires_ends_the_run_and_keeps_what_came(tmp_path):
    with tgi(latency=0.01) as url, pytest.raises(TeacherError, match="401"):

        def expire(responses):
            change(url, status=401)
            return 0

        fill(tmp_path / "rows", rung(QUESTIONS, 0, 10_000), endpoint(url, concurrency=16), judge=expire)
    held = len(list(read_journal(tmp_path / "rows")))
    assert 0 < held < 100_000


def test_a_server_that_refuses_every_request_for_good_leaves_no_row(tmp_path):
    with tgi(latency=0.001) as url:
        teacher = EndpointTeacher(
            Teacher(teacher="org/teacher"), Serving(urls=(url,), concurrency=4), Sampling(max_tokens=4090)
        )
        with pytest.raises(TeacherError, match=r"none of the first 32 requests; the first: 422: .*max_new_tokens"):
            fill(tmp_path / "rows", rung(["word " * 10], 0, 100), teacher)
    assert list(read_journal(tmp_path / "rows")) == []


FULL = """
import resource, sys
from pathlib import Path
from tests.synthesis.echo import Echo, fill, rung
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))  # a disk of 5,000 bytes
fill(Path(sys.argv[1]), rung(["a", "b"], 0, 1000), Echo())
"""


def test_a_full_disk_ends_the_run_and_keeps_what_was_written(tmp_path):
    ran = subprocess.run([sys.executable, "-c", FULL, tmp_path / "rows"], stderr=subprocess.PIPE, text=True)
    assert ran.returncode == 1 and ran.stderr.strip().endswith("OSError: [Errno 27] File too large")
    rows = list(read_journal(tmp_path / "rows"))
    assert len(rows) > 10 and (tmp_path / "rows").stat().st_size > 4_500
    with Journal(tmp_path / "rows") as journal:
        assert journal.responses == len(rows)
