"""Outages within a rung, rows that are refused for good, errors that are asked for again, what failures cost."""

import json

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.tgi import in_thread
from tests.synthesis.echo import Echo, error, fill, rung
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.synthesis.journal import AGAIN, Journal, JournalError, Response, encode, read_journal
from toolkit.synthesis.spending import Prices
from toolkit.teachers import balance
from toolkit.teachers.backends.endpoint import EndpointTeacher
from toolkit.teachers.completion import Completion, TeacherError, Transient

QUESTIONS = [f"question {number}" for number in range(20)]
PRICES = Prices(prompt=1e6, completion=1e6, max_tokens=10)
USAGE = {"prompt_tokens": 2, "completion_tokens": 3}
GOOD = {"choices": [{"message": {"content": "\\boxed{4}"}, "finish_reason": "stop"}], "usage": USAGE}


@pytest.fixture(autouse=True)
def short_rests(monkeypatch):
    monkeypatch.setattr(balance, "FIRST_REST", 0.01)
    monkeypatch.setattr(balance, "LONGEST_REST", 0.02)


class Scripted:
    """Answers well but for what `fault(question, number)` says of request `number`: (status, body as text), or None."""

    def __init__(self, fault):
        self.fault, self.number = fault, 0

    async def handle(self, request):
        if request.method == "GET":
            return web.json_response({}, status=404)
        question = json.loads(await request.read())["messages"][0]["content"]
        self.number += 1
        fault = self.fault(question, self.number)
        if fault is None:
            return web.json_response(GOOD)
        return web.Response(status=fault[0], text=fault[1], content_type="application/json")


def teacher(url, patience=5.0, concurrency=4):
    serving = Serving(urls=(url,), concurrency=concurrency, timeout=5)
    return EndpointTeacher(Teacher(teacher="org/teacher"), serving, Sampling(max_tokens=10), patience=patience)


def rows_of(path):
    with Journal(path) as journal:
        return {(row.question_id, row.index): row for row in journal}


OUTAGES = {
    "a page": (200, "<html>Bad gateway</html>"),
    "half a body": (200, json.dumps(GOOD)[:40]),
    "an empty body": (200, ""),
    "400": (400, '{"error": {"message": "no upstream"}}'),
    "403": (403, "blocked"),
    "404": (404, "not found"),
    "an error in a 200": (200, '{"error": {"code": 502, "message": "provider down"}}'),
    "abort": (200, json.dumps(GOOD).replace('"stop"', '"abort"')),
    "insufficient_system_resource": (200, json.dumps(GOOD).replace('"stop"', '"insufficient_system_resource"')),
    "no usage": (200, json.dumps(GOOD | {"usage": None})),
}


@pytest.mark.parametrize("kind", OUTAGES)
def test_an_outage_in_the_middle_of_a_rung_leaves_no_error(tmp_path, kind):
    few = 7 if kind in ("403", "404") else 40  # for many questions these are taken for a lost right to ask
    server = Scripted(lambda question, number: OUTAGES[kind] if 100 <= number < 100 + few else None)
    with in_thread(server.handle) as url:
        tally, _ = fill(tmp_path / "rows", rung(QUESTIONS, 0, 10), teacher(url))
    assert not tally.errors and tally.sampled == 200
    assert {row.finish_reason for row in rows_of(tmp_path / "rows").values()} == {"stop"}


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422, 424, 451])
def test_a_question_that_is_always_refused_is_recorded_and_ends_nothing(tmp_path, status):
    server = Scripted(lambda question, number: (status, "flagged") if question == QUESTIONS[3] else None)
    with in_thread(server.handle) as url:
        for _ in range(2):
            fill(tmp_path / "rows", rung(QUESTIONS, 0, 3), teacher(url))
        asked = server.number
    failed = {key: row.error for key, row in rows_of(tmp_path / "rows").items() if row.failed}
    assert failed == {(QUESTIONS[3], index): f"{status}: flagged" for index in range(3)}
    assert asked < 57 + 3 * 10  # a few tries each, and the second run asks nothing


def test_a_rerun_that_lacks_only_a_refused_question_records_it(tmp_path):
    fill(tmp_path / "rows", rung(QUESTIONS, 0, 1), Echo())
    server = Scripted(lambda question, number: (403, "flagged"))
    with in_thread(server.handle) as url:
        tally, _ = fill(tmp_path / "rows", rung(["forbidden"], 0, 4), teacher(url))
    assert tally.errors == {"403": 4}


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_right_that_is_lost_for_everything_ends_the_run(tmp_path, status):
    server = Scripted(lambda question, number: (status, "expired") if number > 30 else None)
    with in_thread(server.handle) as url, pytest.raises(TeacherError, match=f"answers {status} "):
        fill(tmp_path / "rows", rung(QUESTIONS, 0, 10), teacher(url))
    assert {row.finish_reason for row in rows_of(tmp_path / "rows").values()} == {"stop"}


def test_refusals_without_end_end_the_run_and_record_nothing(tmp_path):
    server = Scripted(lambda question, number: (400, "no upstream") if number > 30 else None)
    with in_thread(server.handle) as url, pytest.raises(TeacherError, match=r"no teacher has answered .*no upstream"):
        fill(tmp_path / "rows", rung(QUESTIONS, 0, 100), teacher(url, patience=0.2))
    assert {row.finish_reason for row in rows_of(tmp_path / "rows").values()} == {"stop"}


