"""Every benchmark runs to its end at a tiny size; what it measures there says nothing, so that none is asserted."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 600  # for one at most, on a busy machine

QUICK = {
    "corpus_build": "--responses 960 --texts 500",
    "hub_server": "--megabytes 1",
    "sampler_faults": "--count 40 --repeats 1 --concurrency 8",
    "sampler_memory": "--counts 50 100 --concurrency 8",
    "transport": "--count 40 --repeats 1 --concurrency 8",
    "planner": "--sources 1",
    "protocols": "--questions 20 40 --repeats 1 --concurrency 8",
}
LONG = {  # a minute and more on two cores at any size: models are trained or served, or a grid of fits is run
    "chinchilla_fit": "--runs 24",
    "forecast": "--quick",
    "law_coverage": "--ladders 2",
    "law_speed": "--ladders 2 --starts 1 --peers 1",
    "next_cells": "--quick",
    "main_job": f"{ROOT / 'tests' / 'pipeline' / 'tiny.yaml'} --jobs 2",
    "path_forecast": "--sources 1 --questions 16",
    "release_push": "--questions 8",
    "sampler": "--count 100 --repeats 1 --concurrency 8",
    "scoring": "--items 4 --models 1",
    "space": "--clients 2 --rounds 1",
    "training": "--steps 2",
    "verdicts": "--pairs 40 --data {data}",
}
OF_TESTS = {"release_push", "hub_smoke"}  # they borrow the tests' tiny release
ELSEWHERE = {
    "judge": "tests/commands/test_judge.py runs it, with as many rows as it takes to see its memory",
    "datatrove_peer": "needs datatrove in an environment of its own; here it compiles and tells how it is called",
    "forecast_sources": "the sources of the benchmark forecast, which reads them",
    "hub_smoke": "tests/hub/publishing/test_smoke.py runs it at the embedded Hub",
    "loopback": "a server that works until it is stopped; every sampling benchmark starts it",
    "sampling_clients": "the clients that the sampling benchmarks start; run here for each alone",
}


def run(name: str, *arguments: str) -> str:
    """As its own text says it is called."""
    called = ["-m", f"benchmarks.{name}"] if name in OF_TESTS else [f"benchmarks/{name}.py"]
    command = [sys.executable, *called, *arguments]
    environment = {key: value for key, value in os.environ.items() if key != "FSS_PEER_PYTHON"}
    environment |= {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_no_benchmark_is_left_out():
    known = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {"__init__"}
    assert known == {*QUICK, *LONG, *ELSEWHERE}


@pytest.mark.parametrize("name", [*QUICK, *LONG, *ELSEWHERE])
def test_each_compiles_and_says_what_it_measures(name):
    source = (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
    assert compile(source, name, "exec").co_consts[0].strip()


@pytest.mark.parametrize("name", QUICK)
def test_each_runs_to_its_end(name):
    assert run(name, *QUICK[name].split())


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_each_long_one_runs_to_its_end(name, request):
    data = request.getfixturevalue("shared_data") if "{data}" in LONG[name] else ""
    assert run(name, *LONG[name].format(data=data).split())


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of the benchmarks' own server."""
    command = [sys.executable, ROOT / "benchmarks" / "loopback.py", "--latency", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.mark.parametrize("client", ["bare", "sampler", "hammer"])
def test_each_client_alone_writes_what_it_asked_for(server, client, tmp_path):
    out = run("sampling_clients", client, server, str(tmp_path / "out"), "--count", "20", "--concurrency", "4")
    assert '"rows": 20' in out


def test_the_peer_without_its_library_says_so(tmp_path):
    command = [sys.executable, ROOT / "benchmarks" / "datatrove_peer.py", "http://127.0.0.1:1", tmp_path]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert ran.returncode and "datatrove" in ran.stderr
