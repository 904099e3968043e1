"""Servers in containers, with a stand-in for `docker` as a real program on PATH and a loopback TGI behind it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import types
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from pydantic import ValidationError

from toolkit.doors import SERVERS
from toolkit.recipe.sections import Sampling, Serving, Teacher
from toolkit.teachers.serve import serve, serving
from toolkit.teachers.serve_process import ServeError

ROOT = Path(__file__).resolve().parents[2]
TEACHER = Teacher(teacher="org/teacher", teacher_revision="abc")
SAMPLING = Sampling()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def becomes(truth, seconds=60):
    """Wait until `truth()` holds, and say whether it does; the time only limits a hang."""
    end = time.monotonic() + seconds
    while not truth() and time.monotonic() < end:
        time.sleep(0.05)
    return truth()


def guards():
    """Give the guards of this process's servers that still run."""
    running = (child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE)
    return [child for child in running if any("serve_guard" in part for part in child.cmdline())]


class Docker:
    """The stand-in for `docker`, first on PATH."""

    def __init__(self, folder):
        self.folder = folder
        program = folder / "docker"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/fakes/docker.py "$@"\n')
        program.chmod(0o755)

    def calls(self, field="arguments"):
        return [json.loads(line)[field] for line in (self.folder / "calls.jsonl").read_text().splitlines()]

    def containers(self):
        return [path.name for path in self.folder.glob("fss-teacher-*")]


@pytest.fixture
def docker(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_DOCKER", str(tmp_path))
    monkeypatch.setenv("HF_TOKEN", "hf_never_shown")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return Docker(tmp_path)


def test_a_server_answers_within_the_body_and_is_stopped_after_it(docker):
    lines, port = [], free_port()
    with serving(TEACHER, Serving(server="tgi", server_port=port), SAMPLING, say=lines.append) as urls:
        assert urls == (f"http://127.0.0.1:{port}",)
        with urlopen(f"{urls[0]}/info") as answer:
            assert json.load(answer)["max_concurrent_requests"] == 128
    assert is_free(port) and not docker.containers()
    assert docker.calls()[1] == ["stop", f"fss-teacher-{port}"]
    assert lines[0].startswith(f"docker run --rm --name fss-teacher-{port} ")
    assert any("ready at" in line for line in lines)


def test_a_container_gets_the_token_by_name_and_nothing_shows_it(docker):
    lines = []
    with serving(TEACHER, Serving(server="tgi", server_port=free_port()), SAMPLING, say=lines.append):
        pass
    assert docker.calls("token")[0] == "hf_never_shown"
    assert "hf_never_shown" not in f"{lines}{docker.calls()}"


def test_copies_answer_side_by_side(docker):
    port = next(port for port in iter(free_port, None) if is_free(port + 1))
    two = Serving(server="tgi", server_port=port, gpus=2)
    with serving(TEACHER, two, SAMPLING, say=lambda line: None) as urls:
        assert urls == (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}")
        assert [urlopen(f"{url}/health").status for url in urls] == [200, 200]
        assert len(docker.containers()) == 2
    assert is_free(port) and is_free(port + 1) and not docker.containers()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_stops_when_the_body_fails(docker, error):
    port = free_port()
    with pytest.raises(error), serving(TEACHER, Serving(server="tgi", server_port=port), SAMPLING, say=str):
        raise error
    assert is_free(port) and not docker.containers()


def test_a_server_that_ends_early_is_explained_with_the_end_of_its_log(docker, monkeypatch):
    monkeypatch.setenv("FAKE_DOCKER_MODE", "fail")
    with (
        pytest.raises(ServeError, match="ended with exit code 1") as failed,
        serving(TEACHER, Serving(server="tgi", server_port=free_port()), SAMPLING, say=str),
    ):
        pytest.fail("it never answered")
    assert "no such model" in str(failed.value) and "layer 29" in str(failed.value)
    assert "layer 3:" not in str(failed.value)


def test_a_server_that_never_answers_is_given_up_and_stopped(docker, monkeypatch):
    monkeypatch.setenv("FAKE_DOCKER_MODE", "stuck")
    server = Serving(server="tgi", server_port=free_port())
    with (
        pytest.raises(ServeError, match=r"not ready after 2 s; the end of its log:\n  loading"),
        serving(TEACHER, server, SAMPLING, say=str, seconds=2),
    ):
        pytest.fail("it never answered")
    assert not docker.containers()


def test_a_port_in_use_is_named_before_anything_is_started(docker):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(ServeError, match=rf"server_port: {port} is in use.*docker stop fss-teacher-{port}"),
            serving(TEACHER, Serving(server="tgi", server_port=port), SAMPLING, say=str),
        ):
            pytest.fail("the port was taken")
    assert not (docker.folder / "calls.jsonl").exists()


