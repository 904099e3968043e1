"""A teacher that answers by a script, and what a protocol made of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from toolkit.prompt import Messages, contents
from toolkit.protocols.calls import call_protocol, read_questions
from toolkit.protocols.contract import Draft, NewQuestion, Protocol, Question, QuestionProtocol, Seeds
from toolkit.protocols.execution import Execution
from toolkit.synthesis.journal import Journal, Response, read_journal
from toolkit.synthesis.sampler import sample
from toolkit.teachers.completion import Completion

Script = Callable[[Messages, int], str]


class Scripted:
    """Answers request `number` (from 1) with what `script(messages, number)` says; `cut` texts end by their length."""

    model, concurrency = "scripted@1", 4

    def __init__(self, script: Script, cut: tuple[str, ...] = ()) -> None:
        self.script, self.cut, self.read = script, cut, list[Messages]()

    async def __aenter__(self) -> "Scripted":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def complete(self, messages: Messages, seed: int) -> Completion:
        await asyncio.sleep(0)
        self.read.append(messages)
        text = self.script(messages, len(self.read))
        reason = "length" if text in self.cut else "stop"
        return Completion(text, reason, len(contents(messages).split()), len(text.split()), self.model)


class Made(NamedTuple):
    """The journal's rows, and what the teacher read."""

    rows: list[Response]
    read: list[Messages]

    @property
    def response(self) -> Response:
        return next(row for row in self.rows if not row.pending)

    @property
    def steps(self) -> list[str]:
        """The names of the completions, in order."""
        return [row.step for row in self.rows if row.is_completion]


def respond(path: Path, protocol: Protocol, texts: list[str], question: str = "1 + 1?", **options: Any) -> Made:
    """Make response 0 of a question, with the completions `texts` one after the other; the last goes on for ever."""
    teacher = Scripted(lambda _, number: texts[min(number, len(texts)) - 1], **options)
    with Journal(path) as journal:
        sample(journal, [("q", question, 0)], teacher, protocol, sampling_seed=1, report=lambda _: None)
    return Made(list(read_journal(path)), teacher.read)


class Called(NamedTuple):
    """What a call brought, the steps that it asked for with their parents, and what the teacher read."""

    questions: list[NewQuestion]
    steps: list[tuple[str, tuple[str, ...]]]
    read: list[str]


def call(
    path: Path, protocol: QuestionProtocol, seeds: Seeds, texts: list[str], index: int = 0, **options: Any
) -> Called:
    """Make call `index` of a question-making protocol, with the completions `texts` one after the other."""
    teacher = Scripted(lambda _, number: texts[number - 1], **options)
    with Journal(path) as journal:
        draws, asked = [("calls", "", index)], call_protocol(protocol, seeds)
        sample(journal, draws, teacher, asked, sampling_seed=1, report=lambda _: None)
    rows = list(read_journal(path))
    (final,) = (row for row in rows if not row.pending)
    assert not final.failed, final.error
    steps = [(row.step, row.parents) for row in rows if row.is_completion]
    return Called(read_questions(final.text), steps, [contents(messages) for messages in teacher.read])


def seeds_of(*texts: str) -> Seeds:
    """Give seeds with the ids s0, s1, ..."""
    return Seeds([Question(f"s{place}", text) for place, text in enumerate(texts)])


def draft_of(protocol: Protocol, question: Question, index: int, texts: list[str]) -> Draft:
    """Give the draft that a protocol makes of some completions."""
    execution = Execution(protocol, question, index)
    step = execution.advance()
    for text in texts:
        step = execution.advance(Completion(text, "stop", 1, 1, "scripted@1"))
    assert isinstance(step, Draft)
    return step
