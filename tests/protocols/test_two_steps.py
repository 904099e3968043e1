"""A protocol of two steps against a scripted teacher: what is asked, what is written, and what a rerun asks again."""

import asyncio
import json

import pytest

from toolkit.prompt import contents, user_turn
from toolkit.protocols.contract import Draft, Protocol
from toolkit.synthesis.executions import response_seed, step_seed
from toolkit.synthesis.journal import Journal, JournalError, Response, decode, encode, read_journal
from toolkit.synthesis.sampler import sample
from toolkit.synthesis.spending import Prices
from toolkit.teachers.completion import Completion, TeacherError, Transient


def answer(*, question):
    return user_turn(question)


def refine(*, question, attempt):
    turns = [("user", question), ("assistant", attempt), ("user", "Again.")]
    return [{"role": "system", "content": "Be right."}, *({"role": role, "content": text} for role, text in turns)]


async def respond(ask, question, index):
    attempt = await ask("answer", question=question.text)
    if "sure" in attempt.text:
        return Draft(attempt.text)
    better = await ask("refine", attempt, question=question.text, attempt=attempt.text)
    return Draft(better.text, better.finish_reason)


async def vote(ask, question, index):
    first = await ask("answer", question=question.text)
    await ask("answer", question=question.text)
    return Draft(first.text)


REFINE = Protocol({"answer": answer, "refine": refine}, respond)
VOTE = Protocol({"answer": answer}, vote, {"answer": 2})


class Scripted:
    """Says how many messages it read; `fault(messages, number)` gives what request `number` (from 1) brings instead."""

    model, concurrency = "scripted@1", 2

    def __init__(self, fault=lambda messages, number: None):
        self.fault, self.read, self.seeds = fault, [], []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    async def complete(self, messages, seed):
        await asyncio.sleep(0)
        self.read.append([message["role"] for message in messages])
        self.seeds.append(seed)
        fault = self.fault(messages, len(self.read))
        if isinstance(fault, BaseException):
            raise fault
        sure = "sure" if "easy" in contents(messages) else "said"
        return fault or Completion(f"{sure} {len(self.read)}", "stop", 10, 2, self.model)


def fill(path, teacher, protocol=REFINE, wanted=(("q", "hard", 0),), **options):
    with Journal(path) as journal:
        return sample(journal, wanted, teacher, protocol, sampling_seed=1, report=lambda _: None, **options)


def test_a_step_has_a_row_of_its_own_and_the_last_one_is_the_response(tmp_path):
    path, teacher = tmp_path / "rows.jsonl", Scripted()
    tally = fill(path, teacher)
    assert teacher.read == [["user"], ["system", "user", "assistant", "user"]]
    step, response = read_journal(path)
    assert (step.step, step.occurrence, step.text, step.pending) == ("answer", 0, "said 1", True)
    assert (response.step, response.text, response.pending) == ("refine", "said 2", False)
    assert (step.parents, step.final, response.parents, response.final) == ((), False, ("answer:0",), True)
    assert teacher.seeds == [response_seed(1, "q", 0), step_seed(1, "q", 0, "refine", 0)] == [step.seed, response.seed]
    assert (tally.asked, tally.sampled, tally.prompt_tokens) == (1, 1, 20)
    with Journal(path) as journal:
        assert list(journal) == [response] and not journal.steps("q", 0)


def test_one_step_alone_is_written_as_by_rejection_sampling(tmp_path):
    wanted = [("q", "easy", 0), ("q", "easy", 1)]
    fill(tmp_path / "refine", Scripted(), wanted=wanted)
    fill(tmp_path / "plain", Scripted(), None, wanted)
    assert (tmp_path / "refine").read_bytes() == (tmp_path / "plain").read_bytes()
    assert b"step" not in (tmp_path / "plain").read_bytes()


def test_rows_of_rejection_sampling_keep_their_bytes(tmp_path):
    fill(tmp_path / "rows", Scripted(), None)
    assert (tmp_path / "rows").read_bytes() == (
        b'{"question_id":"q","index":0,"text":"said 1","finish_reason":"stop","prompt_tokens":10,'
        b'"completion_tokens":2,"seed":7268726768854645999,"model":"scripted@1","error":""}\n'
    )


