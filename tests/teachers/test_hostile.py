"""Servers that mean harm: whatever they send, each request ends in bounded time and memory with a reason."""

import asyncio
import contextlib
import json
import re
import threading

import pytest

from tests.teachers.asking import MODEL, endpoint
from toolkit.prompt import user_turn
from toolkit.teachers.completion import Completion, TeacherError, Transient

GOOD = {"choices": [{"message": {"content": "four"}, "finish_reason": "stop"}]}
GOOD |= {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def sized(body, head=OK):
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def told(**changes):
    return sized(json.dumps(GOOD | changes).encode())


def text_of(content):
    return told(choices=[{"message": {"content": content}, "finish_reason": "stop"}])


KINDS = {  # what is sent to a question; an endless one goes on until the client hangs up
    "a body without end": (OK + b"\r\n", b" " * 65536),
    "headers without end": (b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n"),
    "one header without end": (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),
    "a status line without end": (b"HTTP/1.1 200 ", b"O" * 65536),
    "chunks without end": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 1000),
    "trailers without end": (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-More: yes\r\n"),
    "a slow drip": (OK + b"Content-Length: 100000\r\n\r\n", None),
    "nothing": (b"", None),
    "continue for ever": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a length beyond reason": (OK + b"Content-Length: 99999999999999\r\n\r\n{", b" " * 65536),
    "a chunk size beyond reason": (OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n", b" " * 65536),
    "a length that is none": (OK + b"Content-Length: -5\r\n\r\n{}", b""),
    "two lengths": (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b""),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.9\r\n", b""),
    "half a body": (OK + b"Content-Length: 500\r\n\r\n{", b""),
    "invalid UTF-8": (sized(b'{"choices": "\xff\xfe\xfd"}'), b""),
    "NaN": (sized(json.dumps(GOOD).replace(": 1", ": NaN").encode()), b""),
    "Infinity": (sized(json.dumps(GOOD).replace(": 1", ": Infinity").encode()), b""),
    "a number of a million digits": (sized(b'{"usage": ' + b"1" * 60_000 + b"}"), b""),
    "nested too deep": (sized(b'{"a":' * 10_000), b""),
    "a packed body": (sized(b"\x1f\x8b\x08\x00" * 9, OK + b"Content-Encoding: gzip\r\n"), b""),
    "a stream of events": (sized(b"data: {}\n\n", OK.replace(b"application/json", b"text/event-stream")), b""),
    "a page": (sized(b"<html></html>", OK.replace(b"application/json", b"text/html")), b""),
    "a pause of years": (sized(b"", b"HTTP/1.1 429 Slow\r\nRetry-After: 1e9\r\n"), b""),
    "a status of 999": (sized(b"{}", b"HTTP/1.1 999 Odd\r\n"), b""),
    "escapes in an error": (sized(b'{"error": "\\u001b[2J\\r\\n"}', b"HTTP/1.1 400 Bad\r\n"), b""),
    "tokens beyond reason": (told(usage={"prompt_tokens": 10**30, "completion_tokens": 1}), b""),
    "another model": (told(model="x" * 60_000), b""),
}


@contextlib.contextmanager
def hostile(first, more, pages=False):
    """Run a server that sends `first`, then `more` for ever (None: byte by byte), to questions or to all."""

    async def handle(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            # What is left unread when a connection closes makes the system reset it, and the answer may be lost.
            size = re.search(rb"(?i)content-length: *(\d+)", head)
            await reader.readexactly(int(size[1]) if size else 0)
            if head.startswith(b"GET") and not pages:
                writer.write(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            else:
                writer.write(first)
                while more is None or more:
                    writer.write(b" " if more is None else more)
                    await writer.drain()
                    await asyncio.sleep(0.05 if more is None else 0)
            await writer.drain()
        writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(handle, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def outcome(url, seconds=1.0):
    """Give what a request brings within so many seconds."""

    async def run():
        async with endpoint(url, timeout=seconds, patience=0.5) as opened:
            return (await asyncio.gather(opened.complete(user_turn("one"), 1), return_exceptions=True))[0]

    try:
        return asyncio.run(asyncio.wait_for(run(), 20 + seconds))
    except TeacherError as error:
        return error


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_answer_is_no_answer_and_has_a_reason(kind):
    with hostile(*KINDS[kind]) as url:
        result = outcome(url)
    assert isinstance(result, Transient | TeacherError | Completion), result
    reason = result.error if isinstance(result, Completion) else str(result)
    assert reason and len(reason) < 600 and reason.replace("\n", "?").isprintable()
    assert getattr(result, "text", "") == "" and (getattr(result, "after", None) or 0) <= 300


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_pages_at_the_start_end_it_or_are_passed_over(kind):
    with hostile(*KINDS[kind], pages=True) as url:
        result = outcome(url)
    assert isinstance(result, Transient | TeacherError | Completion), result


@pytest.mark.parametrize("content", ["\ud800", "\x00", "\x1b[2J", "x" * 60_000, "{{ 7 * 7 }}", "../../etc/passwd"])
def test_a_text_of_any_kind_is_data(content):
    with hostile(text_of(content), b"") as url:
        assert outcome(url, 30.0).text == content


def test_a_redirect_to_another_host_carries_no_token(monkeypatch):
    requests = []

    async def elsewhere(reader, writer):
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    monkeypatch.setenv("FSS_TEACHER_TOKEN", "secret-token")
    loop = asyncio.new_event_loop()
    other = loop.run_until_complete(asyncio.start_server(elsewhere, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    place = b"Location: http://localhost:%d/\r\n" % other.sockets[0].getsockname()[1]
    head = b"HTTP/1.1 307 Away\r\n" + place + b"Connection: close\r\nContent-Length: 0\r\n\r\n"
    for pages in (False, True):
        with hostile(head, b"", pages) as url:
            assert "answers 307" in str(outcome(url, 30.0)) and MODEL not in requests
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    assert requests == []
