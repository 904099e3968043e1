"""The responses that are being made: from one step of a protocol to the next, with a row in the journal for each."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from toolkit.protocols.contract import ANSWER, Draft, Protocol, ProtocolFault, Question
from toolkit.protocols.execution import Execution, Step
from toolkit.synthesis.journal import Journal, Response
from toolkit.synthesis.retries import Request
from toolkit.synthesis.writer import Writer
from toolkit.teachers.completion import Completion

Draw = tuple[str, str, int]  # question id, its text, response index


def response_seed(sampling_seed: int, question_id: str, index: int) -> int:
    """Give the seed of one response in [0, 2^63): a hash, so that it depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{sampling_seed}:{question_id}:{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def step_seed(sampling_seed: int, question_id: str, index: int, step: str, occurrence: int) -> int:
    """Give the seed of one step of a response in [0, 2^63); the first answer has that of the response."""
    if (step, occurrence) == (ANSWER, 0):
        return response_seed(sampling_seed, question_id, index)
    digest = hashlib.sha256(f"{sampling_seed}:{question_id}:{index}:{step}:{occurrence}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Executions:
    """Advances each response from one completion to the next; a step that the journal holds is not asked for again."""

    def __init__(self, journal: Journal, protocol: Protocol, sampling_seed: int, writer: Writer) -> None:
        self.journal, self.protocol, self.sampling_seed, self.writer = journal, protocol, sampling_seed, writer

    def first_requests(self, draws: Iterable[Draw]) -> Iterator[Request]:
        """Yield the first request of each response that the journal has no completion for.

        A response that needs none, or that its protocol cannot make, is written on the way.
        """
        for question_id, text, index in draws:
            execution = Execution(self.protocol, Question(question_id, text), index)
            request = self._first(execution, question_id, index)
            known = self.journal.steps(question_id, index)
            while request and (row := known.get((request.step, request.occurrence))):
                request = self._next(request, completion_of(row), is_known=True)
            if request:
                yield request
            else:
                self.writer.tally.asked += 1

    def advance(self, request: Request, completion: Completion) -> Request | None:
        """Write what a request brought, and give the response's next request; None once it is there, or failed."""
        if completion.finish_reason == "error":
            request.execution.close()
            self.writer.write(row_of(request, completion, final=True))
            return None
        return self._next(request, completion, is_known=False)

    def _first(self, execution: Execution, question_id: str, index: int) -> Request | None:
        try:
            return self._request(execution, question_id, index, execution.advance())
        except ProtocolFault as fault:
            seed = response_seed(self.sampling_seed, question_id, index)
            self.writer.write(self._failure(question_id, index, seed, "", fault))
            return None

    def _next(self, request: Request, completion: Completion, is_known: bool) -> Request | None:
        """Advance a response by a completion that has come now, or that the journal has."""
        try:
            step = request.execution.advance(completion)
        except ProtocolFault as fault:
            self._write_step(request, completion, is_known)
            where = request.question_id, request.index, request.seed
            self.writer.write(self._failure(*where, completion.model, fault))
            return None
        if isinstance(step, Draft):
            self._write_draft(request, completion, step, is_known)
            return None
        self._write_step(request, completion, is_known)
        return self._request(request.execution, request.question_id, request.index, step)

    def _write_step(self, request: Request, completion: Completion, is_known: bool) -> None:
        if not is_known:
            self.writer.step(row_of(request, completion))

    def _write_draft(self, request: Request, completion: Completion, draft: Draft, is_known: bool) -> None:
        """Write the response: the last step itself, or a row of its own for a text that the protocol made of steps."""
        if not is_known and draft[:2] == (completion.text, completion.finish_reason):
            self.writer.write(row_of(request, completion, final=True))
            return
        self._write_step(request, completion, is_known)
        parent, tokens = _origin(draft.text, request.execution)
        row = Response(request.question_id, request.index, draft.text, draft.finish_reason, 0, tokens, request.seed)
        self.writer.write(row._replace(model=completion.model, parents=(parent,), final=True))

    def _failure(self, question_id: str, index: int, seed: int, model: str, fault: ProtocolFault) -> Response:
        error = f"protocol {self.protocol.name}: question {question_id!r}, index {index}: {fault}"
        return Response(question_id, index, "", "error", 0, 0, seed, model, error, final=True)

    def _request(self, execution: Execution, question_id: str, index: int, step: Step | Draft) -> Request:
        assert isinstance(step, Step)  # an execution hands over no draft before a completion
        name, occurrence, messages, parents = step
        seed = step_seed(self.sampling_seed, question_id, index, name, occurrence)
        return Request(execution, question_id, index, name, occurrence, messages, seed, parents)


def _origin(text: str, execution: Execution) -> tuple[str, int]:
    """Give the step that a text is a part of, the last one where it is of none, and about how many tokens it has.

    The tokens are the step's, times the share of its characters that the text is, since nobody but the teacher can
    count them. They are what a student learns from, and on no ledger: the step has them there.
    """
    completion, key = execution.completed[origin(text, [step.text for step, _ in execution.completed])]
    share = min(1.0, len(text) / max(len(completion.text), 1))
    return key, round(share * completion.completion_tokens)


def origin(text: str, steps: Sequence[str]) -> int:
    """Find the last of some steps, by their texts, that a text is a part of; the last of all where it is of none."""
    return next((place for place in reversed(range(len(steps))) if text in steps[place]), len(steps) - 1)


def row_of(request: Request, completion: Completion, *, final: bool = False) -> Response:
    """Give the journal's row of what a request brought; `final` where the response is, or ends with, this step.

    The first `answer` of a response that comes to nothing else has the row that plain rejection sampling gives it.
    """
    text, finish_reason, prompt_tokens, completion_tokens, model, error = completion[:6]
    counts, step = (prompt_tokens, completion_tokens), (request.step, request.occurrence, request.parents)
    row = request.question_id, request.index, text, finish_reason, *counts, request.seed, model, error
    if step == (ANSWER, 0, ()) and (final or finish_reason == "error"):
        return Response(*row)
    return Response(*row, *step, final)


def completion_of(row: Response) -> Completion:
    """Give what a step brought, from its row."""
    return Completion(row.text, row.finish_reason, row.prompt_tokens, row.completion_tokens, row.model)
