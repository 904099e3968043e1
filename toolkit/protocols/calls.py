"""A call of a question-making protocol, run as a response is: its draft is the list of its new questions, as JSON.

So it has the same engine, journal, retries, limits and faults. What a call brought stands in the journal with the
parents that the teacher really saw; what is kept of it can be decided again at any time.
"""

import hashlib
import inspect
import json

from toolkit.protocols.contract import (
    Ask,
    Draft,
    NewQuestion,
    Protocol,
    ProtocolFault,
    Question,
    QuestionProtocol,
    Seeds,
)

DIGITS = 16  # of the digest in a new question's id, hex


def call_protocol(protocol: QuestionProtocol, seeds: Seeds) -> Protocol:
    """Give a question-making protocol as one whose response `index` is its call `index`, whatever the question is."""

    async def respond(ask: Ask, _: Question, index: int) -> Draft:
        call = protocol.synthesise(ask, seeds, index)
        if not inspect.iscoroutine(call):
            raise ProtocolFault("its `synthesise` is no coroutine; write it as `async def synthesise(...)`")
        return Draft(write_questions(_checked(await call, seeds)))

    return Protocol(protocol.steps, respond, protocol.most, protocol.longest, protocol.name)


def new_id(protocol: str, new: NewQuestion) -> str:
    """Give the id of a new question: `new-` and a digest of protocol, parents and text."""
    text = json.dumps([protocol, new.parents, new.text], ensure_ascii=False)
    return f"new-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:DIGITS]}"


def write_questions(questions: list[NewQuestion]) -> str:
    """Write what a call brought as a JSON list of objects."""
    return json.dumps([new._asdict() for new in questions], ensure_ascii=False)


def read_questions(text: str) -> list[NewQuestion]:
    """Read what `write_questions` wrote.

    Raises:
        ValueError: for another text.
    """
    try:
        rows = json.loads(text)
        questions = [NewQuestion(**(fields | {"parents": tuple(fields["parents"])})) for fields in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"no list of new questions: {text!r:.80}") from error
    if not isinstance(rows, list):
        raise ValueError(f"no list of new questions: {text!r:.80}")
    return questions


def _checked(made: object, seeds: Seeds) -> list[NewQuestion]:
    """Give what a call returned, once it is a list of new questions with known parents."""
    if not isinstance(made, list) or not all(isinstance(new, NewQuestion) for new in made):
        raise ProtocolFault(f"returns {made!r:.80}; return a list of `NewQuestion`")
    for new in made:
        if not all(isinstance(text, str) for text in (new.text, new.dropped, new.note, new.extracted)):
            raise ProtocolFault(
                f"makes {new!r:.200}; its text, its note and why it is dropped are texts, as `extracted` is"
            )
        if not isinstance(new.parents, tuple) or not seeds.ids.issuperset(new.parents):
            raise ProtocolFault(f"names the parents {new.parents!r:.80}; they are a tuple of question ids of its seeds")
    return made
