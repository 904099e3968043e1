"""Self-Refine by the engine against a bare asyncio loop that makes the same chains, at one loopback server, in turn.

    python benchmarks/protocols.py [--questions 1000 4000] [--concurrency 256] [--repeats 3]

The server answers after 10 ms and has a core of its own, the clients share another. It never says that all is right, so
that each response is a chain of five requests whose prompts grow. The bare loop writes the same lines, without a
journal that a rerun reads, retries, or anything flushed before its end. Limits: 0.85 of the bare loop's rate at the
first number of questions, and memory that does not grow from the first to the last.
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loopback import cores, loopback, stats

MODEL, ROUNDS = "org/teacher", 4
QUESTION = "What is {} + {}? Show each step, then give the answer."
REVIEW = (
    "You review a solution to a problem and then write it out again.\n\nProblem:\n{}\n\nWhat was said and rewritten so "
    "far:\n{}\n\nCurrent solution:\n{}\n\nGo through the current solution step by step. Say of each step whether it is "
    "right, and where it is not, what is wrong. If all of them are right and the final answer is, too, write this line "
    "by itself:\nEvery step is right.\nAt the end write this line by itself:\nSolution:\nand below it all of it."
)
Figures = dict[str, float]


def questions(count: int) -> list[tuple[str, str]]:
    return [(f"{at:016x}", QUESTION.format(at, at * 7 % 1000)) for at in range(count)]


async def bare_loop(url: str, out: Path, count: int, concurrency: int) -> int:
    """What one writes in a quarter of an hour: a chain per question, as many at once as there may be requests."""
    import aiohttp

    todo, written = iter(questions(count)), 0

    async def ask(text: str, seed: int) -> dict[str, Any]:
        messages = [{"role": "user", "content": text}]
        body = {"model": "tgi", "messages": messages, "max_tokens": 512, "temperature": 0.8, "seed": seed}
        async with session.post(f"{url}/v1/chat/completions", json=body) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def work() -> None:
        nonlocal written
        for question_id, text in todo:
            reviews: list[str] = []
            attempt = ""
            for step in range(1 + ROUNDS):
                data = await ask(REVIEW.format(text, "\n\n".join(reviews), attempt) if step else text, step)
                said = data["choices"][0]["message"]["content"]
                attempt = said if not step else said.rpartition("Solution:\n")[2] or attempt
                reviews += [f"Review {step}:\n{said}"] if step else []
                row = {"question_id": question_id, "step": step, "text": said, **data["usage"], "model": data["model"]}
                file.write(json.dumps(row) + "\n")
            written += 1

    limits: dict[str, Any] = {"connector": aiohttp.TCPConnector(limit=concurrency)}
    async with aiohttp.ClientSession(**limits) as session:
        with out.open("w") as file:
            await asyncio.gather(*(work() for _ in range(concurrency)))
    return written


def bare(url: str, out: Path, count: int, concurrency: int) -> int:
    return asyncio.run(bare_loop(url, out, count, concurrency))


def engine(url: str, out: Path, count: int, concurrency: int) -> int:
    from toolkit.protocols import load_protocol
    from toolkit.recipe.sections import Sampling, Serving, Teacher
    from toolkit.synthesis.journal import Journal
    from toolkit.synthesis.sampler import sample
    from toolkit.teachers.backends.endpoint import EndpointTeacher

    serving = Serving(urls=(url,), concurrency=concurrency)
    teacher = EndpointTeacher(Teacher(teacher=MODEL), serving, Sampling(max_tokens=512))
    protocol = load_protocol("self_refine", "{{ question }}", {"rounds": ROUNDS})
    draws = ((question_id, text, 0) for question_id, text in questions(count))
    with Journal(out) as journal:
        return sample(journal, draws, teacher, protocol, sampling_seed=0, report=lambda tally: None).sampled


CLIENTS = {"bare": bare, "engine": engine}


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def client(args: argparse.Namespace) -> None:
    """Run one client in this process and print its figures."""
    os.sched_setaffinity(0, {cores()[0]})
    if args.client == "engine":
        import toolkit.protocols.self_refine
        import toolkit.synthesis.sampler
        import toolkit.teachers.backends.endpoint  # noqa: F401
    else:
        import aiohttp  # noqa: F401
    imported, wall, cpu = peak(), time.perf_counter(), time.process_time()
    made = CLIENTS[args.client](args.url, args.out, args.questions[0], args.concurrency)
    figures = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "made": made}
    print(json.dumps(figures | {"memory": peak() - imported}))


def run(name: str, url: str, count: int, concurrency: int) -> Figures:
    """Chains a second, us of CPU a request, and MiB above imports, of one client in a process of its own."""
    with TemporaryDirectory() as folder:
        options = [f"--client={name}", f"--url={url}", f"--out={folder}/out", f"--concurrency={concurrency}"]
        before = stats(url)["requests"]
        command = [sys.executable, __file__, *options, "--questions", str(count)]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        requests = stats(url)["requests"] - before
    figures: Figures = json.loads(ran.stdout.splitlines()[-1])
    if figures["made"] != count or requests != count * (1 + ROUNDS):
        sys.exit(f"{name}: {figures['made']} chains of {count}, {requests} requests")
    return {"rate": count / figures["wall"], "cpu": 1e6 * figures["cpu"] / requests, "memory": figures["memory"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--questions", type=int, nargs="+", default=[1_000, 4_000])
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.client:
        client(args)
        return
    few, many = args.questions[0], args.questions[-1]
    with loopback(latency=0.01) as url:
        found: dict[str, list[Figures]] = {name: [] for name in CLIENTS}
        for repeat in range(args.repeats):
            for name in CLIENTS:
                found[name].append(run(name, url, few, args.concurrency))
                rate, cpu, memory = (found[name][-1][figure] for figure in ("rate", "cpu", "memory"))
                used = f"{cpu:,.0f} us CPU a request, {memory:.1f} MiB above imports"
                print(f"{repeat + 1}. {name:6s} {rate:>7,.0f} chains/s, {used}")
        larger = run("engine", url, many, args.concurrency)["memory"]
    pairs = zip(found["engine"], found["bare"], strict=True)
    rate = statistics.median(one["rate"] / other["rate"] for one, other in pairs)
    cpus = [statistics.median(figures["cpu"] for figures in found[name]) for name in ("bare", "engine")]
    print(
        f"engine / bare loop: x {rate:.2f} of its chains/s (at least 0.85), {cpus[1] - cpus[0]:+.0f} us CPU a request"
    )
    print(f"engine, {many:,} questions: {larger:.1f} MiB above imports")


if __name__ == "__main__":
    main()
