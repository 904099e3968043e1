"""A loopback server that costs little, so that it is the client that is measured; the same answer for every request.

    python benchmarks/loopback.py [--latency 0.01] [--cpu 1] [--refuse-every 7] [--fail 0.05] [--hang 0.02]

Prints its URL and serves until stopped. It answers POST as text-generation-inference answers a chat, after `latency`
seconds, and GET /stats with the requests seen and the processor seconds that they took.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

TEXT = "We add the two numbers, carry the one, and take care of the sign. " * 6 + "The answer is \\boxed{42}."
ANSWER = {
    "object": "chat.completion",
    "id": "",
    "created": 1700000000,
    "model": "org/teacher",
    "system_fingerprint": "loopback",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": TEXT},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 40, "completion_tokens": 90, "total_tokens": 130},
}
INFO = {"model_id": "org/teacher", "model_sha": "0" * 40, "max_total_tokens": 4096, "max_concurrent_requests": 4096}
TICK = 0.0005  # seconds; answers that are due within one go out together


def reply(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


OK = reply("200 OK", json.dumps(ANSWER).encode())
GARBAGE = reply("200 OK", json.dumps(ANSWER).encode()[:200])
REFUSED = reply("429 Too Many Requests", b'{"error":"Model is overloaded","error_type":"overloaded"}')
FAILED = reply("500 Internal Server Error", b'{"error":"Incomplete generation","error_type":"incomplete_generation"}')
PAGES = {"/info": INFO, "/v1/models": {"object": "list", "data": [{"id": "org/teacher", "object": "model"}]}}


class Clock:
    """Sends answers when they are due; one timer for all, since all wait equally long."""

    def __init__(self, faults: argparse.Namespace) -> None:
        self.faults = faults
        self.requests = 0
        self.chance = random.Random(0)
        self.due: collections.deque[tuple[float, asyncio.Transport, bytes, bool]] = collections.deque()
        self.loop = asyncio.get_running_loop()

    def ask(self, transport: asyncio.Transport, close: bool) -> None:
        self.requests += 1
        answer = self.fate()
        if answer in (REFUSED, b""):
            transport.write(answer)
            return
        if not self.due:
            self.loop.call_later(self.faults.latency, self.send)
        self.due.append((self.loop.time() + self.faults.latency, transport, answer, close))

    def fate(self) -> bytes:
        faults = self.faults
        if faults.refuse_every and self.requests % faults.refuse_every == 0:
            return REFUSED
        if not faults.fail + faults.hang + faults.garbage:
            return OK
        drawn = self.chance.random()
        if drawn < faults.fail:
            return FAILED
        if drawn < faults.fail + faults.hang:
            return b""
        return GARBAGE if drawn < faults.fail + faults.hang + faults.garbage else OK

    def send(self) -> None:
        now = self.loop.time() + TICK
        while self.due and self.due[0][0] <= now:
            _, transport, answer, close = self.due.popleft()
            if not transport.is_closing():
                transport.write(answer)
                if close:
                    transport.close()
        if self.due:
            self.loop.call_at(self.due[0][0], self.send)


class Connection(asyncio.Protocol):
    """HTTP/1.1 as far as the clients here speak it: Content-Length bodies, one request at a time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return
        self.buffer = b""
        if head.startswith(b"post /v1/"):
            self.clock.ask(self.transport, b"connection: close" in head)
        else:
            self.page(head.split(b" ", 2)[1].decode())

    def page(self, path: str) -> None:
        stats = {"requests": self.clock.requests, "cpu": time.process_time()}
        body = stats if path == "/stats" else PAGES.get(path)
        self.transport.write(
            reply("404 Not Found", b"") if body is None else reply("200 OK", json.dumps(body).encode())
        )


async def serve(faults: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    clock = Clock(faults)
    server = await loop.create_server(lambda: Connection(clock), "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def cores() -> tuple[int, int]:
    """(the client's core, the server's); the same one twice where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


@contextlib.contextmanager
def loopback(**options: float) -> Iterator[str]:
    """The URL of a server in a process of its own, on its own core."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command = [sys.executable, str(Path(__file__)), f"--cpu={cores()[1]}", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def stats(url: str) -> dict[str, float]:
    """`requests` seen and `cpu` seconds used by now."""
    with urlopen(f"{url}/stats") as response:
        seen: dict[str, float] = json.load(response)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cpu", type=int, default=None, help="core that the server stays on")
    parser.add_argument("--latency", type=float, default=0.01, help="seconds until an answer")
    parser.add_argument("--refuse-every", type=int, default=0, help="every k-th request is refused with 429")
    for fault in ("fail", "hang", "garbage"):
        parser.add_argument(f"--{fault}", type=float, default=0.0, help="share of the requests")
    args = parser.parse_args()
    if args.cpu is not None:
        os.sched_setaffinity(0, {args.cpu})
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(args))


if __name__ == "__main__":
    main()
