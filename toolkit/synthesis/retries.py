"""Requests that failed and may succeed later, in the order in which they are due."""

import dataclasses
import heapq
import itertools
import time

from tenacity import RetryCallState, wait_random_exponential

from toolkit.prompt import Messages
from toolkit.protocols.execution import Execution
from toolkit.teachers.completion import Transient

# Seconds before a request is sent again: anything between 0 and a limit that doubles with each fault. One that was
# refused waits less: how many may be sent at all is the teacher's own care.
PAUSE = wait_random_exponential(multiplier=0.25, max=30)
REFUSED_PAUSE = wait_random_exponential(multiplier=0.25, max=2)


@dataclasses.dataclass(slots=True)
class Request:
    """A step of a response that is being asked for."""

    execution: Execution
    question_id: str
    index: int
    step: str
    occurrence: int  # of the step
    messages: Messages
    seed: int
    parents: tuple[str, ...] = ()  # the steps that it builds on
    due: float = 0.0  # monotonic time in seconds before which it is not sent
    faults: int = 0  # times that it failed
    refusals: int = 0  # times that it was refused for load, or as wrong
    doubts: int = 0  # times that it was refused as wrong while others were answered
    doubted: float | None = None  # monotonic time of the last of them
    begun: float = 0.0  # monotonic time when it was last handed to the teacher
    reserved: float = 0.0  # cost that is set aside for it


class Retries:
    """A heap of requests by due time; a waiting request holds neither a slot of the teacher nor a worker."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Request]] = []
        self._counter = itertools.count()  # equal times are served in the order of coming

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, request: Request, fault: Transient) -> None:
        """Make `request` due after a jittered pause, on top of what the server asked to wait for."""
        state = RetryCallState(None, None, (), {})  # type: ignore[arg-type]  # only the number is looked at
        refused = fault.refused or fault.doubtful
        state.attempt_number = request.refusals if refused else request.faults
        pause = REFUSED_PAUSE if refused else PAUSE
        request.due = time.monotonic() + (fault.after or 0) + pause(state)
        heapq.heappush(self._heap, (request.due, next(self._counter), request))

    def due(self) -> Request | None:
        """Take the first request whose time has come."""
        return self.first() if self._heap and self._heap[0][0] <= time.monotonic() else None

    def first(self) -> Request | None:
        """Take the request that is due first, whether its time has come or not."""
        return heapq.heappop(self._heap)[-1] if self._heap else None
