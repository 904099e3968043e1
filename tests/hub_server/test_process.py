"""The server as a process: it starts, says how to use it, and ends when it should."""

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from toolkit.hub_server import running, serve

SERVE = """
import sys
from pathlib import Path
from toolkit.hub_server import serve
serve(Path(sys.argv[1]), say=lambda line: print(line, flush=True))
"""
HOLD = """
import sys, time
from pathlib import Path
from toolkit.hub_server import running
with running(Path(sys.argv[1])) as (endpoint, token):
    print(endpoint, flush=True)
    time.sleep(600)
"""


def answers(endpoint: str) -> bool:
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=30)
    try:
        connection.request("GET", "/api/datasets")
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()


def test_a_server_runs_for_the_time_of_the_block(tmp_path):
    with running(tmp_path / "new" / "store") as (endpoint, token):
        assert answers(endpoint) and token == (tmp_path / "new" / "store" / "token").read_text().strip()
    assert not answers(endpoint)


def test_a_server_stops_when_the_block_fails(tmp_path):
    with pytest.raises(KeyError), running(tmp_path) as (endpoint, _):
        raise KeyError
    assert not answers(endpoint)


def test_a_server_ends_when_its_parent_is_killed(start, tmp_path):
    parent = start(HOLD, tmp_path)
    endpoint = parent.stdout.readline().strip()
    assert answers(endpoint)
    parent.kill()
    parent.wait()
    while answers(endpoint):
        time.sleep(0.1)
    assert not answers(endpoint)


def test_serve_says_how_to_use_it_without_the_secret_and_ends_on_interrupt(start, tmp_path):
    server = start(SERVE, tmp_path)
    lines = [server.stdout.readline() for _ in range(3)]
    endpoint = lines[0].split()[2].rstrip(",")
    assert f"HF_ENDPOINT={endpoint} " in lines[1] and str(tmp_path / "token") in lines[2]
    assert answers(endpoint)
    secret = (tmp_path / "token").read_text().strip()
    assert secret not in "".join(lines)
    assert secret not in Path(f"/proc/{server.pid}/cmdline").read_text()
    os.kill(server.pid, signal.SIGINT)
    rest = server.communicate()[0]
    assert (server.returncode, rest) == (0, "")


def test_the_lines_that_serve_says_set_up_a_shell(start, tmp_path):
    root = tmp_path / "a folder's name"
    server = start(SERVE, root)
    lines = [server.stdout.readline() for _ in range(3)]
    ask = "from huggingface_hub import HfApi; print(HfApi().whoami()['name'], HfApi().create_repo('made'))"
    script = "".join(lines[1:]) + f'"{sys.executable}" -c "{ask}"'
    messages = subprocess.run(["bash", "-c", script], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert messages.stdout.split() == ["local", lines[0].split()[2].rstrip(",") + "/local/made"], messages.stderr


def test_only_this_machine_is_listened_to_unless_asked_otherwise(start, tmp_path):
    default, output = start(SERVE, tmp_path), start(SERVE.replace("[1])", '[1]), "0.0.0.0"'), tmp_path)
    assert default.stdout.readline().startswith("Hub at http://127.0.0.1:")
    lines = [output.stdout.readline() for _ in range(4)]
    assert lines[3] == "Warning: 0.0.0.0 can be reached from other machines, and nothing is encrypted.\n"
    assert listened(default.pid) == {"127.0.0.1"} and listened(output.pid) == {"0.0.0.0"}


def listened(process: int) -> set[str]:
    """The addresses that a process waits at."""
    while not (found := psutil.Process(process).net_connections()):
        time.sleep(0.05)
    return {connection.laddr.ip for connection in found if connection.status == psutil.CONN_LISTEN}


def test_a_port_that_is_taken_is_named(tmp_path):
    with running(tmp_path) as (endpoint, _), pytest.raises(ValueError, match=r"Cannot listen on 127.0.0.1:\d+"):
        serve(tmp_path, port=int(endpoint.rsplit(":", 1)[1]), say=lambda line: None)


def test_a_server_that_cannot_start_says_why(tmp_path):
    (tmp_path / "locks").write_text("a file where a folder belongs")
    with pytest.raises(RuntimeError, match="did not start") as error, running(tmp_path):
        pass
    assert "locks" in str(error.value)
