"""The Space under load: how long an answer takes, whether 50 clients at once get theirs, what that does to its memory.

    OMP_NUM_THREADS=1 python benchmarks/space.py [--clients 50] [--rounds 10]

Answers are timed in CPU seconds of one process with the example loaded, against the limit of 300 ms: what a moved
control asks for, and what the API does with a ladder that it has never seen. Clients are `gradio_client`'s, each with a
ladder of its own, at a server process; right is what the same function answers here. Memory is the server's resident
size after each round; it should stay where it is once the caches are full. Clients wait for `--wait` seconds at most,
and one that gets no answer names the server; how much longer than a client alone they all take is printed. With
Chromium at hand, the time until a figure is on screen is told, too, against 3 s and against a page of Gradio that holds
one small figure and nothing else.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import httpx
import numpy as np
import psutil
from gradio_client import Client

SPACE = Path(__file__).parents[1] / "spaces" / "law"
sys.path.insert(0, str(SPACE))

import api  # noqa: E402
import selection  # noqa: E402
from toolkit.laws.coverage.simulate import simulate_surface  # noqa: E402
from views import extrapolate, law  # noqa: E402

LIMIT, SCREEN = 0.3, 3.0
FILLED = 6  # rounds until the caches of fits and reports are full
SAME = 1e-6  # the last digits of a fit depend on where its arrays lie in memory
BUDGETS = [float(r) for r in (1, 2, 4, 8, 16) for _ in range(3)]
QUESTIONS, RUNGS = (axis.ravel() for axis in np.meshgrid((128, 256, 512, 1024), (1, 2, 4, 8, 16)))
TRUTH = {"E": 0.1, "B": 0.9 * 400**0.7, "D0": 400**0.7, "beta": 0.7, "kappa": 0.1}
PRICES = {"question": 20.0, "response": 1.0}
BARE = """
import gradio as gr
import plotly.graph_objects as go
with gr.Blocks(analytics_enabled=False) as page:
    gr.Plot(go.Figure(go.Scatter(x=[1, 2, 3], y=[3, 1, 2], mode="markers")))
page.launch(ssr_mode=False)
"""


def ladder(seed: int) -> dict[str, Any]:
    """Three students on each of five budgets, and what is asked of `/forecast`."""
    rng = np.random.default_rng(seed)
    floor, beta = rng.uniform(0.1, 0.4), rng.uniform(0.5, 1.2)
    errors = floor + 1.5 / (2 + np.array(BUDGETS) ** beta) + rng.normal(0, 0.008, len(BUDGETS))
    return {"budgets": BUDGETS, "errors": errors.clip(0, 1).tolist(), "ahead": [32.0, 64.0]}


def timed(name: str, ask: Callable[[int], object], times: int = 5) -> None:
    """Median CPU time of `ask(0..times)`, each another question, against the limit."""
    seconds = []
    for number in range(times):
        start = time.process_time()
        ask(number)
        seconds.append(time.process_time() - start)
    median, worst = float(np.median(seconds)), max(seconds)
    print(f"{name:<46} {1000 * median:6.0f} ms, {median / LIMIT:5.2f} of the limit (worst {1000 * worst:.0f} ms)")


def cells(seed: int) -> tuple[list[float], list[float], list[float]]:
    """Questions, budgets and errors of two students in each of 4 x 5 cells."""
    rng = np.random.default_rng(seed)
    errors = simulate_surface(QUESTIONS, RUNGS, **TRUTH, items=1000, replicates=2, rng=rng)
    return np.tile(QUESTIONS, 2).tolist(), np.tile(RUNGS, 2).tolist(), errors.ravel().tolist()


def answers() -> None:
    """What is timed: moved controls on loaded data, then data that nobody has sent before."""
    chosen = selection.settle([None] * len(selection.NAMES))[0]
    law.render(chosen, "r", "log")
    timed("forecast at another budget, as a page", lambda k: extrapolate.render(chosen, 20.0 + k, "90"))
    known = cells(0)
    api.plan(*known, PRICES, spend=12000.0)
    timed("/plan of known cells, other prices", lambda k: api.plan(*known, PRICES | {"question": 21.0 + k}, spend=12e3))
    timed("/forecast of an unseen ladder", lambda k: api.forecast(**ladder(1000 + k)))
    timed("/plan of unseen cells", lambda k: api.plan(*cells(1 + k), PRICES, spend=12e3))


@contextmanager
def served(*command: str) -> Iterator[tuple[str, psutil.Process]]:
    """A page in a process of its own, by what Python is to run in the Space's folder: address and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port)}
    process = subprocess.Popen([sys.executable, *command], cwd=SPACE, env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    try:
        while not _up(url):
            time.sleep(0.2)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30):
            return True
    except (URLError, TimeoutError):
        return False


