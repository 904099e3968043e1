"""Clients that send half of a request, or a byte now and then: their connections are closed in time."""

import asyncio
import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from toolkit.hub_server import app, timeouts

SECONDS = 5  # of patience with any answer, on a busy machine


@pytest.fixture
def hasty(tmp_path, monkeypatch) -> Iterator[int]:
    """The port of a server, in a thread of this process, that waits for a moment only."""
    monkeypatch.setattr(timeouts, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(timeouts, "BODY_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app(tmp_path), http=timeouts.TimedProtocol, lifespan="off", log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


GET = b"GET /api/models HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/validate-yaml HTTP/1.1\r\nHost: localhost\r\n"
LATE = b"HTTP/1.1 408 "
HALF = {
    "nothing": (b"", LATE),
    "a line": (b"GET /api/models HT", LATE),
    "a header": (GET + b"X-", LATE),
    "a body": (POST + b"Content-Length: 9\r\n\r\n{", LATE),
    "no body": (POST + b"Content-Length: 9\r\n\r\n", LATE),
    "a chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{", LATE),
    "an answered body": (GET + b"Content-Length: 9\r\n\r\n{", b"HTTP/1.1 200 "),
    "the next request": (GET + b"\r\nGET /", b"HTTP/1.1 200 "),
}


@pytest.mark.parametrize("name", HALF)
def test_a_request_that_is_half_sent_is_ended(hasty, name):
    sent, answer = HALF[name]
    with socket.create_connection(("127.0.0.1", hasty), timeout=SECONDS) as line:
        line.sendall(sent)
        got = b""
        while piece := line.recv(1000):  # until the server closes the connection
            got += piece
    assert got.startswith(answer)


@pytest.mark.parametrize("name", ["a header", "a body", "an answered body"])
def test_a_byte_now_and_then_is_no_progress(hasty, name):
    sent = HALF[name][0].replace(b"Length: 9", b"Length: 9999")
    with socket.create_connection(("127.0.0.1", hasty), timeout=SECONDS) as line:
        line.sendall(sent)
        ended = time.monotonic() + SECONDS
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < ended:
                line.sendall(b"x")
                line.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    if not line.recv(1000):
                        break
        assert time.monotonic() < ended


def test_a_client_that_keeps_its_connection_is_served_again(hasty):
    connection = http.client.HTTPConnection("127.0.0.1", hasty, timeout=SECONDS)
    for _ in range(3):
        connection.request("GET", "/api/models")
        assert connection.getresponse().read() == b"[]"
    connection.close()