def test_one_copy_that_ends_ends_the_waiting_for_all(docker, monkeypatch):
    monkeypatch.setenv("FAKE_DOCKER_MODE", "second-fails")
    port = next(port for port in iter(free_port, None) if is_free(port + 1))
    two = Serving(server="tgi", server_port=port, gpus=2)
    with (
        pytest.raises(ServeError, match="teacher tgi 2 ended with exit code 1"),
        serving(TEACHER, two, SAMPLING, say=str),
    ):
        pytest.fail("it never answered")
    assert is_free(port) and not docker.containers()


def test_docker_that_is_not_installed(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with (
        pytest.raises(ServeError, match="docker: not found"),
        serving(TEACHER, Serving(server="tgi", server_port=free_port()), SAMPLING, say=str),
    ):
        pytest.fail("there is no docker")


def test_a_server_that_ends_within_the_body_is_told(docker):
    said, port = [], free_port()
    with serving(TEACHER, Serving(server="tgi", server_port=port), SAMPLING, say=said.append):
        subprocess.run(["docker", "stop", f"fss-teacher-{port}"], check=True)
        assert becomes(lambda: not guards())
    assert any("ended with exit code" in line for line in said)


def test_a_command_runs_beside_the_server_and_gives_its_exit_code(docker, tmp_path):
    said, port = [], free_port()
    script = f"import os, sys; open({str(tmp_path / 'seen')!r}, 'w').write(os.environ['FSS_TEACHER_URLS']); sys.exit(3)"
    server = Serving(server="tgi", server_port=port)
    assert serve(TEACHER, server, SAMPLING, [sys.executable, "-c", script], say=said.append) == 3
    assert (tmp_path / "seen").read_text() == f"http://127.0.0.1:{port}"
    assert f"urls: [http://127.0.0.1:{port}]" in said
    assert is_free(port)


def in_a_process(port):
    """Run `serve` in a process of its own until it is ready to answer."""
    script = f"""
        from toolkit.recipe.sections import Sampling, Serving, Teacher
        from toolkit.teachers.serve import serve
        say = lambda line: print(line, flush=True)
        code = serve(Teacher(teacher="org/teacher"), Serving(server="tgi", server_port={port}), Sampling(), say=say)
        raise SystemExit(code)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


@contextlib.contextmanager
def foreground(port):
    process = in_a_process(port)
    try:
        while "until Ctrl-C" not in (line := process.stdout.readline()):
            assert line, f"it ended with {process.wait()}"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_kill_end_the_foreground_form_well(docker, number):
    port = free_port()
    with foreground(port) as process:
        process.send_signal(number)
        assert process.wait() == 0
        assert is_free(port) and not docker.containers()


def test_the_foreground_form_fails_when_the_server_ends(docker):
    port = free_port()
    with foreground(port) as process:
        subprocess.run(["docker", "stop", f"fss-teacher-{port}"], check=True)
        assert process.wait() != 0
        assert "ended with exit code" in process.stdout.read()


def test_kill_9_leaves_neither_server_nor_container(docker):
    port = free_port()
    with foreground(port) as process:
        assert not is_free(port)
        process.kill()
        assert becomes(lambda: is_free(port) and not docker.containers())
    assert ["stop", f"fss-teacher-{port}"] in docker.calls()


def test_another_server_is_a_module_and_a_line(monkeypatch):
    @contextlib.contextmanager
    def running(teacher, serving, sampling, *, say, seconds):
        yield ("http://127.0.0.1:1",), []

    mine = types.ModuleType("mine")
    mine.commands = lambda teacher, serving, sampling: [["mine", teacher.teacher]]
    mine.running, mine.client = running, lambda teacher, serving: (teacher, serving)
    monkeypatch.setitem(sys.modules, "mine", mine)
    with pytest.raises(ValidationError, match="Input should be 'tgi', 'vllm', 'transformers' or 'endpoint'"):
        Serving(server="mine")
    monkeypatch.setitem(SERVERS, "mine", "mine")
    lines = []
    with serving(TEACHER, Serving(server="mine"), SAMPLING, say=lines.append) as urls:
        assert urls == ("http://127.0.0.1:1",) and lines == [f"mine {TEACHER.teacher}"]