def apart(one: Any, other: Any) -> float:
    """The largest relative difference of two answers' numbers; infinite where anything else differs."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return max((apart(one[key], other[key]) for key in one), default=0.0)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return max((apart(*pair) for pair in zip(one, other, strict=True)), default=0.0)
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) / max(abs(other), 1e-9)
    return 0.0 if one == other else float("inf")


def asked_of(client: Client, question: dict[str, Any]) -> Any:
    """What the server answers; a TimeoutError names it."""
    try:
        return client.predict(**question, api_name="/forecast")
    except httpx.TimeoutException as error:
        limit = client.httpx_kwargs["timeout"]
        raise TimeoutError(f"{client.src} gave no answer within {limit:g} s: wait longer (--wait)") from error


def alone(client: Client) -> float:
    """Seconds until the answer of a server that has nothing else to do: the median of some."""
    seconds = []
    for seed in range(5):
        start = time.perf_counter()
        asked_of(client, ladder(10**6 + seed))
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def load(url: str, server: psutil.Process, clients: int, rounds: int, wait: float) -> None:
    connected = [Client(url, verbose=False, httpx_kwargs={"timeout": wait}) for _ in range(clients)]
    sizes, single = [server.memory_info().rss / 1e6], alone(connected[0])
    with ThreadPoolExecutor(clients) as pool:
        for round_ in range(rounds):
            asked = [ladder(round_ * clients + k) for k in range(clients)]
            start = time.perf_counter()
            jobs = zip(connected, asked, strict=True)
            answered = list(pool.map(lambda job: asked_of(*job), jobs))
            seconds = time.perf_counter() - start
            gaps = [
                apart(answer, json.loads(json.dumps(api.forecast(**each))))
                for answer, each in zip(answered, asked, strict=True)
            ]
            sizes.append(server.memory_info().rss / 1e6)
            told = f"{sum(gap < SAME for gap in gaps)} right answers in {seconds:.1f} s, at most {max(gaps):.0e} apart"
            ratio = f"{seconds / single:.1f} times one client alone ({single:.2f} s)"
            print(f"{clients} clients at once: {told}; {ratio}; server {sizes[-1]:.0f} MB")
    full = sizes[min(FILLED, rounds)]
    print(f"memory: {sizes[0]:.0f} MB before, at the end {sizes[-1] / full:.3f} of when the caches were full")


def screen(space: str, bare: str, wait: float) -> None:
    """Seconds until the first figure, in a browser that has never been here; the two pages in turn."""
    from playwright.sync_api import sync_playwright

    taken: dict[str, list[float]] = {space: [], bare: []}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for url in [space, bare] * 5:
            page = browser.new_context().new_page()
            page.set_default_timeout(1000 * wait)
            start = time.perf_counter()
            page.goto(url)
            page.locator(".js-plotly-plot .point").first.wait_for()
            taken[url].append(time.perf_counter() - start)
            page.context.close()
        browser.close()
    ours, theirs = (float(np.median(seconds)) for seconds in taken.values())
    told = f"{ours:.1f} s, {ours / SCREEN:.2f} of the limit, {ours / theirs:.2f} of a bare page ({theirs:.1f} s)"
    print(f"first figure on screen after {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--wait", type=float, default=300.0, help="seconds that a client or page waits")
    args = parser.parse_args()
    answers()
    with served("app.py") as (url, server):
        if shutil.which("chromium"):
            with served("-c", BARE) as (bare, _):
                screen(url, bare, args.wait)
        load(url, server, args.clients, args.rounds, args.wait)


if __name__ == "__main__":
    main()
