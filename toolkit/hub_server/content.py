"""Send a file's bytes, all or a requested range, a piece at a time."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from toolkit.hub_server.errors import HubError

# One range; several at once are answered with the whole file, as HTTP allows.
RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
CHUNK = 1 << 20  # bytes in memory per transfer


class Content(Protocol):
    """Bytes to send: their number, and a reader of them."""

    @property
    def size(self) -> int: ...

    def open(self) -> BinaryIO: ...


@dataclass(frozen=True)
class FileContent:
    """The bytes of a file on disk."""

    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        return self.path.open("rb")


@dataclass(frozen=True)
class BytesContent:
    """Bytes in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


def send(request: Request, content: Content, headers: dict[str, str]) -> Response:
    """Answer 200 with all of `content`, or 206 with the part that a `Range` header names (`a-b`, `a-`, `-last`).

    Raises:
        HubError: 416, where the range begins after the end.
    """
    size = content.size
    part = requested_range(request.headers.get("range"), size)
    start, stop = part or (0, size)
    headers = headers | {"Accept-Ranges": "bytes", "Content-Length": str(stop - start)}
    if part:
        headers |= {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}
    pieces = iter(()) if request.method == "HEAD" else _pieces(content, start, stop)
    return StreamingResponse(pieces, 206 if part else 200, headers, "application/octet-stream")


def requested_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first byte and the end of a `Range` header; None for all bytes.

    Raises:
        HubError: 416, where there is no such byte.
    """
    match = RANGE.fullmatch(header or "")
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= stop:
        raise HubError(416, f"Range {header} of {size} bytes", headers={"Content-Range": f"bytes */{size}"})
    return start, stop


def _pieces(content: Content, start: int, stop: int) -> Iterator[bytes]:
    with content.open() as file:
        file.seek(start)
        while start < stop:
            piece = file.read(min(CHUNK, stop - start))
            if not piece:
                raise EOFError(f"{content}: ends at {start} bytes, not {stop}")
            yield piece
            start += len(piece)
