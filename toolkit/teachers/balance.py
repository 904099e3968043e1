"""Chooses the server for each request: the one with most room. A failing one rests, then gets one trial request."""

import asyncio
from collections import deque
from collections.abc import Sequence

from yarl import URL

from toolkit.teachers.answer import Reader
from toolkit.teachers.completion import TeacherError
from toolkit.teachers.limit import Limit, Ticket
from toolkit.teachers.request import RequestForm
from toolkit.teachers.routing import Route

FAULTS = 8  # faults in a row until a server rests
FIRST_REST, LONGEST_REST = 1.0, 60.0  # seconds; doubled from one trial to the next
REMEMBERED = 64  # different questions of a streak that are remembered


class Streak:
    """Failures of one kind in a row; it ends when a question is answered that was sent after the first of them."""

    def __init__(self) -> None:
        self.count, self.since = 0, 0.0
        self.questions: set[str] = set()  # those of the failures, `REMEMBERED` at most

    def add(self, question: str, now: float) -> None:
        """Count one more answer, to `question`, at time `now`."""
        self.since = self.since if self.count else now
        self.count += 1
        if len(self.questions) < REMEMBERED:
            self.questions.add(question)

    def end(self, sent: float) -> None:
        """End the streak because a question was answered that was sent at time `sent`, after it began."""
        if self.count and sent >= self.since:
            self.count, self.questions = 0, set()


class ServerState:
    """One URL: how it is asked and read, how many requests it bears, and whether it rests."""

    def __init__(self, route: Route, form: RequestForm, dialect: str, reader: Reader, limit: Limit) -> None:
        self.route, self.form, self.dialect, self.reader, self.limit = route, form, dialect, reader, limit
        self.model = reader.model
        self.url: URL = route.ask(form.path)
        self.proven = False  # whether it has ever answered a question
        self.refusals, self.oddities = Streak(), Streak()  # requests that it finds wrong; 200s without an answer
        self.calm = 0.0  # seconds of the last pause that it got for refusing everything, 0 while it does not
        self.paused = 0.0  # time when that pause ends
        self.faults = 0  # faults in a row
        self.failing_since = 0.0  # time of the first of them
        self.alive = 0.0  # time of its last sign of life
        self.reason = ""  # why it last failed
        self.rest = 0.0  # seconds of the last rest, 0 while it is well
        self.until = 0.0  # time before which nothing is sent
        self.trial = False  # whether the one request after a rest is under way

    def open(self, now: float) -> bool:
        """Say whether a request may be sent at time `now`."""
        if now < self.until:
            return False
        return self.limit.free if not self.rest else not self.trial

    def take(self, now: float) -> Ticket:
        """Count a request that is sent at time `now`."""
        self.trial = self.rest > 0
        return self.limit.take(now)

    def good(self, sent: float) -> None:
        """Note that the server answered a question that was sent at time `sent`."""
        self.proven = True
        for streak in (self.refusals, self.oddities):
            streak.end(sent)
        if not self.refusals.count:
            self.calm = 0.0

    def down(self, now: float) -> float:
        """Say for how many seconds the server has given no good answer; 0 while it is well."""
        since = [self.failing_since] * bool(self.rest) + [self.refusals.since] * bool(self.calm)
        return now - min(since, default=now)

    def well(self, now: float) -> None:
        """Note a sign of life at time `now`."""
        self.alive = now
        self.faults, self.rest, self.trial = 0, 0.0, False


