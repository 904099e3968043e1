"""Answer before an upload which files are large, which are ignored, and which exist already."""

import io
from typing import Any

from dulwich.ignore import IgnoreFilter, read_ignore_patterns
from dulwich.repo import Repo
from starlette.requests import Request

from toolkit.hub_server import auth, lfs, names, repos, trees
from toolkit.hub_server.bodies import Body, decoded, items, text
from toolkit.hub_server.edits import REGULAR, attributes_of, is_large
from toolkit.hub_server.errors import HubError
from toolkit.hub_server.objects import blob, commit_at
from toolkit.hub_server.trees import Entry

MOST = 1000  # largest number of files per call
NUL = b"\0"


def preupload(request: Request, body: Body) -> dict[str, Any]:
    """Say for each file whether it is regular or lfs, whether `.gitignore` leaves it out, and its id where it exists.

    Raises:
        HubError: 400 for an invalid path, 413 for more than 1,000 files.
    """
    auth.need_write(request)
    requested = items(body, "files")
    if len(requested) > MOST:
        raise HubError(413, f"{len(requested)} files in one preupload call: {MOST} at most")
    with repos.find(request).opened() as repo:
        entries = trees.files(repo, commit_at(repo, request.path_params["revision"]))
        attributes, ignored = attributes_of(repo, entries), _ignored(repo, entries, body)
        answers: list[Body] = []
        for item in requested:
            path = names.file_path(text(item, "path"))
            large = is_large(attributes, path) or _looks_large(item)
            answer = {"path": path, "uploadMode": "lfs" if large else "regular", **_present(repo, entries.get(path))}
            answers.append(answer | {"shouldIgnore": bool(ignored.is_ignored(path))})
    return {"files": answers}


def _looks_large(item: Body) -> bool:
    """Say whether a file is beyond 10 MB, or binary: with a NUL byte among the first ones (in base64)."""
    size = item.get("size")
    if not isinstance(size, int):
        raise HubError(400, f"{item.get('path')}: its size must be a number of bytes, not {size!r}")
    return size > REGULAR or NUL in decoded(text(item, "sample", ""))


def _ignored(repo: Repo, entries: dict[str, Entry], body: Body) -> IgnoreFilter:
    data = blob(repo, entries[".gitignore"].oid) if ".gitignore" in entries else b""
    rules = text(body, "gitIgnore", data.decode(errors="replace")).encode()
    return IgnoreFilter(read_ignore_patterns(io.BytesIO(rules)))


def _present(repo: Repo, entry: Entry | None) -> dict[str, str]:
    """Return the id that the client compares with its file's, to leave out unchanged files."""
    if entry is None:
        return {}
    pointer = lfs.pointer(blob(repo, entry.oid))
    return {"oid": pointer.oid if pointer else entry.oid.decode()}
