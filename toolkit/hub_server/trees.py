"""List what is in a commit: files and folders as the Hub does."""

import contextlib
import stat
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote

from dulwich.errors import NotTreeError
from dulwich.object_store import iter_tree_contents, tree_lookup_path
from dulwich.objects import Commit, ObjectID
from dulwich.repo import Repo
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from toolkit.hub_server import lfs, names, repos
from toolkit.hub_server.bodies import read
from toolkit.hub_server.errors import HubError, entry_missing
from toolkit.hub_server.history import last_commits
from toolkit.hub_server.objects import blob, commit_at

PAGE, EXPANDED_PAGE = 1000, 50


class Entry(NamedTuple):
    """A file or folder of a tree: path from the root, git mode and id."""

    path: str
    mode: int
    oid: ObjectID


def entries(repo: Repo, commit: Commit) -> Iterator[Entry]:
    """Yield all files and folders of a commit, folders before their contents."""
    for item in iter_tree_contents(repo.object_store, commit.tree, include_trees=True):
        if item.path:
            yield Entry(item.path.decode(), item.mode, item.sha)


def files(repo: Repo, commit: Commit) -> dict[str, Entry]:
    """Return all files of a commit by path."""
    return {entry.path: entry for entry in entries(repo, commit) if not stat.S_ISDIR(entry.mode)}


def lookup(repo: Repo, commit: Commit, path: str) -> Entry:
    """Return the file or folder at `path`.

    Raises:
        HubError: 404, where it does not exist.
    """
    try:
        mode, oid = tree_lookup_path(repo.object_store.__getitem__, commit.tree, names.file_path(path).encode())
    except (KeyError, NotTreeError, HubError) as error:
        raise entry_missing(path, commit.id.decode()) from error
    return Entry(path, mode, oid)


def describe(repo: Repo, entry: Entry) -> dict[str, Any]:
    """Describe an entry as the tree and paths-info calls do; a large file by its own size, not its pointer's."""
    item: dict[str, Any] = {"type": "directory", "oid": entry.oid.decode(), "size": 0, "path": entry.path}
    if stat.S_ISDIR(entry.mode):
        return item
    data = blob(repo, entry.oid)
    pointer = lfs.pointer(data)
    if not pointer:
        return item | {"type": "file", "size": len(data)}
    large = {"oid": pointer.oid, "size": pointer.size, "pointerSize": len(data)}
    return item | {"type": "file", "size": pointer.size, "lfs": large}


def tree(request: Request) -> Response:
    """Answer with a page of the contents of a path: `recursive`, `expand` (with last commits), `limit`, `cursor`."""
    place, query = repos.find(request), request.query_params
    folder = request.path_params.get("path", "").strip("/")
    expand, recursive = (_true(query.get(name)) for name in ("expand", "recursive"))
    limit = max(1, _number(query.get("limit"), EXPANDED_PAGE if expand else PAGE))
    start = _number(query.get("cursor"), 0)
    with place.opened() as repo:
        commit = commit_at(repo, request.path_params["revision"])
        inside = _under(repo, commit, folder, recursive)
        page = [describe(repo, entry) for entry in inside[start : start + limit]]
        if expand:
            page = _expand(repo, commit, page)
    headers = {}
    if start + limit < len(inside):
        # The next page is of this commit, whatever the branch has become by then.
        path = f"/api/{place.kind}/{place.name}/tree/{commit.id.decode()}/{quote(folder)}".rstrip("/")
        url = request.url.replace(path=path).include_query_params(cursor=start + limit, limit=limit)
        headers = {"Link": f'<{url}>; rel="next"'}
    return JSONResponse(page, headers=headers)


def _under(repo: Repo, commit: Commit, folder: str, recursive: bool) -> list[Entry]:
    if folder and not stat.S_ISDIR(lookup(repo, commit, folder).mode):
        raise entry_missing(folder, commit.id.decode())
    prefix = f"{folder}/" if folder else ""
    inside = [entry for entry in entries(repo, commit) if entry.path.startswith(prefix) and entry.path != folder]
    return inside if recursive else [entry for entry in inside if "/" not in entry.path[len(prefix) :]]


def _expand(repo: Repo, commit: Commit, page: list[dict[str, Any]]) -> list[dict[str, Any]]:
    last = last_commits(repo, commit, [item["path"] for item in page])
    return [item | {"lastCommit": last[item["path"]]} for item in page]


async def paths_info(request: Request) -> Response:
    """Describe the files and folders among the `paths` of a form; absent ones are left out."""
    form = parse_qs((await read(request)).decode(errors="replace"))
    return JSONResponse(await run_in_threadpool(_paths_info, request, form))


def _paths_info(request: Request, form: dict[str, list[str]]) -> list[dict[str, Any]]:
    answers, paths = [], form.get("paths", [])
    if len(paths) > PAGE:
        raise HubError(413, f"{len(paths)} paths in one call: {PAGE} at most")
    with repos.find(request).opened() as repo:
        commit = commit_at(repo, request.path_params["revision"])
        for path in paths:
            with contextlib.suppress(HubError):
                answers.append(describe(repo, lookup(repo, commit, path.strip("/"))))
        return _expand(repo, commit, answers) if _true(form.get("expand", [""])[0]) else answers


def _true(value: str | None) -> bool:
    return (value or "").lower() in ("true", "1")


def _number(value: str | None, default: int) -> int:
    if value is None:
        return default
    if not value.isdecimal() or len(value) > 9:
        raise HubError(400, f"Not a number: {value!r}")
    return int(value)