def test_a_draft_that_is_not_what_came_last_has_a_row_without_tokens(tmp_path):
    path = tmp_path / "rows.jsonl"
    fill(path, Scripted(), VOTE)
    rows = list(read_journal(path))
    assert [(row.step, row.occurrence, row.text) for row in rows] == [
        ("answer", 0, "said 1"),
        ("answer", 1, "said 2"),
        ("", 0, "said 1"),
    ]
    assert rows[-1].parents == ("answer:0",) and rows[-1].final and not rows[-1].is_completion
    assert [row.completion_tokens for row in rows] == [2, 2, 2]
    assert len({row.seed for row in rows}) == 2


def test_a_rerun_asks_only_for_the_steps_that_are_missing(tmp_path):
    path = tmp_path / "rows.jsonl"
    with pytest.raises(KeyboardInterrupt):
        fill(path, Scripted(lambda messages, number: KeyboardInterrupt() if number == 2 else None))
    assert [row.step for row in read_journal(path)] == ["answer"]
    again = Scripted()
    assert fill(path, again).sampled == 1
    assert again.read == [["system", "user", "assistant", "user"]]
    assert [row.step for row in read_journal(path)] == ["answer", "refine"]
    whole = tmp_path / "whole.jsonl"
    fill(whole, Scripted())
    assert [row.seed for row in read_journal(path)] == [row.seed for row in read_journal(whole)]


def test_a_rerun_writes_a_response_whose_steps_are_all_there(tmp_path):
    path = tmp_path / "rows.jsonl"
    fill(path, Scripted(), VOTE)
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    again = Scripted()
    assert fill(path, again, VOTE).sampled == 1 and not again.read
    assert path.read_bytes() == whole


def test_a_step_without_an_answer_ends_its_response_and_can_be_asked_for_again(tmp_path):
    path = tmp_path / "rows.jsonl"
    refused = Completion("", "error", 0, 0, "scripted@1", "422: too long")
    tally = fill(path, Scripted(lambda messages, number: refused if len(messages) > 1 else None))
    assert tally.errors == {"422": 1}
    again = Scripted()
    assert fill(path, again).sampled == 0
    assert fill(path, again, errors=True).sampled == 1 and len(again.read) == 1
    rows = [(row.step, row.failed) for row in read_journal(path)]
    assert rows == [("answer", False), ("refine", True), ("refine", False)]


def test_each_step_is_tried_again_and_paid_for(tmp_path):
    prices = Prices(prompt=1e6, completion=1e6, max_tokens=2)
    fault = {2: Transient("500"), 3: Transient("429", refused=True)}
    tally = fill(tmp_path / "rows", Scripted(lambda messages, number: fault.get(number)), prices=prices, max_cost=1e6)
    assert (tally.retries, tally.sampled, tally.cost) == (2, 1, 24.0)
    wanted = [("q", "hard", index) for index in range(50)]
    stopped = fill(tmp_path / "some", Scripted(), wanted=wanted, prices=prices, max_cost=700.0)
    assert stopped.stopped and 0 < stopped.sampled < 50 and stopped.cost <= 700
    rest = fill(tmp_path / "some", Scripted(), wanted=wanted)
    assert rest.sampled + stopped.sampled == 50


def test_steps_are_read_as_they_were_written_and_once(tmp_path):
    row = Response("q", 3, "t", "stop", 1, 2, 5, "m", "", "refine", 1)
    assert json.loads(encode(row))["occurrence"] == 1 and decode(encode(row)) == row
    final = row._replace(step="", occurrence=0, parents=("refine:1",), final=True)
    assert decode(encode(final)) == final
    for field, value in (("parents", ["a", 1]), ("parents", "refine:1"), ("final", 1)):
        line = json.dumps(json.loads(encode(final)) | {field: value}).encode()
        with pytest.raises(ValueError, match=f"{field}: must be"):
            decode(line)
    with Journal(tmp_path / "rows") as journal:
        journal.write(row)
        with pytest.raises(JournalError, match="step refine, occurrence 1 is there twice"):
            journal.write(row)
        assert not journal.has("q", 3) and journal.steps("q", 3) == {("refine", 1): row}


