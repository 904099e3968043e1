"""The sampling engine: every response that the journal lacks is asked for, as fast as the teacher takes them.

A response is what a protocol makes of one or several completions, its steps. As many workers as there may be requests
in flight take rows from one lazy source, so that memory does not grow with the number of rows. A row is written before
its worker takes the next one: a kill can cost only what was in flight. A request that may succeed later waits elsewhere
until it is due, and its worker takes another row meanwhile.

A refusal as wrong (400, 403, 422, ...) is believed only when it came `BELIEVED` times while others that were sent
after it were answered: else the server may be refusing everything for a while. Where there is nothing else to send,
that often is enough.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from toolkit.prompt import PLAIN
from toolkit.protocols import rejection_sampling
from toolkit.protocols.contract import Protocol
from toolkit.synthesis.executions import Draw, Executions, row_of
from toolkit.synthesis.journal import Journal
from toolkit.synthesis.retries import Request, Retries
from toolkit.synthesis.spending import CostLimit, Prices
from toolkit.synthesis.tally import Tally
from toolkit.synthesis.writer import Judge, Writer, often
from toolkit.teachers.completion import Completion, Teacher, Transient

WAITING = 4  # requests that may wait until they are due, per request in flight
FEWEST_WAITING = 16  # such requests at any concurrency, so that a few refused ones hold nothing up
BELIEVED = 3  # refusals of a request as wrong that settle it


def missing(journal: Journal, draws: Iterable[Draw], errors: bool = False) -> Iterator[Draw]:
    """Yield those of `draws` that the journal does not hold; with `errors` also those that it holds as errors."""
    for row in draws:
        key = row[0], row[2]
        if not journal.has(*key) or (errors and journal.failed(*key)):
            yield row


def sample(
    journal: Journal,
    draws: Iterable[Draw],
    teacher: Teacher,
    protocol: Protocol | None = None,
    *,
    sampling_seed: int,
    report: Callable[[Tally], None],
    total: int | None = None,
    attempts: int = 8,
    prices: Prices | None = None,
    max_cost: float | None = None,
    judge: Judge | None = None,
    errors: bool = False,
    student: Teacher | None = None,
) -> Tally:
    """Ask for every one of `draws` that the journal lacks, until each is a response or a recorded reason.

    Args:
        journal: open for writing.
        draws: (question id, text, index), each at most once; read lazily.
        teacher: entered and left here.
        protocol: how a response comes about; None asks the bare question once.
        sampling_seed: of the source.
        report: called about four times a second and at the end, with what is safe on the disk by then.
        total: rows that are missing, for the report alone.
        attempts: of one request, at least 1; those refused for load do not count. After them the row records why.
        prices: of the teacher's tokens.
        max_cost: nothing is asked for that could lift the cost above it; needs `prices`.
        judge: how many of some responses are accepted; called in a thread, on as many as it keeps up with.
        errors: ask again for those of `draws` that the journal holds as errors.
        student: answers the protocol's steps of the student, at no cost; entered and left here.

    Returns:
        The counts; `stopped` says why when `max_cost` left rows unsampled.

    Raises:
        ValueError: for a `max_cost` without prices, or a protocol that asks a student without one.
        TeacherError: when the teacher cannot go on, or brings nothing but errors; these are then not recorded.
        OSError: when the journal cannot be written; it then ends with the last whole row.
        RuntimeError: when a row is neither a response nor a recorded reason.
    """
    if max_cost is not None and not (prices and (prices.prompt or prices.completion)):
        raise ValueError("a largest cost needs prices: set `price_prompt` or `price_completion` in the recipe")
    writer = Writer(journal, report, judge, prices)
    writer.tally.total = total
    limit = CostLimit(prices, max_cost) if prices and max_cost is not None else None
    protocol = protocol or rejection_sampling.protocol(PLAIN)
    if protocol.by_student and student is None:
        raise ValueError(f"the protocol asks a student for {', '.join(protocol.by_student)}: give `student`")
    executions = Executions(journal, protocol, sampling_seed, writer)
    todo = executions.first_requests(missing(journal, draws, errors))
    run = _Run(todo, executions, teacher, attempts, limit, writer, student)
    try:
        asyncio.run(run.all())
    except BaseExceptionGroup as group:
        raise _first(group) from None
    finally:
        journal.sync()
    return writer.tally


def _first(error: BaseException) -> BaseException:
    """The first of the errors that ended a task group; the others are its echo."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


