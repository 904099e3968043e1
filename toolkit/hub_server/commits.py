"""Serve the commit call: operations come as lines of JSON, and become one commit or none.

Blobs are written as their lines arrive, so that a large commit needs little memory; no ref names them until the branch
moves, in one step, from the head that the change is based on.
"""

import time
from collections.abc import AsyncIterator
from typing import Any

from dulwich.index import commit_tree
from dulwich.object_store import MemoryObjectStore
from dulwich.objects import Blob, Commit, ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from toolkit.hub_server import auth, names, pulls, repos
from toolkit.hub_server.bodies import LINE_LIMIT, Body, parse, text
from toolkit.hub_server.edits import ATTRIBUTES, FILE, Edit, apply, first_attributes, read_edit
from toolkit.hub_server.errors import HubError, revision_missing
from toolkit.hub_server.objects import ObjectWriter, commit_at, move_ref, read_ref
from toolkit.hub_server.repos import RepoPlace
from toolkit.hub_server.trees import Entry, files

IDENTITY = f"{auth.USER} <{auth.USER}@localhost>".encode()
MAIN = Ref(b"refs/heads/main")


async def commit(request: Request) -> Response:
    """Make one commit on a branch, or with `create_pr` on a new pull request.

    Raises:
        HubError: 404 for a missing branch, 412 where `parentCommit` is no longer its head, 400 for bad operations.
    """
    auth.need_write(request)
    place = await run_in_threadpool(repos.find, request)
    with place.opened() as repo, place.writer(repo) as writer:
        header, edits = await _read(request, writer, place)
        await run_in_threadpool(writer.settle)
    return JSONResponse(await run_in_threadpool(_commit, request, place, header, edits))


async def _read(request: Request, writer: ObjectWriter, place: RepoPlace) -> tuple[Body, list[Edit]]:
    headers: list[Body] = []
    edits: list[Edit] = []
    async for line in _lines(request.stream()):
        item = parse(line)
        key, value = text(item, "key"), item.get("value")
        if not isinstance(value, dict):
            raise HubError(400, f"Operation {key!r} needs an object as its value")
        if key == "header":
            headers.append(value)
        else:
            edits.append(await run_in_threadpool(read_edit, writer, place, key, value))
    if len(headers) != 1:
        raise HubError(400, f"A commit needs one header line, not {len(headers)}")
    return headers[0], edits


async def _lines(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    line = bytearray()
    async for part in stream:
        *whole, rest = part.split(b"\n")
        for end in whole:
            yield bytes(line + end)
            line.clear()
        line += rest
        if len(line) > LINE_LIMIT:
            most = f"{LINE_LIMIT >> 20} MiB"
            raise HubError(413, f"A line of the commit is longer than {most}: send the file as a large one")
    if line.strip():
        yield bytes(line)


def _commit(request: Request, place: RepoPlace, header: Body, edits: list[Edit]) -> dict[str, Any]:
    as_pull = request.query_params.get("create_pr") in ("1", "true", "True")
    summary, description = text(header, "summary"), text(header, "description", "")
    with place.lock(), place.opened() as repo, place.writer(repo) as writer:
        ref, head = branch(repo, request.path_params["revision"])
        base = _base(repo, head, header, as_pull)
        after = apply(repo, writer, files(repo, base), edits, base.id.decode())
        oid_of_commit = write_commit(writer, after, [base.id], f"{summary}\n\n{description}".strip())
        if as_pull:
            number = pulls.begin(place, repo, summary, description, oid_of_commit)
        else:
            move_ref(repo, ref, head.id, oid_of_commit)
    page = f"{request.base_url}{place.web}"
    oid = oid_of_commit.decode()
    answer = {"success": True, "commitOid": oid, "commitUrl": f"{page}/commit/{oid}", "hookOutput": ""}
    return answer | ({"pullRequestUrl": f"{page}/discussions/{number}"} if as_pull else {})


def _base(repo: Repo, head: Commit, header: Body, as_pull: bool) -> Commit:
    """Return the commit to build on: the branch's head, which must be the parent that the client knows."""
    parent = text(header, "parentCommit", head.id.decode())
    if as_pull:
        return commit_at(repo, parent)
    if len(parent) < 7 or not head.id.decode().startswith(parent):
        raise HubError(412, "A commit has happened since. Please refresh and try again.")
    return head


def branch(repo: Repo, revision: str) -> tuple[Ref, Commit]:
    """Return the ref and the head of a branch or of a pull request (`refs/pr/N`).

    Raises:
        HubError: 404, where it does not exist, and for tags and commits.
    """
    kind, name = ("pr", revision[8:]) if revision.startswith("refs/pr/") else ("heads", revision)
    ref = names.ref_name(kind, name.removeprefix("refs/heads/"))
    if read_ref(repo, ref) is None:
        raise revision_missing(revision)
    return ref, commit_at(repo, ref.decode())


def write_commit(writer: ObjectWriter, after: dict[str, Entry], parents: list[ObjectID], message: str) -> ObjectID:
    """Write a commit of the files `after`, with all that waits in `writer`; return its id, which no ref names."""
    trees = MemoryObjectStore()
    root = commit_tree(trees, [(entry.path.encode(), entry.oid, entry.mode) for entry in after.values()])
    for oid in trees:
        writer.put(trees[oid])
    oid_of_commit = writer.put(new_commit(root, parents, message))
    writer.settle()
    return oid_of_commit


def new_commit(tree: ObjectID, parents: list[ObjectID], message: str) -> Commit:
    """Make a commit by the hub's user, now."""
    result = Commit()
    result.tree, result.parents = tree, parents
    result.author = result.committer = IDENTITY
    result.author_time = result.commit_time = int(time.time())
    result.author_timezone = result.commit_timezone = 0
    result.encoding, result.message = b"UTF-8", message.encode(errors="replace")
    return result


def first_commit(repo: Repo, writer: ObjectWriter) -> None:
    """Begin `main` as the Hub does, with a `.gitattributes`."""
    oid = writer.put(Blob.from_string(first_attributes()))
    first = write_commit(writer, {ATTRIBUTES: Entry(ATTRIBUTES, FILE, oid)}, [], "initial commit")
    move_ref(repo, MAIN, None, first)
