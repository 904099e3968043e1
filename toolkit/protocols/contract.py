"""What a protocol is: the steps it may ask the teacher for, and a coroutine that turns a question into a draft."""

import typing
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from toolkit.prompt import Messages
from toolkit.teachers.completion import Completion

ANSWER = "answer"  # the step of plain rejection sampling


class Question(NamedTuple):
    """A seed question."""

    question_id: str
    text: str


class Draft(NamedTuple):
    """The response that a protocol hands over to be judged; `finish_reason` is `stop`, or `length` for a cut one."""

    text: str
    finish_reason: str = "stop"


class Ask(typing.Protocol):
    """Has the teacher take a step; called again with the same name, it is the step's next occurrence."""

    def __call__(self, step: str, /, **variables: object) -> Awaitable[Completion]: ...


Writer = Callable[..., Messages]  # what the teacher reads in a step, from the step's variables
Respond = Callable[[Ask, Question, int], typing.Coroutine[typing.Any, typing.Any, Draft]]


class Protocol(NamedTuple):
    """A synthesis protocol.

    `respond(ask, question, index)` makes response `index` of a question. It awaits nothing but `ask`, one step after
    the other, and what it does depends on its arguments and on what the steps bring: a run that was interrupted calls
    it again with the steps that are there already. A step that brings no text ends it.
    """

    steps: Mapping[str, Writer]
    respond: Respond
