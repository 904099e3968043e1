"""Runs one server and ends it on request, or when the process that asked for it is gone, kill -9 included.

A script that needs the standard library alone: `serve_guard.py PARENT_PID '["docker", "stop", "NAME"]' COMMAND...`. The
second argument is a command (or `[]`) that ends the server; after it, what is left of the server's process group is
asked to end, and killed after `GRACE` seconds. Exits with the server's own code.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

GRACE = 10.0  # seconds from asking to killing
LOOK = 0.1  # seconds between two looks at parent and server


def guard(parent: int, finish: Sequence[str], command: Sequence[str]) -> int:
    """Run `command` until it ends, `parent` is gone or SIGTERM comes; give its exit code (128 + n for signal n)."""
    signals: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: signals.append(number))
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)
    try:
        # A parent that is gone hands its children to another process.
        while server.poll() is None and not signals and os.getppid() == parent:
            time.sleep(LOOK)
        if server.poll() is None and finish:
            subprocess.run(finish, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False, timeout=6 * GRACE)
    finally:
        end(server)
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


def end(server: "subprocess.Popen[bytes]") -> None:
    """End the server and whatever it started in its process group."""
    for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        try:
            os.killpg(server.pid, number)
        except ProcessLookupError:
            return
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    sys.exit(guard(int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]))
