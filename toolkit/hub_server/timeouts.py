"""Refuse clients whose headers or bodies do not come in time, or whose `Host` is wrong."""

import asyncio
import re
import time
from typing import Any

import h11
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from toolkit.hub_server.errors import HubError

HEADER_SECONDS = 20.0  # limit for a request's headers, and for the rest of a body that was answered before its end
BODY_SECONDS = 60.0  # limit of the total wait for a body, to which each `SLOWEST` received bytes add a second
SLOWEST = 4096  # bytes per second
LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
HOST = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")


class TimedProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection when headers, or the rest of an answered request, do not come in time."""

    _alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._set_alarm()

    def data_received(self, data: bytes) -> None:
        """Stop the clock while the application works on a request; it has a clock of its own."""
        try:
            super().data_received(data)
        except h11.LocalProtocolError:  # invalid data after a request that was already answered
            self.transport.close()
        self._set_alarm()

    def on_response_complete(self) -> None:
        """Start the clock of the rest of the request, or of the next one."""
        super().on_response_complete()
        self._set_alarm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        super().connection_lost(exc)
        self._set_alarm()

    def _set_alarm(self) -> None:
        answered = self.cycle is None or self.cycle.response_complete
        is_due = answered and self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.transport.is_closing()
        if is_due and self._alarm is None:
            self._alarm = self.loop.call_later(HEADER_SECONDS, self._give_up)
        elif self._alarm and not is_due:
            self._alarm.cancel()
            self._alarm = None

    def _give_up(self) -> None:
        if self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE:
            self.transport.write(LATE)
        self.transport.close()


class TimedBody:
    """An ASGI application whose request bodies come in time; a `HubError` 408 ends those that do not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        waited, came, whole = 0.0, 0, False

        async def timed() -> Message:
            nonlocal waited, came, whole
            if whole:  # from here on it only reports that the client went away
                return await receive()
            start = time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), BODY_SECONDS + came / SLOWEST - waited)
            except TimeoutError as error:
                text = f"The request did not come in time: {came} bytes of its body in {BODY_SECONDS:g} s and more"
                raise HubError(408, text, headers={"Connection": "close"}) from error
            waited += time.monotonic() - start
            came += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        await self.app(scope, timed, send)


class CheckedHost:
    """An ASGI application that answers only requests whose `Host` is valid and, with `allowed`, one of those names.

    So a web page that names this machine by a domain of its own gets no answer.
    """

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...] | None) -> None:
        self.app = app
        self.allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        name = re.sub(r":[0-9]+$", "", host).lower()
        fits = HOST.fullmatch(host) and (self.allowed is None or name in self.allowed)
        app: Any = self.app if fits else JSONResponse({"error": "Invalid Host header"}, 400)
        await app(scope, receive, send)