class Balancer:
    """Hands out servers that have room, to requests in the order of their arrival.

    Args:
        servers: at least one.
        patience: seconds after which the run ends if all servers have failed for that long.
    """

    def __init__(self, servers: Sequence[ServerState], patience: float) -> None:
        self.servers = servers
        self.patience = patience
        self._waiting: deque[asyncio.Future[tuple[ServerState, Ticket]]] = deque()
        self._loop = asyncio.get_running_loop()
        self._end: TeacherError | None = None
        for server in servers:  # a pause that began before the client was entered again goes on
            self._close(server, max(server.until - self._loop.time(), 0.0))

    async def take(self) -> tuple[ServerState, Ticket]:
        """Wait for the server that has most room; give it and the request's ticket there.

        One of `answered`, `refused`, `faulted` and `dropped` must follow.

        Raises:
            TeacherError: when every server has failed for `patience` seconds.
        """
        if self._end:
            raise self._end
        now = self._loop.time()
        if not self._waiting and (server := self._roomiest(now)):
            return server, server.take(now)
        future: asyncio.Future[tuple[ServerState, Ticket]] = self._loop.create_future()
        self._waiting.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and not future.exception():
                self.dropped(future.result()[0])
            raise

    def answered(self, server: ServerState, ticket: Ticket) -> None:
        """Note that the server served the request."""
        server.limit.accepted(ticket, self._loop.time())
        server.good(ticket.sent)
        self._sign_of_life(server)

    def doubted(self, server: ServerState, ticket: Ticket, question: str, reason: str) -> None:
        """Note that the server finds the request wrong.

        One that was well before and now finds every question wrong is given pauses.
        """
        now = self._loop.time()
        server.limit.accepted(ticket, now)
        if not server.calm or ticket.sent >= server.paused:
            server.refusals.add(question, now)
        if server.proven and len(server.refusals.questions) > 1 and server.refusals.count >= FAULTS:
            self._calm_down(server, ticket, reason, now)
        self._sign_of_life(server)

    def _calm_down(self, server: ServerState, ticket: Ticket, reason: str, now: float) -> None:
        if server.calm and ticket.sent < server.paused:
            return  # sent before the pause
        server.calm = min(2 * server.calm, LONGEST_REST) or FIRST_REST
        server.paused, server.reason = now + server.calm, reason
        self._close(server, server.calm)
        self._give_up_in_time(now)

    def refused(self, server: ServerState, ticket: Ticket, after: float | None) -> None:
        """Note that the server refused for load, or for its rate where it says how long to wait."""
        if after is None:
            server.limit.refused(ticket, self._loop.time())
        else:
            server.limit.failed(self._loop.time())
            self._close(server, after)
        self._sign_of_life(server)

    def faulted(self, server: ServerState, ticket: Ticket, reason: str) -> None:
        """Note a fault: of the connection, of the server itself, or of the time."""
        now = self._loop.time()
        server.limit.failed(now)
        server.reason = reason
        if ticket.sent < server.alive:
            self._wake()
            return  # others were answered while it hung: that says nothing about the server
        if server.rest and now < server.until:
            return  # sent before it went to rest
        server.failing_since = server.failing_since if server.faults else now
        server.faults += 1
        if server.rest or server.faults >= FAULTS:
            server.rest = min(2 * server.rest, LONGEST_REST) or FIRST_REST
            server.trial = False
            self._close(server, server.rest)
            self._give_up_in_time(now)
        self._wake()

    def dropped(self, server: ServerState) -> None:
        """Note that the request was called off, which says nothing about the server."""
        server.limit.failed(self._loop.time())
        server.trial = False
        self._wake()

    def _close(self, server: ServerState, seconds: float) -> None:
        server.until = max(server.until, self._loop.time() + seconds)
        self._loop.call_later(seconds + 0.001, self._wake)

    def _sign_of_life(self, server: ServerState) -> None:
        server.well(self._loop.time())
        if self._waiting:
            self._wake()

    def _roomiest(self, now: float) -> ServerState | None:
        best, least = None, 2.0**63
        for server in self.servers:
            if server.open(now) and (load := server.limit.taken / server.limit.size) < least:
                best, least = server, load
        return best

    def _wake(self) -> None:
        now = self._loop.time()
        while self._waiting and (server := self._roomiest(now)):
            future = self._waiting.popleft()
            if not future.done():
                future.set_result((server, server.take(now)))

    def _give_up_in_time(self, now: float) -> None:
        if not all(server.down(now) >= max(self.patience, 1e-9) for server in self.servers):
            return
        faults = ", ".join(f"{server.route.name} ({server.reason})" for server in self.servers)
        self._end = TeacherError(
            f"no teacher has answered for {self.patience:.0f} s: {faults}. Start it again or correct `urls`; "
            "the run continues from what is written"
        )
        for future in self._waiting:
            if not future.done():
                future.set_exception(self._end)
        self._waiting.clear()