class _Run:
    """What the workers of one call of `sample` share; all of it belongs to one event loop."""

    def __init__(
        self,
        todo: Iterator[Request],
        executions: Executions,
        teacher: Teacher,
        attempts: int,
        limit: CostLimit | None,
        writer: Writer,
        student: Teacher | None = None,
    ) -> None:
        self.todo, self.executions, self.teacher, self.student = todo, executions, teacher, student
        self.attempts, self.limit, self.writer, self.tally = attempts, limit, writer, writer.tally
        self.concurrency = teacher.concurrency
        self.retries = Retries()
        self.upcoming: Request | None = None  # next of `todo`, not begun
        self.exhausted = False  # whether nothing is left in `todo`, or no money for it
        self.ready: deque[Request] = deque()  # of responses that are begun, to be sent when there is money for it
        self.doubting = False  # whether the last word of the teacher was a refusal as wrong
        self.answered: float | None = None  # when the last of the requests that were answered was begun

    async def all(self) -> None:
        async with self.teacher, self.student or contextlib.nullcontext(), asyncio.TaskGroup() as group:
            beside = [group.create_task(often(act)) for act in (self.writer.publish, self.writer.judge)]
            async with asyncio.TaskGroup() as workers:
                for _ in range(self.concurrency):
                    workers.create_task(self._work())
            for task in beside:
                task.cancel()
        if self.limit and (left := self.ready[0] if self.ready else self.upcoming):
            self.tally.asked -= len(self.ready)  # noted, not written: the next run asks for them
            self.tally.stopped = self.limit.refusal(left.messages)
        self.writer.end()
        await self.writer.judge()
        await self.writer.publish()

    async def _work(self) -> None:
        while (request := self._take()) is not None:
            if request.due and (pause := request.due - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            self.tally.in_flight += 1
            request.begun = time.monotonic()
            try:
                completion = await self._asked(request).complete(request.messages, request.seed)
            except Transient as fault:
                self._again(request, fault)
            else:
                self._write(request, completion)
            finally:
                self.tally.in_flight -= 1

    def _asked(self, request: Request) -> Teacher:
        return self.student if self.student and self._is_free(request) else self.teacher

    def _is_free(self, request: Request) -> bool:
        """Whether the student answers it, who is nobody's to pay for."""
        return request.step in self.executions.protocol.by_student

    def _take(self) -> Request | None:
        """A request that is due again, else a new one, else the one that is due first.

        After a refusal as wrong a new one comes first: whether it is answered tells what the refusal was worth.
        """
        if not self.retries:
            return self._new()
        if self.doubting and (request := self._new()):
            return request
        room = len(self.retries) < max(WAITING * self.concurrency, FEWEST_WAITING)
        return self.retries.due() or (self._new() if room else None) or self.retries.first()

    def _new(self) -> Request | None:
        if self.ready:
            return self.ready.popleft() if self._reserved(self.ready[0]) else None
        self.upcoming = request = self.upcoming or next(self.todo, None)
        self.exhausted = request is None
        if request is None or not self._reserved(request):
            return None
        self.upcoming = None
        self.tally.asked += 1
        return request

    def _reserved(self, request: Request) -> bool:
        """Whether the most that a request can cost is set aside now; what is in flight may turn out cheaper, and then
        its worker asks again."""
        if self.limit is None or self._is_free(request):
            return True
        most = self.limit.reserve(request.messages)
        self.exhausted = self.exhausted or most is None
        request.reserved = most or 0.0
        return most is not None

    def _again(self, request: Request, fault: Transient) -> None:
        """Let the request wait for another try, or record why it is given up."""
        self._book(request, fault)
        given_up = self._given_up(request, fault)
        tokens = fault.prompt_tokens, fault.completion_tokens
        came = Completion("", "error", *tokens, self._asked(request).model, given_up or fault.reason)
        row = row_of(request, came, final=bool(given_up))
        if given_up:
            request.execution.close()
            self.writer.write(row)
            return
        self.tally.retries += 1
        if any(tokens):
            self.writer.note(row)
        if self._reserved(request):
            self.retries.put(request, fault)
        else:
            self.ready.append(request)

    def _given_up(self, request: Request, fault: Transient) -> str:
        """Why there is no sense in another try; empty where there is."""
        if fault.doubtful:
            return fault.reason if self._believed(request) else ""
        request.refusals += fault.refused
        request.faults += not fault.refused
        return f"gave up after {request.faults} attempts: {fault.reason}" if request.faults >= self.attempts else ""

    def _believed(self, request: Request) -> bool:
        """Whether a refusal says something of this request, and not of the server's state."""
        alone = self.exhausted or self.answered is None
        if alone or request.doubted is None or (self.answered or 0.0) > request.doubted:
            request.doubts += 1
        request.refusals += 1
        request.doubted, self.doubting = time.monotonic(), True
        return request.doubts >= BELIEVED

    def _write(self, request: Request, completion: Completion) -> None:
        self._book(request, completion)
        if completion.finish_reason != "error":
            self.answered, self.doubting = max(self.answered or 0.0, request.begun), False
        self.tally.reasoned += completion.reasoned
        if step := self.executions.advance(request, completion):
            self.ready.append(step)

    def _book(self, request: Request, used: Completion | Transient) -> None:
        """Count what a try took, and take it off the limit."""
        is_free = self._is_free(request)
        cost = self.writer.book(request.messages, used, is_free=is_free)
        if self.limit and not is_free:
            self.limit.settle(request.reserved, request.messages, cost)
            request.reserved = 0.0
