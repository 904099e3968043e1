"""Run the hub as a process: in the foreground for `fss hub serve`, or beside a run, until that ends."""

import contextlib
import http.client
import ipaddress
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.hub_server.auth import TOKEN, load_tokens

if TYPE_CHECKING:
    import uvicorn

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost", "[::1]")  # names of this machine, which no web page can have
START_SECONDS = 120  # seconds that a busy machine may take to start the server
GRACE = 5  # seconds for transfers in flight when the server stops


def serve(root: Path, host: str = LOOPBACK, port: int = 0, *, say: Callable[[str], None]) -> None:
    """Serve the store in `root` until interrupted; `say` receives the lines that explain how to use it.

    Args:
        root: the store's folder, made where missing.
        host: 127.0.0.1 keeps it to this machine; others open it to the network, without encryption.
        port: 0 for any free one.

    Raises:
        ValueError: for a host and port that cannot be listened on.
    """
    root.mkdir(parents=True, exist_ok=True)
    load_tokens(root)
    with _listen(host, port) as listener:
        for line in usage(root, _endpoint(listener)):
            say(line)
        if not _is_loopback(host):
            say(f"Warning: {host} can be reached from other machines, and nothing is encrypted.")
        with contextlib.suppress(KeyboardInterrupt):
            listen(root, listener, parent=None)


def usage(root: Path, endpoint: str) -> list[str]:
    """Return the lines that set up a shell for the hub at `endpoint`."""
    return [
        f"Hub at {endpoint}, repositories in {root}. Stop it with Ctrl-C.",
        f"  export HF_ENDPOINT={endpoint} HF_HUB_DISABLE_XET=1",
        f'  export HF_TOKEN="$(cat {shlex.quote(str(root / TOKEN))})"   # to write; public repos are read without',
    ]


@contextlib.contextmanager
def running(root: Path) -> Iterator[tuple[str, str]]:
    """Run a hub over `root` in a process of its own until the body ends or this process dies; give endpoint and token.

    Several may run over one store at once.

    Raises:
        RuntimeError: if the server does not start; the message ends with its output.
    """
    root.mkdir(parents=True, exist_ok=True)
    token = load_tokens(root).write
    with _listen(LOOPBACK, 0) as listener:
        endpoint, handle = _endpoint(listener), listener.fileno()
        command = [sys.executable, "-m", "toolkit.hub_server", str(root.resolve()), str(handle), str(os.getpid())]
        # The session is new, so that Ctrl-C reaches only the run, which may still write before it stops the server.
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, "start_new_session": True}
        server = subprocess.Popen(command, pass_fds=[handle], **options)
    try:
        _await(server, endpoint)
        # Its later output (tracebacks of its own faults) is passed on, so that the pipe never fills.
        threading.Thread(target=_pass_on, args=(server,), daemon=True).start()
        yield endpoint, token
    finally:
        _stop(server)


def listen(root: Path, listener: socket.socket, parent: int | None) -> None:
    """Serve on an open socket until a signal to stop or, with `parent`, until that process has ended."""
    import uvicorn

    from toolkit.hub_server.routes import application
    from toolkit.hub_server.timeouts import CheckedHost, TimedProtocol

    app = CheckedHost(application(root), NAMES if _is_loopback(listener.getsockname()[0]) else None)
    options: dict[str, Any] = {"http": TimedProtocol, "ws": "none", "lifespan": "off", "log_level": "warning"}
    server = uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=GRACE, **options))
    if parent is not None:
        threading.Thread(target=_follow, args=(server, parent), daemon=True).start()
    server.run(sockets=[listener])


def _follow(server: "uvicorn.Server", parent: int) -> None:
    """Stop the server when its parent has ended, as a killed parent cannot do so."""
    while os.getppid() == parent:
        time.sleep(0.2)
    server.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as error:
        raise ValueError(f"Cannot listen on {host}:{port} ({error}): choose another host or port") from error


def _endpoint(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def _await(server: "subprocess.Popen[bytes]", endpoint: str) -> None:
    """Wait until the server answers. Its socket listens before it does, so that one request is enough."""
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=START_SECONDS)
    try:
        connection.request("GET", "/api/models")
        connection.getresponse().read()
    except OSError as error:
        server.kill()
        output = server.communicate()[1].decode(errors="replace").strip()
        raise RuntimeError(f"The hub's server did not start ({error}): {output[-2000:]}") from error
    finally:
        connection.close()


def _pass_on(server: "subprocess.Popen[bytes]") -> None:
    assert server.stderr is not None
    with server.stderr as errors:
        for line in errors:
            sys.stderr.write(line.decode(errors="replace"))


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(GRACE + 5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
