"""`fss sample` against a server that fails: what is recorded, how it ends, and how errors are asked for again."""

import dataclasses
import json

import numpy as np
import pytest
from aiohttp import web

from tests.fakes.tgi import in_thread
from tests.pipeline.stages.test_corpus import QUESTIONS, response
from toolkit.cli import main
from toolkit.pipeline.source import source_identity, source_key
from toolkit.pipeline.stages.journal_index import JournalIndex
from toolkit.recipe.sections import Sampling
from toolkit.synthesis.journal import AGAIN, Journal, Response
from toolkit.teachers import balance
from toolkit.workspace import hash_of

RECIPE = """
title: A served teacher
pool: pool.jsonl
pool_sizes: [16]
ladder_questions: 16
test_size: 6
dev_size: 2
teacher: org/teacher
teacher_revision: main
urls: ["{url}"]
concurrency: 4
max_tokens: 20
price_prompt: 1.0
price_completion: 1.0
budgets: [1, 2]
fit_max: null
held_out: null
"""
WORDS = [f"{kind}wort" for kind in "ABCDEFGHIJKLMNOP"]


class Server:
    """Refuses questions that hold one of `bad`; the rest are answered after some thought."""

    def __init__(self):
        self.bad, self.asked = (), 0

    async def handle(self, request):
        if request.method == "GET":
            return web.json_response({}, status=404)
        question = json.loads(await request.read())["messages"][0]["content"]
        self.asked += 1
        if any(word in question.split() for word in self.bad):
            return web.json_response({"error": "flagged"}, status=400)
        message = {"content": "\\boxed{4}", "reasoning": "hm"}
        usage = {"prompt_tokens": 5, "completion_tokens": 7}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A server, and `fss` of a recipe that asks it."""
    monkeypatch.setattr(balance, "FIRST_REST", 0.01)
    monkeypatch.setattr(balance, "LONGEST_REST", 0.02)
    monkeypatch.chdir(tmp_path)
    rows = [
        {"question": f"How many {word} and {WORDS[(at + step) % 16]} plants are {at} and {4 - at}?", "answer": "4"}
        for step in (3, 7)
        for at, word in enumerate(WORDS)
    ]
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:28]))
    server = Server()
    with in_thread(server.handle) as url:
        (tmp_path / "served.yaml").write_text(RECIPE.format(url=url))
        yield server, lambda *more: main(["sample", "served.yaml", "--workspace", "w", "--jobs", "1", *more])


def journal_rows(folder):
    (path,) = (folder / "w" / "responses").glob("*.jsonl")
    with Journal(path) as journal:
        return {(row.question_id, row.index): row for row in journal}


def test_errors_are_recorded_end_with_exit_1_when_many_and_are_asked_for_again(source, tmp_path, capsys):
    server, fss = source
    server.bad = WORDS[:6]
    assert fss() == 1
    told = capsys.readouterr().err
    failed = [row for row in journal_rows(tmp_path).values() if row.failed]
    assert len(failed) >= 8 and len(journal_rows(tmp_path)) == 32
    assert f"{len(failed)} of 32 requests brought no response ({len(failed)} x 400)" in told
    assert "--retry-errors` asks for them again" in told
    asked = server.asked
    assert fss() == 0 and server.asked == asked  # goes on without them
    server.bad = ()
    assert fss("--retry-errors", "--dry-run") == 0 and server.asked == asked
    assert f"Ahead: responses {len(failed)} responses" in capsys.readouterr().out
    assert fss("--retry-errors") == 0 and server.asked == asked + len(failed)
    assert not any(row.failed for row in journal_rows(tmp_path).values())


def test_a_few_errors_end_nothing_and_the_embedded_base_is_not_read_for(source, tmp_path, capsys):
    server, fss = source
    server.bad = WORDS[:1]
    assert fss() == 0 and 0 < sum(row.failed for row in journal_rows(tmp_path).values()) < 8
    (leaks,) = (tmp_path / "w" / "leaks").glob("*/clean.json")
    assert json.loads(leaks.read_text())["texts"] == {"pool": 16}  # and none of a model


def test_a_row_that_follows_an_error_takes_its_place(tmp_path):
    every = [response(position, index) for index in range(2) for position in range(8)]
    lost = Response("q3", 1, "", "error", 1, 2, 9, "t@1", "500")
    tried = lost._replace(error=f"{AGAIN}finish reason: abort")
    orders = {"plain": every, "retried": [*(lost if row[:2] == ("q3", 1) else row for row in every), tried]}
    orders["retried"] += [lost._replace(error="502"), response(3, 1)]
    indices = {}
    for name, rows in orders.items():
        with Journal(tmp_path / name) as journal:
            journal.append(rows)
        indices[name] = JournalIndex(tmp_path / name, QUESTIONS)
        indices[name].read()
    plain, retried = indices["plain"], indices["retried"]
    assert (plain.digest(), plain.ledger, len(plain)) == (retried.digest(), retried.ledger, len(retried))
    assert not retried.errors and retried.held(8, 2).all()
    offset = np.argwhere((retried.column("position") == 3) & (retried.column("index") == 1)).item()
    with (tmp_path / "retried").open("rb") as file:
        file.seek(retried.column("offset")[offset])
        assert json.loads(file.readline())["text"] == response(3, 1).text


def test_an_error_that_was_labelled_is_labelled_again_once_it_is_a_response(tmp_path):
    class Accepts:
        def judge(self, rows):
            from toolkit.verification.verdicts import Judgement

            return (Judgement("accepted" if end == "stop" else "failed", None, None) for _, _, end in rows)

    with Journal(tmp_path / "rows") as journal:
        journal.append([Response("q0", 0, "", "error", 0, 0, 1), response(1, 0)])
        index = JournalIndex(tmp_path / "rows", QUESTIONS)
        index.read()
        index.label(Accepts())
        assert index.errors == {(0, 0)} and index.path(0, 0) is None
        journal.append([response(0, 0)])
    index.read()
    index.label(Accepts())
    assert index.path(0, 0) is not None and index.path(1, 0) is not None


def test_the_key_of_a_source_knows_of_reasoning_only_where_it_is_kept():
    old = {
        "max_tokens": 64,
        "prompt": "{{ question }}",
        "sampling_seed": 0,
        "stop": [],
        "temperature": 0.8,
        "top_p": 1.0,
    }
    assert hash_of(Sampling()) == hash_of(old) and hash_of(Sampling(reasoning="keep")) != hash_of(old)
    keys = [source_key(source_identity("t", None, "q", Sampling(reasoning=kind))) for kind in ("drop", "keep")]
    assert keys[0] == hash_of({"served": None, "questions": "q", "sampling": old, "teacher": "t"})[:16] != keys[1]
    assert dataclasses.asdict(Sampling())["reasoning"] == "drop"
