import asyncio
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.synthesis.echo import Echo, error, fill, rung
from toolkit.synthesis import retries, writer
from toolkit.synthesis.executions import response_seed
from toolkit.synthesis.journal import Journal, JournalError, Response, read_journal
from toolkit.synthesis.sampler import sample
from toolkit.teachers.completion import Completion, TeacherError, Transient


def rows(path):
    return list(read_journal(path))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5), st.integers(1, 9))
def test_a_larger_budget_continues_the_bytes_of_a_smaller_one(tmp_path_factory, count, low, more, concurrency):
    path = tmp_path_factory.mktemp("journal") / "rows.jsonl"
    questions = [f"q{n}" for n in range(count)]
    assert fill(path, rung(questions, 0, low), Echo(concurrency=concurrency))[0].sampled == count * low
    small = path.read_bytes()
    again = Echo()
    assert fill(path, rung(questions, 0, low), again)[0].sampled == 0 and not again.asked
    assert fill(path, rung(questions, 0, low + more), Echo(concurrency=concurrency))[0].sampled == count * more
    assert path.read_bytes().startswith(small)
    whole = tmp_path_factory.mktemp("journal") / "rows.jsonl"
    fill(whole, rung(questions, 0, low + more), Echo(concurrency=concurrency))
    assert sorted(rows(whole)) == sorted(rows(path))


@given(st.integers(0, 30), st.integers(1, 8))
def test_interrupted_sampling_goes_on_and_asks_again_at_most_for_what_was_in_flight(
    tmp_path_factory, stop_after, concurrency
):
    path = tmp_path_factory.mktemp("journal") / "rows.jsonl"
    questions = ["a", "b", "c"]
    first = Echo(stop_after=stop_after, concurrency=concurrency)
    if stop_after < 24:
        with pytest.raises(KeyboardInterrupt):
            fill(path, rung(questions, 0, 8), first)
        assert not first.open
    second = Echo()
    fill(path, rung(questions, 0, 8), second)
    assert len(rows(path)) == 24
    assert (first.asked + second.asked).total() - 24 <= concurrency


@given(
    st.lists(st.sampled_from(["ok", "refused", "500", "422", "late"]), min_size=1, max_size=40),
    st.integers(1, 5),
    st.integers(1, 3),
)
def test_every_row_is_a_response_or_a_recorded_reason(tmp_path_factory, fates, concurrency, attempts):
    """Each question meets its fate until its third attempt, `500` for ever."""

    def fault(question, attempt):
        fate = fates[int(question)] if int(question) < len(fates) else "ok"
        if fate == "refused":
            return Transient("429", after=0.001, refused=True) if attempt < 3 else None
        if fate == "late":
            return Transient("timed out") if attempt < 3 else None
        return {"ok": None, "500": Transient("500"), "422": error()}[fate]

    path = tmp_path_factory.mktemp("journal") / "rows.jsonl"
    questions = [str(n) for n in range(len(fates) + 1)]
    teacher = Echo(fault, concurrency)
    tally, reports = fill(path, rung(questions, 0, 1), teacher, attempts=attempts)
    held = {row.question_id: row for row in rows(path)}
    assert held.keys() == set(questions) and len(rows(path)) == tally.sampled == tally.asked == len(questions)
    for question, fate in zip(questions, fates, strict=False):
        given_up = fate == "500" or (fate == "late" and attempts < 3)
        assert (held[question].finish_reason == "error") == (given_up or fate == "422")
        assert held[question].error.startswith("gave up after" if given_up else "422" if fate == "422" else "")
        assert held[question].model == "echo@1"
    assert tally.errors.total() == sum(row.finish_reason == "error" for row in held.values())
    assert tally.retries == teacher.asked.total() - len(questions)
    assert tally.in_flight == 0 and teacher.most_in_flight <= concurrency and reports[-1] == tally


def test_attempts_count_faults_and_not_refusals(tmp_path):
    def fault(question, attempt):
        if question == "hopeless":
            return Transient("429", refused=True) if attempt % 2 else Transient("500")
        return None

    teacher = Echo(fault)
    fill(tmp_path / "rows", rung(["fine", "hopeless"], 0, 1), teacher, attempts=3)
    (hopeless,) = (row for row in rows(tmp_path / "rows") if row.question_id == "hopeless")
    assert hopeless.error == "gave up after 3 attempts: 500" and hopeless.text == ""
    assert teacher.asked["hopeless", hopeless.seed] == 6


def test_a_server_that_asks_to_wait_is_not_asked_before(tmp_path):
    sent = []

    def fault(question, attempt):
        sent.append(time.monotonic())
        return Transient("429", after=0.2, refused=True) if attempt == 1 else None

    fill(tmp_path / "rows", rung(["a"], 0, 1), Echo(fault))
    assert sent[1] - sent[0] >= 0.2


def test_a_worker_takes_other_rows_while_one_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(retries, "PAUSE", lambda state: 0.2)
    order = []

    def fault(question, attempt):
        order.append(question)
        return Transient("500") if question == "0" and attempt == 1 else None

    questions = [str(n) for n in range(20)]
    fill(tmp_path / "rows", rung(questions, 0, 1), Echo(fault, concurrency=1))
    assert order == [*questions, "0"]


