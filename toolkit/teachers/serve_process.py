"""A server as a process of this machine: started under a guard, awaited, with the end of its log kept, and stopped.

The guard (`serve_guard.py`) ends the server when this process ends in any way, kill -9 included. Two things may outlive
it: with Docker, a container whose guard was killed -9 as well (`docker stop fss-teacher-PORT` ends it); and a temporary
folder that is empty or holds links.
"""

import collections
import contextlib
import dataclasses
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path

from toolkit.teachers import serve_guard

Say = Callable[[str], None]
TAIL = 20  # lines of a server's log that are shown
TELL = 15.0  # seconds between two lines about a server that is not ready yet
LOOK = 0.2  # seconds between two checks of a server
LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy


class ServeError(RuntimeError):
    """A server that cannot be started, or that ended; the message holds the end of its log and the remedy."""


@dataclasses.dataclass(frozen=True)
class StartedProcess:
    """A started server; `lines` are the last ones that it wrote."""

    name: str
    url: str
    guard: "subprocess.Popen[str]"
    lines: "collections.deque[str]"
    reader: threading.Thread

    @property
    def code(self) -> int | None:
        """Give the exit code of a server that has ended, else None."""
        return self.guard.poll()

    def report(self) -> str:
        """Say how the server ended, with the end of its log."""
        self.reader.join(timeout=5)
        return f"{self.name} ended with exit code {self.code}; {self.log()}"

    def log(self) -> str:
        """Give the last lines that the server wrote."""
        lines = list(self.lines) or ["(it wrote nothing)"]  # a copy: the reader goes on
        return "\n".join(["the end of its log:", *(f"  {line}" for line in lines)])


def check_free(port: int, more: str = "") -> None:
    """Raise ServeError where something already listens on `port`; `more` is another remedy for the message."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ServeError(
                f"server_port: {port} is in use ({error.strerror}); set another `server_port` in the recipe, "
                f"or name the server that runs there in `urls`{more}"
            ) from error


def shown(command: Sequence[str]) -> str:
    """Write the command as one would type it."""
    return shlex.join(command)


@contextlib.contextmanager
def started(
    command: Sequence[str],
    *,
    name: str,
    port: int,
    environment: Mapping[str, str | None],
    folder: Path,
    finish: Sequence[str] = (),
) -> Iterator[StartedProcess]:
    """Start a server that runs within the body; `environment` overrides this process's own, None removes a name.

    Args:
        command: starts a server that answers GET /health on 127.0.0.1:`port` when it is ready.
        folder: where it runs.
        finish: a command that ends it, which runs before its processes are asked to end.

    Raises:
        ServeError: where the port is taken or the program is not installed.
    """
    check_free(port, f"; a container left behind ends by `{shown(finish)}`" if finish else "")
    if shutil.which(command[0]) is None:
        raise ServeError(
            f"{command[0]}: not found on this machine; install it, name another `server`, "
            "or start the server elsewhere and name it in `urls`"
        )
    own = {key: value for key, value in (os.environ | dict(environment)).items() if value is not None}
    guard = subprocess.Popen(
        [sys.executable, "-I", serve_guard.__file__, str(os.getpid()), json.dumps(finish), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=own,
        cwd=folder,
        start_new_session=True,  # Ctrl-C is for this process, which then stops the server in order
    )
    lines: collections.deque[str] = collections.deque(maxlen=TAIL)
    reader = threading.Thread(target=_read, args=(guard, lines), daemon=True)
    reader.start()
    try:
        yield StartedProcess(name, f"http://127.0.0.1:{port}", guard, lines, reader)
    finally:
        _stop(guard)
        reader.join(timeout=5)


def wait_ready(servers: Sequence[StartedProcess], seconds: float, say: Say) -> None:
    """Return once every server answers GET /health with 200.

    Raises:
        ServeError: if one ends before, or they are not ready within `seconds`.
    """
    start, last_line, waiting = time.monotonic(), 0.0, list(servers)
    while waiting:
        waited = time.monotonic() - start
        for server in list(waiting):
            if _healthy(server.url):
                waiting.remove(server)
                say(f"{server.name}: ready at {server.url} after {waited:.0f} s")
            elif server.code is not None:
                raise ServeError(server.report())
        if waiting and waited > seconds:
            raise ServeError(f"{waiting[0].name} is not ready after {seconds:.0f} s; {waiting[0].log()}")
        if waiting and waited - last_line > TELL:
            last_line = waited
            last = waiting[0].log().rsplit("\n", 1)[1].strip()
            say(f"{waiting[0].name}: {waited:.0f} s, not ready yet: {last[:160]}")
        time.sleep(LOOK if waiting else 0)


def _read(guard: "subprocess.Popen[str]", lines: "collections.deque[str]") -> None:
    if guard.stdout is not None:
        with guard.stdout:
            lines.extend(line.rstrip() for line in guard.stdout if line.strip())


def _healthy(url: str) -> bool:
    try:
        with LOOPBACK.open(f"{url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):  # not listening yet, or 503
        return False


def _stop(guard: "subprocess.Popen[str]") -> None:
    """Tell the guard to end the server, and wait for both."""
    guard.terminate()
    try:
        guard.wait(9 * serve_guard.GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(guard.pid, signal.SIGKILL)
        guard.wait()