async def impatient(ask, question, index):
    await ask("answer", question=question.text)
    await asyncio.sleep(0)


async def confused(ask, question, index):
    first = await ask("answer", question=question.text)
    await ask("judge", first, question=question.text)


async def idle(ask, question, index):
    return Draft("42")


async def endless(ask, question, index):
    while True:
        await ask("answer", question=question.text)


async def broken(ask, question, index):
    first = await ask("answer", question=question.text)
    raise KeyError(first.text)


async def wordless(ask, question, index):
    await ask("answer", question=question.text)
    return Draft(42)


async def drafting_nothing(ask, question, index):
    await ask("answer", question=question.text)


async def misnaming(ask, question, index):
    first = await ask("answer", question=question.text)
    await ask("refine", first, question=question.text, atempt=first.text)


async def orphan(ask, question, index):
    first = await ask("answer", question=question.text)
    await ask("refine", first._replace(text="no step"), question=question.text, attempt=first.text)


async def cut_badly(ask, question, index):
    await ask("answer", question=question.text)
    return Draft("42", "error")


async def systemless(ask, question, index):
    await ask("bare", question=question.text)


def plain(ask, question, index):
    return Draft("42")


@pytest.mark.parametrize(
    ("respond", "message", "steps"),
    [
        (impatient, "a protocol awaits nothing but `ask`", 1),
        (confused, "has no step 'judge'; its steps are answer, refine", 1),
        (idle, "responds without asking its teacher", 0),
        (endless, "asks for more than 64 steps", 64),
        (broken, "raised KeyError: 'said", 1),
        (wordless, "hands over the text 42", 1),
        (drafting_nothing, "returns None; return a `Draft`", 1),
        (misnaming, "raised TypeError", 1),
        (orphan, "a parent is a completion that `ask` returned", 1),
        (cut_badly, "with the finish reason 'error'", 1),
        (plain, "its `respond` is no coroutine", 0),
        (systemless, "writes no messages in the step 'bare'", 0),
    ],
)
def test_a_protocol_that_breaks_its_contract_ends_that_response_alone(tmp_path, respond, message, steps):
    async def sometimes(ask, question, index):
        if question.text == "easy":
            return Draft((await ask("answer", question=question.text)).text)
        made = respond(ask, question, index)
        return await made if asyncio.iscoroutine(made) else made

    path = tmp_path / "rows.jsonl"
    writers = {"answer": answer, "refine": refine, "bare": lambda *, question: question}
    protocol = Protocol(writers, sometimes if respond is not plain else respond, {"answer": 100}, name="mine")
    draws = [("good", "easy", 0), ("q", "hard", 3)]
    if respond is plain:
        with pytest.raises(TeacherError, match=message):
            fill(path, Scripted(), protocol, draws)
        return
    tally = fill(path, Scripted(), protocol, draws)
    rows = list(read_journal(path))
    (failed,) = (row for row in rows if row.failed)
    assert failed.error.startswith("protocol mine: question 'q', index 3: ") and message in failed.error
    assert sum(row.step != "" for row in rows) == steps and tally.completion_tokens == 2 * (steps + 1)
    assert (tally.asked, tally.sampled, tally.errors) == (2, 2, {"protocol mine": 1})
    again = Scripted()
    assert fill(path, again, protocol, draws, errors=True).sampled == 1 and not again.read


def test_a_step_may_be_asked_for_as_often_as_is_declared(tmp_path):
    with pytest.raises(TeacherError, match="more than 1 time; say how often") as refused:
        fill(tmp_path / "rows", Scripted(), VOTE._replace(most={}), [("q", "hard", at) for at in range(40)])
    assert "What came is kept" in str(refused.value)
    assert 32 <= sum(row.failed for row in read_journal(tmp_path / "rows")) < 40
