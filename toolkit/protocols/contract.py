"""What a protocol is: the steps that it may ask the teacher for, and a coroutine that makes something of them.

A `Protocol` turns a question into a response; a `QuestionProtocol` turns the seed questions into new ones.
"""

import inspect
import typing
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
        by_student: steps that the student's base model answers, greedily, instead of the teacher.
        swapped: a step, asked once, whose text is that of another question where a student reads it in training: the
            control of what the step itself adds. The teacher always reads the own one. Empty for none.
    """

    steps: Mapping[str, Writer]
    respond: Respond
    most: Mapping[str, int] = {}
    longest: int = LONGEST
    name: str = ""
    by_student: tuple[str, ...] = ()
    swapped: str = ""

    @property
    def most_steps(self) -> int:
        """Give how many steps a response may ask its teacher for in all, without those of the student."""
        return min(sum(self.times(step) for step in self.steps if step not in self.by_student), self.longest)

    def times(self, step: str) -> int:
        """Give how often a response may ask for a step."""
        return min(self.most.get(step, 1), self.longest)


class NewQuestion(NamedTuple):
    """A question that a call of a question-making protocol brought.

    Attributes:
        parents: ids of the questions that it was made from, seeds or earlier new ones.
        dropped: why the protocol itself eliminates it; empty where it does not. It is counted under this reason.
        note: what it was made by or for, such as an operation or a persona.
        extracted: the answer that was found with it, in a document. It is the label only where votes agree.
    """

    text: str
    parents: tuple[str, ...] = ()
    dropped: str = ""
    note: str = ""
    extracted: str = ""


class MadeQuestion(NamedTuple):
    """A new question that was accepted, in round `round` from 0 on."""

    question_id: str
    text: str
    parents: tuple[str, ...]
    round: int
    note: str = ""


@dataclass(frozen=True)
class Seeds:
    """What a call may make new questions from.

    Attributes:
        given: the seed questions in pool order, at least one; documents where a protocol expands the source.
        made: what earlier rounds accepted, in order of round, call and place.
    """

    given: Sequence[Question]
    made: Sequence[MadeQuestion] = ()

    @cached_property
    def ids(self) -> frozenset[str]:
        """Give the ids of all of them: what may be a parent."""
        return frozenset([question.question_id for question in self.given] + [made.question_id for made in self.made])

    @cached_property
    def successors(self) -> Mapping[str, MadeQuestion]:
        """Give the last question that was made of each first parent, by the parent's id."""
        return {made.parents[0]: made for made in self.made if made.parents}


Synthesise = Callable[[Ask, Seeds, int], Coroutine[typing.Any, typing.Any, list[NewQuestion]]]
Filter = Callable[[str, Sequence[str]], bool]  # whether a text is dropped, beside the texts that are known by then


class QuestionProtocol(NamedTuple):
    """A protocol that makes new questions.

    `synthesise(ask, seeds, index)` is call `index` of it, under the same rules as `Protocol.respond`. What it brings is
    sifted after each round of calls, before any answer is asked for, in order of round, call and place: so what is kept
    depends on the calls alone and never on which came first.

    Attributes:
        filters: reason -> function that says whether a text is dropped for it, beside the seeds and all that was
            accepted before it. They are asked in this order.
        note_filters: the same for notes, beside those of what was accepted before.
        audits: filters that drop nothing: how many of the accepted ones they would have dropped is counted.
        calls_per_round: calls that read the same accepted questions; None for as many as there are seeds.
        most, longest, name: as those of a `Protocol`, per call.
    """

    steps: Mapping[str, Writer]
    synthesise: Synthesise
    filters: Mapping[str, Filter] = {}
    note_filters: Mapping[str, Filter] = {}
    audits: Mapping[str, Filter] = {}
    calls_per_round: int | None = None
    most: Mapping[str, int] = {}
    longest: int = LONGEST
    name: str = ""


def variables_of(writer: Writer) -> Mapping[str, int]:
    """Give the variables of a step's writer, each with the number of completions that its value holds at most.

    A plain function does not say so: its `question` holds none, and every other variable one.
    """
    known: Mapping[str, int] | None = getattr(writer, "variables", None)
    if known is not None:
        return known
    return {name: int(name != "question") for name in inspect.signature(writer).parameters}
