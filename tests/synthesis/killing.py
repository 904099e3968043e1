"""Kills a client of a server in the middle of its work."""

import os
import signal
import subprocess
import time

from tests.fakes.tgi import stats


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
