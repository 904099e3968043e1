"""Read request bodies of bounded size, mostly JSON, and run endpoints off the event loop."""

import base64
import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from toolkit.hub_server.errors import HubError

LINE_LIMIT = 16 << 20  # bytes of a line of a commit; a regular file of 10 MB in base64 fits
LIMIT = 4 << 20  # bytes of any other body
DEEPEST = 32  # levels of nested JSON
Body = dict[str, Any]


def parse(data: bytes) -> Body:
    """Parse `data` as a JSON object that can be sent back as JSON.

    Raises:
        HubError: 400, for anything else: also NaN, infinite numbers, half characters, and nesting beyond `DEEPEST`.
    """
    try:
        value = json.loads(data, parse_constant=_finite, parse_float=_finite)
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode()  # half of a pair of surrogates cannot be encoded
    except (ValueError, RecursionError) as error:
        raise HubError(400, f"The request is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise HubError(400, f"The request must be a JSON object, not {type(value).__name__}")
    _refuse_depth(value)
    return value


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:20]} is not a finite number")
    return value


def _refuse_depth(value: Body) -> None:
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        inside = (item.values() if isinstance(item, dict) else item for item in level)
        level = [child for children in inside for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise HubError(400, f"The request nests deeper than {DEEPEST} levels")


def text(body: Body, field: str, default: str | None = None) -> str:
    """Return a field that must be a string.

    Raises:
        HubError: 400, where it is missing without a default, or not a string.
    """
    value = body.get(field)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise HubError(400, f"Field {field!r} must be a text, not {repr(value)[:100]}")
    return value


def items(body: Body, field: str) -> list[Body]:
    """Return a field that must be a list of objects.

    Raises:
        HubError: 400, for anything else.
    """
    value = body.get(field, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise HubError(400, f"Field {field!r} must be a list of objects")
    return value


def decoded(value: str) -> bytes:
    """Decode `value` from base64.

    Raises:
        HubError: 400, for a text that is not base64.
    """
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise HubError(400, f"Not valid base64: {error}") from error


async def read(request: Request) -> bytes:
    """Read the body of a request.

    Raises:
        HubError: 413, beyond `LIMIT`.
    """
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > LIMIT:
            raise HubError(413, f"The request is larger than {LIMIT >> 20} MiB")
    return bytes(data)


def with_body(function: Callable[[Request, Body], Any]) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint from a function of the request and its JSON body (empty: no fields), run in a thread."""

    async def endpoint(request: Request) -> Response:
        data = await read(request)
        return respond(await run_in_threadpool(function, request, parse(data) if data else {}))

    return endpoint


def plain(function: Callable[[Request], Any]) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint from a function of the request, run in a thread."""

    async def endpoint(request: Request) -> Response:
        return respond(await run_in_threadpool(function, request))

    return endpoint


def respond(result: Any) -> Response:
    """Return `result` unchanged where it is a response, as JSON otherwise."""
    return result if isinstance(result, Response) else JSONResponse(result)
