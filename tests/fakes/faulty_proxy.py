"""A reverse proxy between a client and a server that counts what passes and fails on demand.

`with faulty_proxy(endpoint) as proxy:` serves from a thread at `proxy.url`. Calls are numbered from 0 since the last
`proxy.reset()`; `proxy.fail("cut", at=3)` fails the fourth one, with `until_reset=True` every later one too.
"""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

from aiohttp import ClientSession, ClientTimeout, web

# cut: the server never sees the call; lost: it does, and its answer is never seen; a number: the status, unasked
FAULTS = ("cut", "lost", "500", "429", "412")
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}


class FaultyProxy:
    """The proxy's state and its one handler.

    Attributes:
        url: where it listens.
        calls: `METHOD /path` of every call since `reset`, those that failed too.
        sent: method -> bytes of the bodies that passed to the server.
    """

    def __init__(self, target: str) -> None:
        self.target, self.url = target, ""
        self.reset()

    def reset(self) -> None:
        """Count anew, without faults."""
        self.calls: list[str] = []
        self.sent: Counter[str] = Counter()
        self.fault, self.at, self.until_reset = "", -1, False

    def fail(self, fault: str, at: int, *, until_reset: bool = False) -> None:
        """Count anew, and let call number `at` meet the fault, or all from it on."""
        self.reset()
        self.fault, self.at, self.until_reset = fault, at, until_reset

    async def handle(self, request: web.Request) -> web.StreamResponse:
        number = len(self.calls)
        self.calls.append(f"{request.method} {request.path}")
        body = await request.read()
        fault = self.fault if number == self.at or (self.until_reset and number >= self.at >= 0) else ""
        if fault.isdecimal():
            return web.Response(status=int(fault), text="a fault on demand")
        if fault != "cut":
            self.sent[request.method] += len(body)
            response = await self._forward(request, body)
        if fault:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return response

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        async with self.session.request(
            request.method, self.target + request.raw_path, headers=headers, data=body, allow_redirects=False
        ) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


@contextlib.contextmanager
def faulty_proxy(target: str) -> Iterator[FaultyProxy]:
    """A proxy in front of `target` (`http://host:port`), in a thread of its own."""
    proxy, ready = FaultyProxy(target), threading.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(proxy, ready),), daemon=True)
    thread.start()
    assert ready.wait(60), "the proxy did not start"
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(proxy.stop.set)
        thread.join(10)


async def _serve(proxy: FaultyProxy, ready: threading.Event) -> None:
    proxy.stop = asyncio.Event()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{tail:.*}", proxy.handle)
    proxy.session = ClientSession(auto_decompress=False, timeout=ClientTimeout(60), cookie_jar=None)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    ready.set()
    await proxy.stop.wait()
    await proxy.session.close()
    await runner.cleanup()
