"""Runs a protocol's coroutine for one response, from one step to the next, for whoever has the completions."""

import inspect
import types
from collections.abc import Awaitable, Generator, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from toolkit.prompt import Messages
from toolkit.protocols.contract import Draft, Protocol, ProtocolFault, Question
from toolkit.teachers.completion import Completion

ENDINGS = ("stop", "length")
FIELDS = ("role", "content")  # of a message


class Step(NamedTuple):
    """A completion that is asked for.

    Attributes:
        occurrence: how often the response asked for a step of this name before.
        parents: the steps that it builds on, as `name:occurrence`.
    """

    name: str
    occurrence: int
    messages: Messages
    parents: tuple[str, ...] = ()


class Execution:
    """The execution of a protocol for response `index` of a question; nothing of it runs before `advance`."""

    def __init__(self, protocol: Protocol, question: Question, index: int) -> None:
        self._protocol, self._arguments = protocol, (question, index)
        self._coroutine: Any = None
        self._occurrences: dict[str, int] = {}  # step -> how often it was asked for
        self._count = 0  # steps in all
        self._asked: Step | None = None  # the step that `advance` gave last
        self.completed: list[tuple[Completion, str]] = []  # each with its step, `name:occurrence`
        self._keys: dict[int, str] = {}  # the same by the identity of the completion

    def advance(self, completion: Completion | None = None) -> Step | Draft:
        """Give the next step, or the draft.

        Args:
            completion: of the step that was given last; None at the beginning.

        Raises:
            ProtocolFault: when the protocol raises, or does what its contract does not allow. It is closed then.
        """
        if completion is not None and self._asked:
            key = f"{self._asked.name}:{self._asked.occurrence}"
            self.completed.append((completion, key))
            self._keys.setdefault(id(completion), key)
        try:
            return self._next(completion)
        except ProtocolFault:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise ProtocolFault(f"raised {type(error).__name__}: {str(error)[:300]}") from error

    def _next(self, completion: Completion | None) -> Step | Draft:
        if self._coroutine is None:
            self._coroutine = self._protocol.respond(self._ask, *self._arguments)
            if not inspect.iscoroutine(self._coroutine):
                raise ProtocolFault("its `respond` is no coroutine; write it as `async def respond(...)`")
        try:
            step = self._coroutine.send(completion)
        except StopIteration as end:
            return self._checked(end.value)
        if not isinstance(step, Step):
            raise ProtocolFault(f"awaits {step!r:.80}; a protocol awaits nothing but `ask`")
        self._asked = step
        return step

    def _checked(self, draft: object) -> Draft:
        """Give the draft that the protocol has returned, once it is one."""
        if not self._asked:
            raise ProtocolFault("responds without asking its teacher; await `ask` once at least")
        if not isinstance(draft, Draft):
            raise ProtocolFault(f"returns {draft!r:.80}; return a `Draft`")
        if not isinstance(draft.text, str) or draft.finish_reason not in ENDINGS:
            raise ProtocolFault(
                f"hands over the text {draft.text!r:.80} with the finish reason {draft.finish_reason!r:.80}; "
                f"a draft has a text, and {' or '.join(ENDINGS)}"
            )
        return draft

    def close(self) -> None:
        """End the coroutine where it is."""
        if inspect.iscoroutine(self._coroutine):
            try:
                self._coroutine.close()
            except Exception:  # noqa: BLE001  # what it still wants to do then is of no use
                self._coroutine = None

    def _ask(self, step: str, /, *parents: Completion, **variables: object) -> Awaitable[Completion]:
        writer = self._protocol.steps.get(step)
        if writer is None:
            raise ProtocolFault(f"has no step {step!r:.80}; its steps are {', '.join(self._protocol.steps)}")
        occurrence = self._occurrences.get(step, 0)
        self._refuse_more(step, occurrence)
        messages = _checked_messages(step, writer(**variables))
        self._occurrences[step] = occurrence + 1
        self._count += 1
        return _completed(Step(step, occurrence, messages, tuple(self._key(parent) for parent in parents)))

    def _refuse_more(self, step: str, occurrence: int) -> None:
        longest, times = self._protocol.longest, self._protocol.times(step)
        if self._count >= longest:
            raise ProtocolFault(f"asks for more than {longest} steps; end it, or raise `longest` of its `Protocol`")
        if occurrence >= times:
            raise ProtocolFault(
                f"asks for the step {step!r} more than {times} time{'s' * (times > 1)}; "
                f'say how often it may in its `Protocol`: most={{"{step}": {2 * times}}}'
            )

    def _key(self, parent: Completion) -> str:
        key = self._keys.get(id(parent))
        if key is None:
            raise ProtocolFault(f"names the parent {parent!r:.80}; a parent is a completion that `ask` returned")
        return key


def _checked_messages(step: str, messages: Messages) -> Messages:
    """Give the messages that the writer of a step has written, once they are some."""
    if not (isinstance(messages, list | tuple) and messages and all(map(_is_message, messages))):
        raise ProtocolFault(
            f"writes no messages in the step {step!r}: a list of {{'role': ..., 'content': ...}}, not {messages!r:.80}"
        )
    return messages


def _is_message(message: object) -> bool:
    return isinstance(message, dict | Mapping) and all(isinstance(message.get(name), str) for name in FIELDS)


@types.coroutine
def _completed(step: Step) -> Generator[Step, Completion, Completion]:
    """Hand the step to whoever runs the protocol, and take its completion."""
    completion = yield step
    return completion


def first_prompts(protocol: Protocol, questions: Iterable[str]) -> Iterator[tuple[str, Messages]]:
    """Yield each question with what the teacher reads first for it, without those that the protocol fails on.

    Raises:
        ProtocolFault: where it fails on all of them; the first fault.
    """
    fault, count = None, 0
    for question in questions:
        try:
            yield question, first_prompt(protocol, question)
            count += 1
        except ProtocolFault as error:
            fault = fault or error
    if fault and not count:
        raise fault


def first_prompt(protocol: Protocol, question: str) -> Messages:
    """Give what the teacher reads first for a question.

    Raises:
        ProtocolFault: when the protocol asks nothing, or asks in another way than its contract allows.
    """
    execution = Execution(protocol, Question("", question), 0)
    step = execution.advance()
    execution.close()
    return step.messages if isinstance(step, Step) else []
