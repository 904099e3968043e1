"""The clients that the sampling benchmarks compare, each in a process of its own.

Every client asks `count` times and writes a JSON line per response; it prints a JSON line with the wall and processor
seconds from the first request until all is written, the rows, and the peak memory in MiB after imports and at the end.
"""

import argparse
import asyncio
import json
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

QUESTIONS = 1_000
MODEL = "org/teacher"


def rows(count: int) -> Iterator[tuple[str, str, int]]:
    """(question id, text, index), index by index."""
    for n in range(count):
        at = n % QUESTIONS
        yield f"{at:016x}", f"What is {at} + {at * 7 % 1000}? Show each step, then give the answer.", n // QUESTIONS


async def bare_loop(url: str, out: Path, count: int, concurrency: int, timeout: float) -> int:
    """What one writes in a quarter of an hour: no retries, no resume, nothing safe before the end."""
    todo, written = rows(count), 0
    limits = {"connector": aiohttp.TCPConnector(limit=concurrency), "timeout": aiohttp.ClientTimeout(timeout)}

    async def work() -> None:
        nonlocal written
        for question_id, text, index in todo:
            messages = [{"role": "user", "content": text}]
            body = {"model": "tgi", "messages": messages, "max_tokens": 512, "temperature": 0.8, "seed": index}
            try:
                async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                    if response.status != 200:
                        continue
                    data = await response.json()
            except (TimeoutError, aiohttp.ClientError, ValueError):
                continue
            choice, usage = data["choices"][0], data["usage"]
            row = {"question_id": question_id, "index": index, "text": choice["message"]["content"]}
            row |= {"finish_reason": choice["finish_reason"], "prompt_tokens": usage["prompt_tokens"]}
            row |= {"completion_tokens": usage["completion_tokens"], "seed": index, "model": data["model"], "error": ""}
            file.write(json.dumps(row) + "\n")
            written += 1

    async with aiohttp.ClientSession(**limits) as session:
        with out.open("w") as file:
            await asyncio.gather(*(work() for _ in range(concurrency)))
    return written


def bare(url: str, out: Path, count: int, concurrency: int, timeout: float) -> int:
    return asyncio.run(bare_loop(url, out, count, concurrency, timeout))


def sampler(url: str, out: Path, count: int, concurrency: int, timeout: float) -> int:
    from toolkit.recipe.sections import Sampling, Serving, Teacher
    from toolkit.synthesis.journal import Journal
    from toolkit.synthesis.sampler import sample
    from toolkit.teachers.backends.endpoint import EndpointTeacher

    serving = Serving(urls=(url,), concurrency=concurrency, timeout=timeout)
    teacher = EndpointTeacher(Teacher(teacher=MODEL), serving, Sampling(max_tokens=512))
    with Journal(out) as journal:
        return sample(journal, rows(count), teacher, sampling_seed=0, report=lambda tally: None).sampled


class Hammer(asyncio.Protocol):
    """Sends the same bytes again as soon as an answer is there: the cheapest load there is."""

    left = 0

    def __init__(self, request: bytes, done: asyncio.Event) -> None:
        self.request, self.done = request, done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"}"):
            self.send()

    def send(self) -> None:
        Hammer.left -= 1
        if Hammer.left >= 0:
            self.transport.write(self.request)  # type: ignore[attr-defined]
        else:
            self.done.set()


async def hammer_loop(url: str, count: int, concurrency: int) -> int:
    loop, done, port = asyncio.get_running_loop(), asyncio.Event(), int(url.rsplit(":", 1)[1])
    body = json.dumps({"model": "tgi", "messages": [{"role": "user", "content": "What is 2 + 2?"}], "seed": 1}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    Hammer.left = count
    for _ in range(concurrency):
        await loop.create_connection(lambda: Hammer(head.encode() + body, done), "127.0.0.1", port)
    await done.wait()
    return count


def hammer(url: str, out: Path, count: int, concurrency: int, timeout: float) -> int:
    return asyncio.run(hammer_loop(url, count, concurrency))


CLIENTS = {"bare": bare, "sampler": sampler, "hammer": hammer}


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--timeout", type=float, default=600.0)
    parser.add_argument("--cpu", type=int, default=None)
    args = parser.parse_args()
    if args.cpu is not None:
        os.sched_setaffinity(0, {args.cpu})
    if args.client == "sampler":
        import toolkit.synthesis.sampler
        import toolkit.teachers.backends.endpoint  # noqa: F401
    imported = peak()
    wall, cpu = time.perf_counter(), time.process_time()
    written = CLIENTS[args.client](args.url, args.out, args.count, args.concurrency, args.timeout)
    figures = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "rows": written}
    print(json.dumps(figures | {"imported": imported, "peak": peak()}))


if __name__ == "__main__":
    main()
