"""The responses that are on their way: from one step of a protocol to the next, with a row in the journal for each."""

import hashlib
from collections.abc import Iterable, Iterator

from toolkit.protocols.contract import ANSWER, Draft, Protocol, Question
from toolkit.protocols.course import Course, Step
from toolkit.synthesis.journal import Journal, Response
from toolkit.synthesis.retries import Request
from toolkit.synthesis.writer import Writer
from toolkit.teachers.completion import Completion

Wanted = tuple[str, str, int]  # question id, its text, response index


def response_seed(sampling_seed: int, question_id: str, index: int) -> int:
    """The seed of one response in [0, 2^63): a hash, so that it depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{sampling_seed}:{question_id}:{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def step_seed(sampling_seed: int, question_id: str, index: int, step: str, occurrence: int) -> int:
    """The seed of one step of a response in [0, 2^63); the first answer has that of the response."""
    if (step, occurrence) == (ANSWER, 0):
        return response_seed(sampling_seed, question_id, index)
    digest = hashlib.sha256(f"{sampling_seed}:{question_id}:{index}:{step}:{occurrence}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Courses:
    """Takes each response from one completion to the next; a step that the journal holds is not asked for again."""

    def __init__(self, journal: Journal, protocol: Protocol, sampling_seed: int, writer: Writer) -> None:
        self.journal, self.protocol, self.sampling_seed, self.writer = journal, protocol, sampling_seed, writer

    def first_requests(self, rows: Iterable[Wanted]) -> Iterator[Request]:
        """The first request of each response, or the first that its protocol has not asked for before."""
        for question_id, text, index in rows:
            course = Course(self.protocol, Question(question_id, text), index)
            request: Request | None = self._request(course, question_id, index, course.go_on())
            known = self.journal.steps(question_id, index)
            while request and (row := known.get((request.step, request.occurrence))):
                request = self._next(request, completion_of(row), row)
            if request:
                yield request

    def go_on(self, request: Request, completion: Completion) -> Request | None:
        """Write what a request brought, and give the response's next request; None once it is there, or failed."""
        if completion.finish_reason == "error":
            request.course.end()
            self.writer.write(row_of(request, completion))
            return None
        return self._next(request, completion, None)

    def _next(self, request: Request, completion: Completion, known: Response | None) -> Request | None:
        """The same for a completion that is a step, and for one that the journal has."""
        step, row = request.course.go_on(completion), row_of(request, completion)
        if isinstance(step, Draft) and step == (completion.text, completion.finish_reason) and not known:
            self.writer.write(row)
            return None
        if not known:
            self.writer.step(row._replace(step=request.step, occurrence=request.occurrence))
        if isinstance(step, Step):
            return self._request(request.course, request.question_id, request.index, step)
        self.writer.tally.asked += bool(known)
        # Its text is not what came last: that has a row of its own, with its tokens.
        self.writer.write(row._replace(prompt_tokens=0, completion_tokens=0, **step._asdict()))
        return None

    def _request(self, course: Course, question_id: str, index: int, step: Step | Draft) -> Request:
        if isinstance(step, Draft):
            raise ValueError("the protocol responds without asking its teacher")
        seed = step_seed(self.sampling_seed, question_id, index, step.name, step.occurrence)
        return Request(course, question_id, index, *step, seed)


def row_of(request: Request, completion: Completion) -> Response:
    """The journal's row of a response that is what a request brought."""
    text, finish_reason, prompt_tokens, completion_tokens, model, error = completion[:6]
    counts = prompt_tokens, completion_tokens
    return Response(request.question_id, request.index, text, finish_reason, *counts, request.seed, model, error)


def completion_of(row: Response) -> Completion:
    """What a step brought, from its row."""
    return Completion(row.text, row.finish_reason, row.prompt_tokens, row.completion_tokens, row.model)