def test_waiting_requests_are_few_when_everything_fails(tmp_path):
    taken = []

    def wanted():
        for n in range(10_000):
            taken.append(n)
            yield str(n), str(n), 0

    with pytest.raises(TeacherError, match="answered none of the first 32 requests"):
        fill(tmp_path / "rows", wanted(), Echo(lambda *_: Transient("503"), concurrency=4), attempts=4)
    assert len(taken) < 60


def test_a_teacher_that_cannot_go_on_ends_the_run_after_what_came_is_written(tmp_path):
    def fault(question, attempt):
        return TeacherError("401: set HF_TOKEN") if question == "9" else None

    with pytest.raises(TeacherError, match="401: set HF_TOKEN"):
        fill(tmp_path / "rows", rung([str(n) for n in range(20)], 0, 1), Echo(fault, concurrency=1))
    assert [row.question_id for row in rows(tmp_path / "rows")] == [str(n) for n in range(9)]


@pytest.mark.parametrize("count", [3, 32, 500])
def test_nothing_but_errors_is_said_and_not_recorded(tmp_path, count):
    wanted = rung([str(n) for n in range(count)], 0, 1)
    with pytest.raises(TeacherError, match=f"none of the first {min(count, 32)} requests; the first: 422: too long"):
        fill(tmp_path / "rows", wanted, Echo(lambda *_: error()))
    assert rows(tmp_path / "rows") == []


def test_early_errors_are_recorded_once_a_response_has_come(tmp_path):
    wanted = rung([str(n) for n in range(40)], 0, 1)
    tally, _ = fill(tmp_path / "rows", wanted, Echo(lambda question, _: error() if int(question) < 20 else None))
    assert len(rows(tmp_path / "rows")) == 40 and tally.errors == {"422": 20}


def test_a_few_rows_that_cannot_be_answered_are_recorded_where_others_were(tmp_path):
    fill(tmp_path / "rows", rung(["a", "b"], 0, 1), Echo())
    tally, _ = fill(tmp_path / "rows", rung(["c"], 0, 1), Echo(lambda *_: error()))
    assert tally.errors == {"422": 1} and rows(tmp_path / "rows")[-1].error == "422: too long"


def test_a_row_that_never_came_back_is_noticed(tmp_path):
    with Journal(tmp_path / "rows") as journal:
        books = writer.Writer(journal, lambda tally: None, None, None)
        books.tally.asked = 2
        books.write(Response("a", 0, "text", "stop", 1, 1, 1))
        with pytest.raises(RuntimeError, match="2 rows were asked for and 1 came back"):
            books.end()


def test_a_row_that_is_wanted_twice_is_refused(tmp_path):
    with pytest.raises(JournalError, match="is there twice"):
        fill(tmp_path / "rows", [("a", "a", 0), ("a", "a", 0)], Echo())


def test_reports_tell_only_what_is_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "PUBLISH_SECONDS", 0)
    synced = []
    path = tmp_path / "rows"
    monkeypatch.setattr("os.fsync", lambda _: synced.append(path.read_bytes().count(b"\n")))
    reports = []

    def report(tally):
        assert tally.sampled <= max(synced, default=0)
        reports.append(tally.sampled)

    with Journal(path) as journal:
        sample(journal, rung(["a", "b", "c"], 0, 3000), Echo(), sampling_seed=1, report=report)
    assert reports == sorted(reports) and reports[-1] == 9000 and len(set(reports)) > 2


def test_acceptance_is_what_the_judge_says(tmp_path):
    def judge(responses):
        assert all(isinstance(row, Response) and row.finish_reason == "stop" for row in responses)
        return sum(row.question_id == "a" for row in responses)

    def fault(question, _):
        return error() if question == "c" else None

    tally, _ = fill(tmp_path / "rows", rung(["a", "b", "c"], 0, 20), Echo(fault), judge=judge)
    assert (tally.accepted, tally.judged) == (20, 40)


def test_a_judge_that_fails_ends_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "PUBLISH_SECONDS", 0)
    with pytest.raises(ZeroDivisionError):
        fill(tmp_path / "rows", rung(["a"], 0, 100_000), Echo(), judge=lambda rows: 1 // 0)
    assert 0 < len(rows(tmp_path / "rows")) < 100_000


class Forgetful(Echo):
    """Keeps nothing of what it was asked."""

    async def complete(self, messages, seed):
        await asyncio.sleep(0)
        return Completion("text " * 100, "stop", 1, 1, self.model)


def test_memory_does_not_grow_with_the_rows(tmp_path):
    def peak(count):
        tracemalloc.start()
        fill(tmp_path / str(count), rung(["a", "b", "c"], 0, count // 3), Forgetful(concurrency=64), judge=len)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(300)
    # 9,000 more rows are 7 MB in the file.
    assert peak(12_000) < peak(3_000) + 200_000


@given(st.integers(0, 2**32), st.text(), st.integers(0, 100))
def test_seeds_are_stable_and_differ(seed, question_id, index):
    first = response_seed(seed, question_id, index)
    assert 0 <= first < 2**63 and first == response_seed(seed, question_id, index)
    assert len({first, response_seed(seed + 1, question_id, index), response_seed(seed, question_id, index + 1)}) == 3
