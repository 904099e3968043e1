"""What a protocol is: the steps that it may ask the teacher for, and a coroutine that turns a question into a draft."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import NamedTuple

from toolkit.prompt import Messages
from toolkit.teachers.completion import Completion

ANSWER = "answer"  # the step of plain rejection sampling
LONGEST = 64  # steps of one response, where a protocol sets no other bound


class ProtocolFault(ValueError):
    """What a protocol did against its contract; it ends the response, and its message says what to change."""


class Question(NamedTuple):
    """A seed question."""

    question_id: str
    text: str


class Draft(NamedTuple):
    """The response that a protocol hands over to be judged.

    Attributes:
        finish_reason: `stop`, or `length` for one that was cut.
        prompt: what a student reads before the response when it is trained; None is the question alone.
    """

    text: str
    finish_reason: str = "stop"
    prompt: Messages | None = None


class Ask(typing.Protocol):
    """Asks the teacher for a step. A second call with the same name is the second occurrence of that step.

    `parents` are completions that `ask` returned before and that this step builds on; the journal records them.
    """

    def __call__(self, step: str, /, *parents: Completion, **variables: object) -> Awaitable[Completion]: ...


Writer = Callable[..., Messages]  # what the teacher reads in a step, from the step's variables
Respond = Callable[[Ask, Question, int], Coroutine[typing.Any, typing.Any, Draft]]


class Protocol(NamedTuple):
    """A synthesis protocol.

    `respond(ask, question, index)` makes response `index` of a question. It awaits nothing but `ask`, one step after
    the other, and what it does depends only on its arguments and on the completions: a run that was interrupted calls
    it again with the completions that the journal has. A step without a completion ends the response.

    Attributes:
        most: how often a response may ask for a step, where that is more than once. The estimate of a dry run counts
            on it, so that asking more often is a fault.
        longest: steps of one response at most, of all names together.
        name: what errors call it; `load_protocol` sets it.
    """

    steps: Mapping[str, Writer]
    respond: Respond
    most: Mapping[str, int] = {}
    longest: int = LONGEST
    name: str = ""

    def times(self, step: str) -> int:
        """Give how often a response may ask for a step."""
        return min(self.most.get(step, 1), self.longest)


def variables_of(writer: Writer) -> Mapping[str, int]:
    """Give the variables of a step's writer, each with the number of completions that its value holds at most.

    A plain function does not say so: its `question` holds none, and every other variable one.
    """
    known: Mapping[str, int] | None = getattr(writer, "variables", None)
    if known is not None:
        return known
    return {name: int(name != "question") for name in inspect.signature(writer).parameters}
