"""Kills a client of a server in the middle of its work."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.fakes.tgi import stats


def start(code: str, path: Path, url: str) -> subprocess.Popen[str]:
    """Start a client, Python code that is given a journal's path and the server's address."""
    return subprocess.Popen([sys.executable, "-c", code, str(path), url], stderr=subprocess.PIPE, text=True)


def finish(client: subprocess.Popen[str]) -> None:
    """Wait for a client that nobody kills."""
    _, errors = client.communicate()
    assert client.returncode == 0, errors


def kill_after_a_request(client: subprocess.Popen[str], url: str, requests: int, wait: float) -> None:
    """Kill a client some seconds after it has sent something.

    Args:
        requests: that the server at `url` had before the client started.
        wait: seconds.
    """
    while stats(url)["requests"] == requests:
        assert client.poll() is None, client.communicate()[1]
        time.sleep(0.01)
    time.sleep(wait)
    os.kill(client.pid, signal.SIGKILL)
    client.communicate()
