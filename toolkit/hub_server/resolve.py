"""Send a file of a revision: its headers for HEAD, its bytes or a range of them for GET.

Large files are sent from here, not by a redirect: clients take the commit and the checksum from the first answer, and
lose them on a redirect to the same server.
"""

import stat

from dulwich.lfs import LFSPointer
from dulwich.objects import Commit
from dulwich.repo import Repo
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from toolkit.hub_server import lfs, repos
from toolkit.hub_server.content import BytesContent, Content, FileContent, send
from toolkit.hub_server.errors import entry_missing
from toolkit.hub_server.objects import blob, commit_at
from toolkit.hub_server.repos import RepoPlace
from toolkit.hub_server.trees import lookup


def resolve(request: Request) -> Response:
    """Answer `/{repo}/resolve/{revision}/{path}`, with `X-Repo-Commit`, `ETag` and, for large files, `X-Linked-*`."""
    place, path = repos.find(request), request.path_params["path"]
    with place.opened() as repo:
        commit = commit_at(repo, request.path_params["revision"])
        content, headers = _file(place, repo, commit, path)
    name = path.rsplit("/", 1)[-1].encode("ascii", "replace").decode().replace('"', "_")
    headers |= {"X-Repo-Commit": commit.id.decode(), "Content-Disposition": f'inline; filename="{name}"'}
    # A README or an SVG in a repo is somebody else's text, which must never run as a page of this server.
    return send(request, content, headers | {"X-Content-Type-Options": "nosniff"})


def page(request: Request) -> Response:
    """Show a repo's card as text to a browser at its address."""
    with repos.find(request).opened() as repo:
        commit = commit_at(repo, "main")
        card = blob(repo, lookup(repo, commit, "README.md").oid).decode(errors="replace")
    return PlainTextResponse(card, headers={"X-Content-Type-Options": "nosniff"})


def _file(place: RepoPlace, repo: Repo, commit: Commit, path: str) -> tuple[Content, dict[str, str]]:
    entry = lookup(repo, commit, path)
    if stat.S_ISDIR(entry.mode):
        raise entry_missing(path, commit.id.decode())
    data = blob(repo, entry.oid)
    pointer = lfs.pointer(data)
    if pointer is None:
        return BytesContent(data), {"ETag": f'"{entry.oid.decode()}"'}
    if lfs.size_of(place, pointer.oid) != pointer.size:
        raise place.damaged(f"large file {pointer.oid} of {path} is missing or cut")
    return FileContent(lfs.object_path(place, pointer.oid)), _linked(pointer)


def _linked(pointer: LFSPointer) -> dict[str, str]:
    etag = f'"{pointer.oid}"'
    return {"ETag": etag, "X-Linked-ETag": etag, "X-Linked-Size": str(pointer.size)}
