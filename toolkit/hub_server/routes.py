"""Route the addresses that the Hub's clients call to the functions that answer them.

Names and revisions come percent-encoded (`refs%2Fpr%2F1`), so addresses are matched in that form and each part is
decoded on its own.
"""

import errno
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from toolkit.hub_server import (
    auth,
    clone,
    collections,
    commits,
    history,
    info,
    lfs,
    manage,
    preupload,
    pulls,
    refs,
    repos,
    resolve,
    trees,
)
from toolkit.hub_server.bodies import plain, with_body
from toolkit.hub_server.errors import HubError, answer, repo_missing
from toolkit.hub_server.timeouts import TimedBody

API = "/api/{kind:kind}/{organization:part}/{name:part}"
WEB = "/{kind:web}{organization:part}/{name:part}"
UNSTORED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
COLLECTION = "/api/collections/{organization:part}/{name:part}"


class _Part(Convertor[str]):
    """One part of an address, decoded."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        return quote(value, safe="")


class _Rest(_Part):
    regex = ".*"


class _Revision(_Part):
    """A revision; `refs/pr/N` may come with its slashes."""

    regex = "refs/(?:pr|heads|tags)/[^/]+|[^/]+"


class _Number(Convertor[int]):
    regex = "[0-9]{1,9}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


class _Kind(_Part):
    regex = "models|datasets|spaces"


class _Web(_Part):
    """The prefix of a page's address: models have none."""

    regex = "datasets/|spaces/|"

    def convert(self, value: str) -> str:
        return value.rstrip("/") or "models"


CONVERTORS: dict[str, Convertor[Any]] = {"part": _Part(), "rest": _Rest(), "rev": _Revision(), "kind": _Kind()}
CONVERTORS |= {"web": _Web(), "number": _Number()}
for _name, _convertor in CONVERTORS.items():
    register_url_convertor(_name, _convertor)

ACCOUNT = [
    Route("/api/whoami-v2", plain(info.whoami)),
    Route("/api/validate-yaml", with_body(info.validate_yaml), methods=["POST"]),
    Route("/api/repos/create", with_body(manage.create), methods=["POST"]),
    Route("/api/repos/delete", with_body(manage.delete), methods=["DELETE"]),
    Route("/api/repos/move", with_body(manage.move), methods=["POST"]),
    Route("/api/collections", with_body(collections.create), methods=["POST"]),
    Route(COLLECTION, plain(collections.show)),
    Route(COLLECTION, plain(collections.delete), methods=["DELETE"]),
    Route(f"{COLLECTION}/items", with_body(collections.add), methods=["POST"]),
]
READING = [
    Route("/api/{kind:kind}", plain(info.listing)),
    Route(API, plain(info.repo_info)),
    Route(f"{API}/revision/{{revision:rev}}", plain(info.repo_info)),
    Route(f"{API}/auth-check", plain(info.may)),
    Route(f"{API}/auth-check/write", plain(info.may)),
    Route(f"{API}/tree/{{revision:rev}}", plain(trees.tree)),
    Route(f"{API}/tree/{{revision:rev}}/{{path:rest}}", plain(trees.tree)),
    Route(f"{API}/paths-info/{{revision:rev}}", trees.paths_info, methods=["POST"]),
    Route(f"{API}/commits/{{revision:rev}}", plain(history.commits)),
    Route(f"{API}/refs", plain(refs.listing)),
    Route(f"{API}/discussions", plain(pulls.listing)),
    Route(f"{API}/discussions/{{number:number}}", plain(pulls.show)),
]
WRITING = [
    Route(f"{API}/settings", with_body(manage.settings), methods=["PUT"]),
    Route(f"{API}/preupload/{{revision:rev}}", with_body(preupload.preupload), methods=["POST"]),
    Route(f"{API}/commit/{{revision:rev}}", commits.commit, methods=["POST"]),
    Route(f"{API}/tag/{{revision:rev}}", with_body(refs.create_tag), methods=["POST"]),
    Route(f"{API}/tag/{{revision:rev}}", plain(refs.delete_tag), methods=["DELETE"]),
    Route(f"{API}/branch/{{revision:rev}}", with_body(refs.create_branch), methods=["POST"]),
    Route(f"{API}/branch/{{revision:rev}}", plain(refs.delete_branch), methods=["DELETE"]),
    Route(f"{API}/super-squash/{{revision:rev}}", with_body(refs.squash), methods=["POST"]),
    Route(f"{API}/discussions", with_body(pulls.create), methods=["POST"]),
]
FILES = [
    Route(WEB, plain(resolve.page)),
    Route(f"{WEB}/resolve/{{revision:rev}}/{{path:rest}}", plain(resolve.resolve)),
    Route(f"{WEB}/info/refs", plain(clone.advertise)),
    Route(f"{WEB}/{clone.SERVICE}", clone.upload_pack, methods=["POST"]),
    Route(f"{WEB}/info/lfs/objects/batch", with_body(lfs.batch), methods=["POST"]),
    Route(f"{WEB}/info/lfs/objects/verify", with_body(lfs.verify), methods=["POST"]),
    Route(f"{WEB}/lfs/{{oid:part}}", lfs.upload, methods=["PUT"]),
    Route(f"{WEB}/lfs/{{oid:part}}", plain(lfs.download)),
]


def ownerless(request: Request) -> Response:
    """Answer 404 for repos without an owner, which exist on the real Hub only."""
    raise repo_missing(request.path_params["name"])


OWNERLESS = [
    Route("/api/{kind:kind}/{name:part}", ownerless),
    Route("/api/{kind:kind}/{name:part}/revision/{revision:rev}", ownerless),
    Route("/{kind:web}{name:part}/resolve/{revision:rev}/{path:rest}", ownerless),
]


def unknown(request: Request, error: Exception) -> Response:
    """Answer an address that this hub does not serve, such as Xet's, in JSON as for all errors."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": f"{request.method} {request.scope['path']}: {error.detail}"}, error.status_code)


def unstored(request: Request, error: Exception) -> Response:
    """Answer 507 for a store that is full or read-only; not 500, as trying again does not help."""
    if not isinstance(error, OSError) or error.errno not in UNSTORED:
        raise error
    root = request.app.state.root
    return answer(request, HubError(507, f"{root}: {error.strerror}; free some space or make the folder writable"))


def gone(request: Request, error: Exception) -> Response:
    """Answer a client that went away during its upload; nothing was stored, and nobody reads this."""
    return Response(status_code=400)


def as_sent(app: ASGIApp) -> ASGIApp:
    """Match addresses in their percent-encoded form."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": scope["raw_path"].split(b"?")[0].decode("latin-1")}
        await app(scope, receive, send)

    return wrapped


def application(root: Path) -> ASGIApp:
    """Return the hub over the store in `root`, which is made where missing."""
    handlers = {HubError: answer, HTTPException: unknown, ClientDisconnect: gone, OSError: unstored}
    inner = Starlette(routes=[*ACCOUNT, *READING, *WRITING, *FILES, *OWNERLESS], exception_handlers=handlers)
    inner.state.root = repos.prepare(root)
    inner.state.tokens = auth.load_tokens(inner.state.root)
    return as_sent(TimedBody(inner))
