"""Store large files by content in each repo; an object appears only when it is complete.

Objects are in the folders that git-lfs uses, named by their sha256. An upload goes to a temporary file and is renamed
once its bytes are on the disk and its hash is right, so that a kill at any time leaves the object absent or whole.
"""

import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, BinaryIO

from dulwich.lfs import LFSPointer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from toolkit.hub_server import auth, repos
from toolkit.hub_server.bodies import Body, items
from toolkit.hub_server.content import FileContent, send
from toolkit.hub_server.errors import HubError, repo_missing
from toolkit.hub_server.files import sync
from toolkit.hub_server.repos import INCOMING, RepoPlace

OID = re.compile("[0-9a-f]{64}")
CHUNK = 1 << 20  # bytes hashed and written at once
POINTER = 1024  # largest size of a pointer, bytes
BATCH_TYPE = "application/vnd.git-lfs+json"


def object_path(place: RepoPlace, oid: object) -> Path:
    """Return the path that object `oid` of a repo has or would have.

    Raises:
        HubError: 400, where `oid` is not a sha256.
    """
    if not isinstance(oid, str) or not OID.fullmatch(oid):
        raise HubError(400, f"Invalid LFS object id {oid!r}: 64 hex digits of a sha256 are needed")
    return place.path / "lfs" / "objects" / oid[:2] / oid[2:4] / oid


def size_of(place: RepoPlace, oid: object) -> int | None:
    """Return the bytes of object `oid`, or None where the repo does not have it."""
    path = object_path(place, oid)
    return path.stat().st_size if path.is_file() else None


def pointer(data: bytes) -> LFSPointer | None:
    """Read a blob as a pointer to a large file; None where it is an ordinary file."""
    if len(data) > POINTER or not data.startswith(b"version https://git-lfs"):
        return None
    candidate = LFSPointer.from_bytes(data)
    return candidate if candidate and OID.fullmatch(candidate.oid) else None


async def chunks(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the same bytes in pieces of about `CHUNK`, for fewer calls in another thread."""
    buffer = bytearray()
    async for part in stream:
        buffer += part
        if len(buffer) >= CHUNK:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer)


async def receive(place: RepoPlace, oid: str, size: int, stream: AsyncIterator[bytes]) -> None:
    """Store the bytes of `stream` as object `oid`, with one piece in memory at a time.

    Raises:
        HubError: 400, where length or hash are not the announced ones; then nothing is stored.
    """
    target = object_path(place, oid)
    temporary = place.root / INCOMING / f"{oid}.{secrets.token_hex(8)}"
    digest, received = hashlib.sha256(), 0
    try:
        with temporary.open("xb") as file:
            async for chunk in chunks(stream):
                received += len(chunk)
                if received > size:
                    raise HubError(400, f"LFS object {oid}: more than the {size} bytes that were announced")
                await run_in_threadpool(_take, file, digest, chunk)
            if received != size or digest.hexdigest() != oid:
                actual = f"{received} bytes of sha256 {digest.hexdigest()}"
                raise HubError(400, f"LFS object {oid} of {size} bytes: {actual} came")
            await run_in_threadpool(_keep, file, temporary, place, target)
    finally:
        temporary.unlink(missing_ok=True)


def _take(file: BinaryIO, digest: "hashlib._Hash", chunk: bytes) -> None:
    digest.update(chunk)
    file.write(chunk)


def _keep(file: BinaryIO, temporary: Path, place: RepoPlace, target: Path) -> None:
    """Give the object its name. A repo that was deleted meanwhile must not come back as an empty folder."""
    file.flush()
    os.fsync(file.fileno())
    folders = [folder for folder in reversed(target.parents) if place.path in folder.parents]
    try:
        for folder in folders:
            folder.mkdir(exist_ok=True)
        temporary.replace(target)
    except FileNotFoundError as error:
        raise repo_missing(place.name) from error
    for folder in reversed(folders):
        sync(folder)


async def upload(request: Request) -> Response:
    """Receive one object at the signed address that `batch` gave."""
    place, oid = repos.located(request), request.path_params["oid"]
    await receive(place, oid, auth.signed_size(request, f"PUT {place.web} {oid}"), request.stream())
    return Response()


def download(request: Request) -> Response:
    """Send one object at the signed address that `batch` gave, as git-lfs requests it after a clone."""
    place, oid = repos.located(request), request.path_params["oid"]
    auth.signed_size(request, f"GET {place.web} {oid}")
    path = object_path(place, oid)
    return send(request, FileContent(path), {}) if path.is_file() else Response(status_code=404)


def verify(request: Request, body: Body) -> dict[str, Any]:
    """Answer whether an object is there after its upload.

    Raises:
        HubError: 404, where it is not there.
    """
    auth.need_write(request)
    if size_of(repos.find(request), body.get("oid")) != body.get("size"):
        raise HubError(404, f"LFS object {body.get('oid')!r} of {body.get('size')} bytes is not here", "EntryNotFound")
    return {}


def batch(request: Request, body: Body) -> Response:
    """Answer git-lfs's batch call: where to send or fetch which objects.

    Raises:
        HubError: 422, for operations other than upload and download.
    """
    operation = body.get("operation")
    if operation not in ("upload", "download"):
        raise HubError(422, f"Invalid LFS operation {operation!r}: upload or download")
    if operation == "upload":
        auth.need_write(request)
    place = repos.find_for_git(request)
    act = _to_upload if operation == "upload" else _to_download
    requested = [{"oid": item.get("oid"), "size": item.get("size")} for item in items(body, "objects")]
    objects = [act(request, place, item) for item in requested]
    return JSONResponse({"transfer": "basic", "hash_algo": "sha256", "objects": objects}, media_type=BATCH_TYPE)


def _to_upload(request: Request, place: RepoPlace, item: Body) -> Body:
    """Add the upload's `actions`, none at all where the object is there, as a null would crash the client."""
    if size_of(place, item["oid"]) == item["size"]:
        return item
    verify_href = f"{request.base_url}{place.web}.git/info/lfs/objects/verify"
    header = {"Authorization": request.headers["authorization"]}
    href = _signed(request, place, "PUT", item)
    return item | {"actions": {"upload": {"href": href}, "verify": {"href": verify_href, "header": header}}}


def _to_download(request: Request, place: RepoPlace, item: Body) -> Body:
    if size_of(place, item["oid"]) != item["size"]:
        return item | {"error": {"code": 404, "message": "Object does not exist"}}
    return item | {"actions": {"download": {"href": _signed(request, place, "GET", item)}}}


def _signed(request: Request, place: RepoPlace, method: str, item: Body) -> str:
    if not isinstance(item["size"], int):
        raise HubError(400, f"LFS object {item['oid']}: its size must be a number of bytes, not {item['size']!r}")
    query = auth.sign(request.app.state.tokens, f"{method} {place.web} {item['oid']}", item["size"])
    return f"{request.base_url}{place.web}.git/lfs/{item['oid']}?{query}"