def test_recorded_errors_are_asked_for_again_and_the_journal_only_grows(tmp_path):
    path = tmp_path / "rows"
    fill(path, rung(["a", "b", "c"], 0, 2), Echo(lambda question, _: error() if question == "b" else None))
    before = path.read_bytes()
    assert fill(path, rung(["a", "b", "c"], 0, 2), Echo())[0].sampled == 0
    again = Echo()
    tally, _ = fill(path, rung(["a", "b", "c"], 0, 2), again, errors=True)
    assert tally.sampled == 2 and {question for question, _ in again.asked} == {"b"}
    assert path.read_bytes().startswith(before)
    fresh = tmp_path / "fresh"
    fill(fresh, rung(["a", "b", "c"], 0, 2), Echo())
    assert rows_of(path) == rows_of(fresh)
    assert fill(path, rung(["a", "b", "c"], 0, 2), Echo(), errors=True)[0].sampled == 0


@given(st.integers(0, 400))
def test_a_journal_that_is_cut_anywhere_while_errors_are_asked_again_loses_nothing(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("journal") / "rows"
    fill(path, rung(["a", "b"], 0, 3), Echo(lambda question, _: error() if question == "b" else None))
    size = path.stat().st_size
    fill(path, rung(["a", "b"], 0, 3), Echo(), errors=True)
    path.write_bytes(path.read_bytes()[: size + cut])
    fill(path, rung(["a", "b"], 0, 3), Echo(), errors=True)
    assert all(not row.failed for row in rows_of(path).values()) and len(rows_of(path)) == 6


def test_a_response_is_final(tmp_path):
    with Journal(tmp_path / "rows") as journal:
        journal.append([Response("q", 0, "", "error", 0, 0, 1, "m", "500"), Response("q", 0, "t", "stop", 1, 1, 1)])
        assert journal.has("q", 0) and not journal.failed("q", 0) and journal.responses == 1
        for late in (Response("q", 0, "", "error", 0, 0, 1), Response("q", 0, "u", "stop", 1, 1, 1)):
            with pytest.raises(JournalError, match="is there twice"):
                journal.append([late])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt_tokens", 10**30),
        ("completion_tokens", -5),
        ("index", True),
        ("text", None),
        ("seed", "1"),
        ("finish_reason", "eos"),
        ("question_id", 3),
        ("error", []),
    ],
)
def test_a_row_with_a_value_out_of_range_is_named(tmp_path, field, value):
    row = Response("q", 0, "t", "stop", 1, 1, 1)._asdict() | {field: value}
    (tmp_path / "rows").write_bytes(encode(Response("q", 1, "t", "stop", 1, 1, 1)) + json.dumps(row).encode() + b"\n")
    with pytest.raises(JournalError, match=f"line 2 is no response: {field}: must be "):
        Journal(tmp_path / "rows")


def used(prompt, completion, reason="finish reason: content_filter"):
    return Completion("", "error", prompt, completion, "echo@1", reason)


def test_what_failures_take_is_booked_and_stays_in_the_journal(tmp_path):
    def fault(question, attempt):
        if question == "filtered":
            return used(1, 5)
        return Transient("finish reason: abort", prompt_tokens=1, completion_tokens=2) if attempt == 1 else None

    tally, _ = fill(tmp_path / "rows", rung(["fine", "filtered"], 0, 1), Echo(fault), prices=PRICES)
    lines = list(read_journal(tmp_path / "rows"))
    assert [line.error for line in lines if line.failed] == [f"{AGAIN}finish reason: abort", used(0, 0).error]
    total = sum(line.prompt_tokens + line.completion_tokens for line in lines)
    assert tally.cost == pytest.approx(total) and tally.completion_tokens == 8 and tally.sampled == 2


def test_a_try_that_a_kill_left_alone_is_asked_for_again(tmp_path):
    alone = Response("q", 0, "", "error", 1, 2, 1, "m", f"{AGAIN}finish reason: abort")
    (tmp_path / "rows").write_bytes(encode(alone))
    assert fill(tmp_path / "rows", rung(["q"], 0, 1), Echo())[0].sampled == 1
    assert [row.finish_reason for row in rows_of(tmp_path / "rows").values()] == ["stop"]


@given(st.floats(0.0, 3_000.0), st.integers(1, 6), st.integers(2, 4), st.sampled_from(["filter", "abort", "uncounted"]))
def test_the_largest_cost_holds_whatever_fails(tmp_path_factory, limit, concurrency, every, kind):
    path = tmp_path_factory.mktemp("journal") / "rows"
    calls = [0]

    def fault(question, attempt):
        calls[0] += 1
        if calls[0] % every:
            return None
        if kind == "filter":
            return used(1, 9)
        told = {"uncounted": True} if kind == "uncounted" else {"prompt_tokens": 1, "completion_tokens": 9}
        return Transient("finish reason: abort", **told)

    tally, _ = fill(path, rung(["q"], 0, 30), Echo(fault, concurrency), prices=PRICES, max_cost=limit, attempts=3)
    lines = list(read_journal(path)) if path.exists() else []
    assert sum(line.prompt_tokens + line.completion_tokens for line in lines) <= tally.cost + 1e-6 <= limit + 1e-3
    assert (tally.sampled < 30) == bool(tally.stopped)
