"""A real loopback server that follows the rules of text-generation-inference, with faults on demand.

`python -m tests.fakes.tgi --port 0 --latency 0.01 --refuse-every 7` prints its URL on the first line and serves until
it is stopped; `with tgi(refuse_every=7) as url:` serves from a thread. GET /stats tells what was seen, POST /settings
changes faults and latency on the way.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import random
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from aiohttp import web

from tests.fakes.answers import Answer, from_solutions, made_up, read_solutions
from tests.fakes.rules import CHAT, COMPLETIONS, GENERATE, Limits, Refused, Wording, pages, parse, validate, words

OVERLOADED = Refused(429, {"error": "Model is overloaded", "error_type": "overloaded"})
INCOMPLETE = Refused(500, {"error": "Incomplete generation", "error_type": "incomplete_generation"})
JSON = {"Content-Type": "application/json"}
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
FAULTS = ("fail", "hang", "garbage", "html", "slow", "cut")  # shares of the requests, one fault each


@dataclasses.dataclass
class Settings:
    """Latency and faults; shares lie in [0, 1] and a request meets one fault at most."""

    latency: float = 0.0  # seconds an answer takes
    refuse_every: int = 0  # every k-th request is refused with 429, whatever the load
    retry_after: float | None = None  # seconds, sent with each 429
    fail: float = 0.0  # 500
    hang: float = 0.0  # no answer, ever
    garbage: float = 0.0  # 200 with half of the JSON
    html: float = 0.0  # 200 with a page
    slow: float = 0.0  # the body comes in ten pieces over `slow_seconds`
    slow_seconds: float = 1.0
    cut: float = 0.0  # the connection is cut within the body
    status: int = 0  # every request is answered with this status: 401, 503, ...
    token: str = ""  # what the Authorization header must bring
    fault_seed: int = 0


class Tgi:
    """The server's state and its one handler."""

    def __init__(self, limits: Limits, settings: Settings, answer: Answer = made_up) -> None:
        self.limits, self.settings, self.answer = limits, settings, answer
        self.wording, self.pages = Wording(limits), pages(limits)
        self.paths = {CHAT, GENERATE} if limits.dialect == "tgi" else {CHAT, COMPLETIONS}
        self.chance = random.Random(settings.fault_seed)
        self.running = self.most_running = self.requests = 0
        self.statuses: Counter[str] = Counter()
        self.read: Counter[str] = Counter()  # pages such as /info
        self.asked: Counter[tuple[str, int]] = Counter()  # (prompt, seed) of every request that got a permit
        self.answered: Counter[tuple[str, int]] = Counter()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.removeprefix(self.limits.prefix)
        if path in self.paths:
            return await self._generate(request, path)
        if path == "/settings":
            self.settings = dataclasses.replace(self.settings, **json.loads(await request.read()))
        if path in ("/settings", "/stats", "/stats/pairs"):
            return web.json_response(self.stats(pairs=path == "/stats/pairs"))
        return await self._page(request, path)

    async def _page(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        self.read[path] += 1
        refused = self._refused(request)
        if refused:
            return respond(refused)
        if path in ("/tokenize", "/chat_tokenize"):
            body = json.loads(await request.read())
            text = body.get("inputs") or body.get("prompt") or body["messages"][-1]["content"]
            return web.json_response(self._tokens(path, text))
        page = self.pages.get(path)
        return respond(Refused(404, "")) if page is None else web.json_response(page)

    def _tokens(self, path: str, text: str) -> Any:
        if self.limits.dialect != "tgi":
            return {"count": words(text), "max_model_len": self.limits.max_total_tokens}
        tokens = [{"id": 1, "text": word, "start": 0, "stop": 1} for word in text.split()]
        return tokens if path == "/tokenize" else {"tokenize_response": tokens, "templated_text": text}

    def _refused(self, request: web.BaseRequest) -> Refused | None:
        settings = self.settings
        if settings.status:
            return Refused(settings.status, {"error": "as told", "error_type": "fault"})
        if settings.token and request.headers.get("Authorization") != f"Bearer {settings.token}":
            return Refused(401, {"error": "Unauthorized"})
        return None

    async def _generate(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        self.requests += 1
        number, settings = self.requests, self.settings
        try:
            prompt, parameters = parse(path, await request.read())
            if settings.status or settings.token:
                refused = self._refused(request)
                if refused:
                    raise refused
            every = settings.refuse_every
            if self.running >= self.limits.permits or (every and number % every == 0):
                raise OVERLOADED
        except Refused as refused:
            self.statuses[str(refused.status)] += 1
            return respond(refused, settings.retry_after)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            return await self._permitted(request, path, prompt, parameters)
        except Refused as refused:
            self.statuses[str(refused.status)] += 1
            return respond(refused)
        finally:
            self.running -= 1

    async def _permitted(
        self, request: web.BaseRequest, path: str, prompt: str, parameters: dict[str, Any]
    ) -> web.StreamResponse:
        asked = validate(self.limits, path, prompt, parameters)
        pair = (prompt, asked.seed)
        self.asked[pair] += 1
        fault = self._fault()
        if fault == "hang":
            self.statuses["hang"] += 1
            await asyncio.sleep(3600)
        if self.settings.latency:
            await asyncio.sleep(self.settings.latency)
        if fault == "fail":
            raise INCOMPLETE
        body = self.wording.body(asked, self.answer(prompt, asked.seed))
        if fault:
            self.statuses[fault] += 1
            if fault == "slow":
                self.answered[pair] += 1
            return await FAULTY[fault](request, body, self.settings)
        self.statuses["200"] += 1
        self.answered[pair] += 1
        # TGI tells the length of the prompt of /generate in a header only.
        headers = JSON if path != GENERATE else JSON | {"x-prompt-tokens": str(words(prompt))}
        return web.Response(body=body, headers=headers)

    def _fault(self) -> str:
        settings = self.settings
        shares = (settings.fail, settings.hang, settings.garbage, settings.html, settings.slow, settings.cut)
        if not any(shares):
            return ""
        return self.chance.choices((*FAULTS, ""), (*shares, 1 - sum(shares)))[0]

    def stats(self, pairs: bool = False) -> dict[str, Any]:
        """What was seen: `pairs_asked` distinct (prompt, seed) with a permit, `repeats` requests beyond the first."""
        seen = {
            "requests": self.requests,
            "running": self.running,
            "most_running": self.most_running,
            "statuses": dict(self.statuses),
            "read": dict(self.read),
            "pairs_asked": len(self.asked),
            "pairs_answered": len(self.answered),
            "repeats": self.asked.total() - len(self.asked),
            "answered_twice": self.answered.total() - len(self.answered),
        }
        return seen | ({"asked": [[*pair, count] for pair, count in self.asked.items()]} if pairs else {})


def respond(refused: Refused, retry_after: float | None = None) -> web.Response:
    headers = JSON if refused.body.startswith("{") else {"Content-Type": "text/plain; charset=utf-8"}
    if retry_after is not None and refused.status == 429:
        headers = headers | {"Retry-After": f"{retry_after:g}"}
    return web.Response(status=refused.status, body=refused.body.encode(), headers=headers)


async def garbage(request: web.BaseRequest, body: bytes, settings: Settings) -> web.StreamResponse:
    return web.Response(body=body[: len(body) // 2], headers=JSON)


async def html(request: web.BaseRequest, body: bytes, settings: Settings) -> web.StreamResponse:
    return web.Response(body=b"<html><body>Bad gateway</body></html>", headers={"Content-Type": "text/html"})


async def slow(request: web.BaseRequest, body: bytes, settings: Settings) -> web.StreamResponse:
    response = web.StreamResponse(headers=JSON | {"Content-Length": str(len(body))})
    await response.prepare(request)
    piece = len(body) // 10 + 1
    for start in range(0, len(body), piece):
        await asyncio.sleep(settings.slow_seconds / 10)
        await response.write(body[start : start + piece])
    return response


async def cut(request: web.BaseRequest, body: bytes, settings: Settings) -> web.StreamResponse:
    response = web.StreamResponse(headers=JSON | {"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


FAULTY = {"garbage": garbage, "html": html, "slow": slow, "cut": cut}


async def start(handler: Handler, port: int = 0) -> tuple[web.ServerRunner, str]:
    """Serve on 127.0.0.1; returns what to clean up and the URL."""
    # A client that goes away gives its permit back at once, as with TGI.
    runner = web.ServerRunner(web.Server(handler, access_log=None, handler_cancellation=True))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=4096, shutdown_timeout=0.1)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


def make(answers: Path | None = None, right: float = 0.7, variants: int = 8, **values: Any) -> Tgi:
    """A server from flat settings: the fields of `Limits` and `Settings`, and where its answers come from."""
    named = {field.name for field in dataclasses.fields(Limits)}
    limits = Limits(**{key: values.pop(key) for key in sorted(values) if key in named})
    answer = from_solutions(read_solutions(answers), right, variants) if answers else made_up
    return Tgi(limits, Settings(**values), answer)


@contextlib.contextmanager
def in_thread(handler: Handler, port: int = 0) -> Iterator[str]:
    """The URL of a server that runs in a thread of this process."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner, url = asyncio.run_coroutine_threadsafe(start(handler, port), loop).result()
    try:
        yield url
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def tgi(port: int = 0, **values: Any) -> Iterator[str]:
    """The URL of a fake teacher in a thread of this process; takes what `make` takes."""
    with in_thread(make(**values).handle, port) as url:
        yield url


def stats(url: str, pairs: bool = False) -> dict[str, Any]:
    """What the server at `url` has seen."""
    with urlopen(f"{url}/stats/pairs" if pairs else f"{url}/stats") as response:
        seen: dict[str, Any] = json.load(response)
    return seen


def change(url: str, **settings: Any) -> None:
    """Change `Settings` of the running server."""
    with urlopen(Request(f"{url}/settings", data=json.dumps(settings).encode(), method="POST")) as response:
        response.read()


async def serve(server: Tgi, port: int) -> None:
    _, url = await start(server.handle, port)
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--answers", type=Path, help="JSONL of questions and worked solutions")
    parser.add_argument("--right", type=float, default=0.7, help="share of right answers")
    parser.add_argument("--variants", type=int, default=8, help="wordings of a right answer")
    for field in (*dataclasses.fields(Limits), *dataclasses.fields(Settings)):
        kind = float if field.default is None else type(field.default)
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    values = vars(parser.parse_args())
    port = values.pop("port")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(make(**values), port))


if __name__ == "__main__":
    main()
