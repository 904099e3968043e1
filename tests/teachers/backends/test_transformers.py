"""The real `transformers serve` with an embedded teacher, asked over HTTP by the client that a run uses."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from toolkit.nano.pretrain import NanoSettings, train_teacher
from toolkit.prompt import user_turn
from toolkit.recipe.files import RecipeError
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers.backends.endpoint import EndpointTeacher
from toolkit.teachers.backends.transformers import generation_config, lay_out
from toolkit.teachers.serve import client_settings, serving

SAMPLING = Sampling(temperature=1.0, max_tokens=12)
QUESTION = "What is 2 + 3 + 4?"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def nano(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "nano-teacher"
    train_teacher(NanoSettings(steps=8, learning_rate=1e-3, width=32, layers=1, families=("sum3",)), folder)
    return folder


@pytest.fixture(scope="module")
def server(nano):
    """Give the settings of a running server, and its URL."""
    settings = Serving(server="transformers", server_port=free_port(), timeout=60)
    with serving(Teacher(teacher=str(nano)), settings, SAMPLING, say=str) as (url,):
        yield Teacher(teacher=str(nano)), settings, url
    assert not of_port(settings.server_port)


def ask(server, seeds, sampling=SAMPLING, **changes):
    """Give completions of one question by a run's client, one request per seed, all at once within its limit."""
    teacher, settings, url = server
    teacher, settings = client_settings(replace(teacher, **changes), settings)

    async def complete():
        async with EndpointTeacher(teacher, settings, sampling, urls=[url]) as client:
            slots = asyncio.Semaphore(client.concurrency)

            async def one(seed):
                async with slots:
                    return await client.complete(user_turn(QUESTION), seed)

            return await asyncio.gather(*map(one, seeds))

    return asyncio.run(complete())


def test_every_seed_draws_its_own_response_and_repeats_it(server):
    first, again = ask(server, range(24)), ask(server, reversed(range(24)))
    assert [completion.text for completion in first] == [completion.text for completion in reversed(again)]
    assert len({completion.text for completion in first}) == 24
    assert {completion.error for completion in first} == {""}
    assert {completion.finish_reason for completion in first} <= {"stop", "length"}
    assert {completion.model for completion in first} == {"nano-teacher@unstated"}


def test_temperature_top_p_and_max_tokens_of_a_request_are_followed(server):
    cold = ask(server, range(4), replace(SAMPLING, temperature=0.001))
    narrow = ask(server, range(4), replace(SAMPLING, top_p=1e-6))
    assert {completion.text for completion in cold} == {completion.text for completion in narrow}
    assert len({completion.text for completion in cold}) == 1
    short = ask(server, range(4), replace(SAMPLING, max_tokens=3))
    assert max(completion.completion_tokens for completion in short) == 3


def test_the_bare_prompt_is_drawn_from_too(server):
    completions = ask(server, range(6), api="generate")
    assert len({completion.text for completion in completions}) == 6
    assert {completion.error for completion in completions} == {""}


def test_draws_are_not_cut_to_the_likeliest_fifty(server):
    """Check that more than the library's default of 50 tokens can be drawn; this raw model spreads over far more."""
    first = Counter(completion.text for completion in ask(server, range(150), replace(SAMPLING, max_tokens=1)))
    assert len(first) > 50


def test_it_lists_the_model_that_it_serves_and_no_other(server):
    with urlopen(f"{server[2]}/v1/models") as answer:
        assert [model["id"] for model in json.load(answer)["data"]] == ["nano-teacher"]


def test_the_laid_out_model_samples_as_the_recipe_says(nano, tmp_path):
    lay_out(Teacher(teacher=str(nano)), Sampling(temperature=0.6, top_p=0.9), tmp_path)
    (snapshot,) = (tmp_path / "hub" / "models--nano-teacher" / "snapshots").iterdir()
    written = json.loads((snapshot / "generation_config.json").read_text())
    own = json.loads((nano / "generation_config.json").read_text())
    assert written == {
        "eos_token_id": own["eos_token_id"], "pad_token_id": own["pad_token_id"],
        "do_sample": True, "temperature": 0.6, "top_p": 0.9, "top_k": 0,
    }  # fmt: skip
    assert {path.name for path in snapshot.iterdir()} == {path.name for path in nano.iterdir()}
    assert json.loads((nano / "generation_config.json").read_text()) == own


def test_stop_is_refused_where_the_server_would_fail_with_it(nano, tmp_path):
    with pytest.raises(RecipeError, match=r"stop: .*whole words"):
        lay_out(Teacher(teacher=str(nano)), Sampling(stop=("=",)), tmp_path)


@pytest.mark.slow
def test_continuous_batching_draws_independently(nano):
    options = ("--continuous-batching", "--cb-num-blocks", "512", "--cb-max-batch-tokens", "512")
    settings = Serving(server="transformers", server_port=free_port(), timeout=60, server_options=options)
    with serving(Teacher(teacher=str(nano)), settings, SAMPLING, say=str) as (url,):
        completions = ask((Teacher(teacher=str(nano)), settings, url), range(100))
    # One draw for all would be one text; a few short ones coincide (the empty one, say).
    assert len({completion.text for completion in completions}) > 90


def test_the_end_token_is_kept_where_only_the_config_names_it(tmp_path):
    (tmp_path / "config.json").write_text('{"eos_token_id": null, "text_config": {"eos_token_id": 7}}')
    assert generation_config(tmp_path, SAMPLING)["eos_token_id"] == 7


def test_kill_9_leaves_no_server(nano):
    port = free_port()
    script = f"""
from toolkit.recipe.load import RecipeError
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers.serve import serving
import time
settings = Serving(server="transformers", server_port={port})
with serving(Teacher(teacher={str(nano)!r}), settings, Sampling(), say=lambda line: print(line, flush=True)):
    time.sleep(600)
"""
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # the command; the server is being started
    assert becomes(lambda: len(of_port(port)) == 2)  # guard and server
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert becomes(lambda: not of_port(port))


def becomes(truth, seconds=60):
    """Wait until `truth()` holds, and say whether it does; the time only limits a hang."""
    end = time.monotonic() + seconds
    while not truth() and time.monotonic() < end:
        time.sleep(0.05)
    return truth()


def of_port(port):
    """Give the processes whose command line names `port`."""
    return [process for process in psutil.process_iter(["cmdline"]) if str(port) in (process.info["cmdline"] or [])]
