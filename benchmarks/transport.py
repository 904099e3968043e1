"""The transport, chosen by measurement: the endpoint teacher on aiohttp against huggingface_hub's own async client.

    python benchmarks/transport.py [--count 5000] [--concurrency 64] [--repeats 3]

Both ask the same loopback server the same chats, each in a process and on a core of its own, in turn. The Hub's client
gets a pool as large as the concurrency; its default of 100 connections would be a limit of another kind.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

from loopback import cores, loopback

Ask = Callable[[str, int], Awaitable[object]]


async def time_all(ask: Ask, count: int, concurrency: int) -> dict[str, float]:
    """Requests per second and microseconds of CPU per request."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await ask(f"What is {number % 500} + {number % 77}? Show each step, then give the answer.", number)

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    return {
        "rate": count / (time.perf_counter() - wall),
        "cpu": (time.process_time() - cpu) / count * 1e6,
    }


async def by_endpoint_teacher(url: str, count: int, concurrency: int) -> dict[str, float]:
    from toolkit.prompt import user_turn
    from toolkit.recipe.sections import Sampling, Serving, Teacher
    from toolkit.teachers.backends.endpoint import EndpointTeacher

    serving = Serving(urls=(url,), concurrency=concurrency)
    async with EndpointTeacher(Teacher(teacher="org/teacher"), serving, Sampling()) as teacher:

        def ask(question: str, seed: int) -> Awaitable[object]:
            return teacher.complete(user_turn(question), seed)

        return await time_all(ask, count, concurrency)


async def by_hub_client(url: str, count: int, concurrency: int) -> dict[str, float]:
    import httpx2
    from huggingface_hub import AsyncInferenceClient, set_async_client_factory

    pool = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    set_async_client_factory(lambda: httpx2.AsyncClient(limits=pool, timeout=600, trust_env=False))
    client = AsyncInferenceClient(base_url=url, api_key="none")

    def ask(question: str, seed: int) -> Awaitable[object]:
        messages = [{"role": "user", "content": question}]
        return client.chat_completion(messages, model="tgi", max_tokens=64, temperature=0.8, seed=seed)

    return await time_all(ask, count, concurrency)


CLIENTS = {"endpoint teacher": by_endpoint_teacher, "huggingface_hub": by_hub_client}


def run(client: str, url: str, args: argparse.Namespace) -> dict[str, float]:
    """One client's run in a process of its own."""
    options = [f"--count={args.count}", f"--concurrency={args.concurrency}", f"--client={client}", f"--url={url}"]
    # The Hub's client refuses even loopback addresses where the Hub is switched off.
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    ran = subprocess.run(
        [sys.executable, __file__, *options], stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    figures: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    print(f"{client:16s} {figures['cpu']:>6,.0f} us CPU a request, {figures['rate']:>7,.0f} requests/s")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.client:
        os.sched_setaffinity(0, {cores()[0]})
        print(json.dumps(asyncio.run(CLIENTS[args.client](args.url, args.count, args.concurrency))))
        return
    with loopback(latency=0.01) as url:
        found = [{client: run(client, url, args) for client in CLIENTS} for _ in range(args.repeats)]

    def middle(client: str, figure: str) -> float:
        return statistics.median(figures[client][figure] for figures in found)

    for figure, words in (("cpu", "of its CPU per request"), ("rate", "of its requests/s")):
        ratio = middle("endpoint teacher", figure) / middle("huggingface_hub", figure)
        print(f"endpoint teacher / huggingface_hub: x {ratio:.2f} {words}")


if __name__ == "__main__":
    main()
