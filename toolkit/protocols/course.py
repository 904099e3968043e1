"""A response on its way: a protocol's coroutine, taken from one step to the next by whoever has the completions."""

import types
from collections import Counter
from collections.abc import Awaitable, Generator
from typing import NamedTuple

from toolkit.prompt import Messages
from toolkit.protocols.contract import Draft, Protocol, Question
from toolkit.teachers.completion import Completion


class Step(NamedTuple):
    """A completion that is asked for: the step's name, how often that was taken before, and what the teacher reads."""

    name: str
    occurrence: int
    messages: Messages


class Course:
    """The course of one response.

    Args:
        protocol: whose coroutine is run.
        question: that is responded to.
        index: of the response.
    """

    def __init__(self, protocol: Protocol, question: Question, index: int) -> None:
        self._steps, self._taken = protocol.steps, Counter[str]()
        self._response = protocol.respond(self._ask, question, index)

    def go_on(self, completion: Completion | None = None) -> Step | Draft:
        """The next step, or the draft, once there is the completion of the step before (None at the beginning).

        Raises:
            TypeError: for a protocol that waits for something else than its teacher.
        """
        try:
            step = self._response.send(completion)
        except StopIteration as end:
            draft: Draft = end.value
            return draft
        if not isinstance(step, Step):
            self._response.close()
            raise TypeError(f"a protocol awaits nothing but `ask`, not {step!r:.80}")
        return step

    def end(self) -> None:
        """Leave the coroutine where it is."""
        self._response.close()

    def _ask(self, step: str, /, **variables: object) -> Awaitable[Completion]:
        if step not in self._steps:
            raise ValueError(f"the protocol has no step {step!r}; it has {', '.join(self._steps)}")
        occurrence = self._taken[step]
        self._taken[step] += 1
        return _completed(Step(step, occurrence, self._steps[step](**variables)))


@types.coroutine
def _completed(step: Step) -> Generator[Step, Completion, Completion]:
    """Hand the step to whoever runs the course, and take its completion."""
    completion = yield step
    return completion


def first_prompt(protocol: Protocol, question: str) -> Messages:
    """What the teacher reads first for a question."""
    course = Course(protocol, Question("", question), 0)
    step = course.go_on()
    course.end()
    return step.messages if isinstance(step, Step) else []
