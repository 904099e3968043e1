"""Runs a protocol again over the steps that are there: to check them, and for what a student reads in training."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from toolkit.prompt import Messages
from toolkit.protocols.contract import ANSWER, Draft, Protocol, ProtocolFault, Question
from toolkit.protocols.execution import Execution, Step
from toolkit.synthesis.executions import completion_of
from toolkit.synthesis.journal import Response


class Replay(Exception):
    """A protocol that does something else with the steps of a response than when it made it; the message says what."""


def replay(
    protocol: Protocol,
    question: Question,
    response: Response,
    steps: Sequence[Response],
    instead: Mapping[str, str] | None = None,
) -> Draft:
    """Run a protocol again over the completions of a response, in their order, without asking anybody.

    Args:
        response: what it came to; no failed one.
        steps: the steps that led to it, without the response itself.
        instead: step -> a text that stands for its own, for a student that reads another question's.

    Raises:
        Replay: where it asks for other steps, or hands over another text.
    """
    rows = [*steps, *([response] if response.is_completion else [])]
    draft = drafted(protocol, question, response.index, rows, instead or {})
    if draft[:2] != (response.text, response.finish_reason):
        raise Replay("hands over another text")
    return draft


def drafted(
    protocol: Protocol,
    question: Question,
    index: int,
    rows: Sequence[Response],
    instead: Mapping[str, str] = MappingProxyType({}),
) -> Draft:
    """Run a protocol again over all completions of a response, in their order; give what it hands over.

    Args:
        instead: see `replay`.

    Raises:
        Replay: where it asks for other steps, or for more of them.
    """
    execution = Execution(protocol, question, index)
    try:
        step = execution.advance()
        for row in rows:
            asked = row.step or ANSWER, row.occurrence, row.parents
            if not isinstance(step, Step) or (step.name, step.occurrence, step.parents) != asked:
                raise Replay(f"does not ask for {asked[0]}:{row.occurrence}")
            completion = completion_of(row)
            step = execution.advance(completion._replace(text=instead.get(row.step, completion.text)))
    except ProtocolFault as fault:
        raise Replay(str(fault)) from fault
    finally:
        execution.close()
    if not isinstance(step, Draft):
        raise Replay("hands over another text")
    return step


def training_prompt(
    protocol: Protocol,
    question: Mapping[str, Any],
    row: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
    instead: Mapping[str, str] | None = None,
) -> Messages | None:
    """Give what a student reads before a response, from the journal's rows; None where it is the question alone."""
    response, *led = (response_of(found) for found in (row, *steps))
    if response.failed:
        return None
    return replay(protocol, Question(question["question_id"], question["question"]), response, led, instead).prompt


def response_of(row: Mapping[str, Any]) -> Response:
    """Give the response in a journal's row, with or without more fields."""
    fields = {name: row[name] for name in Response._fields if name in row}
    return Response(**fields | {"parents": tuple(fields.get("parents", ()))})
