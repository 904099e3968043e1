"""Serve `git clone` and `git fetch` of a repo by git's own HTTP protocol, for reading only."""

import contextlib
import io
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO

from dulwich.errors import GitProtocolError
from dulwich.protocol import ReceivableProtocol
from dulwich.repo import Repo
from dulwich.server import BackendRepo, DictBackend, UploadPackHandler
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from toolkit.hub_server import repos
from toolkit.hub_server.bodies import LIMIT, read
from toolkit.hub_server.errors import HubError
from toolkit.hub_server.repos import RepoPlace

SERVICE = "git-upload-pack"
NO_CACHE = {"Cache-Control": "no-cache, max-age=0, must-revalidate"}
SPOOL = 8 << 20  # bytes of an answer that stay in memory


def advertise(request: Request) -> Response:
    """Answer with the refs of a repo, the first thing that a clone asks for.

    Raises:
        HubError: 403, for pushes: commits come through the Hub's own API.
    """
    service = request.query_params.get("service")
    if service != SERVICE:
        raise HubError(403, f"Only {SERVICE} is served here, not {service!r}: push with huggingface_hub")
    out = io.BytesIO()
    with repos.find_for_git(request).opened() as repo:
        handler = _handler(repo, io.BytesIO(), out, advertise_refs=True)
        handler.proto.write_pkt_line(f"# service={SERVICE}\n".encode())
        handler.proto.write_pkt_line(None)
        handler.handle()
    return Response(out.getvalue(), 200, NO_CACHE, f"application/x-{SERVICE}-advertisement")


async def upload_pack(request: Request) -> Response:
    """Answer with the objects that a client lacks, as a pack."""
    place = await run_in_threadpool(repos.find_for_git, request)
    data = await read(request)
    if request.headers.get("content-encoding") == "gzip":
        data = _unpacked(data)
    answer = await run_in_threadpool(_pack, place, data)
    return StreamingResponse(_pieces(answer), 200, NO_CACHE, f"application/x-{SERVICE}-result")


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, LIMIT)
    except zlib.error as error:
        raise HubError(400, f"The request is not valid gzip: {error}") from error


def _pack(place: RepoPlace, data: bytes) -> IO[bytes]:
    out = tempfile.SpooledTemporaryFile(SPOOL)  # noqa: SIM115 - closed when it has been sent
    with contextlib.ExitStack() as failed:
        failed.enter_context(out)
        with place.opened() as repo:
            try:
                _handler(repo, io.BytesIO(data), out).handle()
            except (GitProtocolError, ValueError, AssertionError, LookupError) as error:
                raise HubError(400, f"Not a request of {SERVICE}: {str(error)[:200]}") from error
        failed.pop_all()
    out.seek(0)
    return out


def _handler(repo: Repo, data: IO[bytes], out: IO[bytes], *, advertise_refs: bool = False) -> UploadPackHandler:
    protocol = ReceivableProtocol(data.read, out.write)
    backend: dict[str, BackendRepo] = {"/": repo}
    return UploadPackHandler(DictBackend(backend), ["/"], protocol, stateless_rpc=True, advertise_refs=advertise_refs)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(1 << 20):
            yield piece
