"""Serve branches and tags. A tag can be removed, but never moved."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from dulwich.objects import Commit, Tag
from dulwich.refs import Ref
from dulwich.repo import Repo
from starlette.requests import Request

from toolkit.hub_server import auth, names, repos
from toolkit.hub_server.bodies import Body, text
from toolkit.hub_server.commits import IDENTITY, MAIN, branch, new_commit
from toolkit.hub_server.errors import HubError
from toolkit.hub_server.objects import ObjectWriter, commit_at, drop_ref, move_ref, read_ref


def listing(request: Request) -> dict[str, Any]:
    """List all branches and tags, and on request pull requests, with the commits that they name."""
    with repos.find(request).opened() as repo:
        answer: dict[str, Any] = {"branches": _refs(repo, "heads"), "tags": _refs(repo, "tags"), "converts": []}
        if request.query_params.get("include_prs"):
            answer["pullRequests"] = _refs(repo, "pr")
    return answer


def _refs(repo: Repo, kind: str) -> list[dict[str, str]]:
    answers = []
    for name in sorted(repo.refs.subkeys(Ref(f"refs/{kind}".encode()))):
        ref = f"refs/{kind}/{name.decode()}"
        commit = read_ref(repo, Ref(ref.encode()))
        if commit:  # None where it was just removed
            label = ref if kind == "pr" else name.decode()
            answers.append({"name": label, "ref": ref, "targetCommit": commit.decode()})
    return answers


def create_tag(request: Request, body: Body) -> dict[str, Any]:
    """Tag a commit, with a message or without.

    Raises:
        HubError: 409, where the tag exists already, at whatever commit, or a branch has the name.
    """
    ref = names.ref_name("tags", body.get("tag"))
    message = text(body, "message", "")
    with _changing(request) as (repo, writer):
        commit = commit_at(repo, request.path_params["revision"])
        _check_free(repo, ref, "heads")
        oid = writer.put(_annotated(ref, commit, message)) if message else commit.id
        writer.settle()
        move_ref(repo, ref, None, oid)
    return {}


def _annotated(ref: Ref, commit: Commit, message: str) -> Tag:
    tag = Tag()
    tag.name, tag.object, tag.message = (
        ref.removeprefix(b"refs/tags/"),
        (Commit, commit.id),
        message.encode(errors="replace"),
    )
    tag.tagger, tag.tag_time, tag.tag_timezone = IDENTITY, int(time.time()), 0
    return tag


def create_branch(request: Request, body: Body) -> dict[str, Any]:
    """Begin a branch at `startingPoint`, or at the head of `main`.

    Raises:
        HubError: 409, where the branch exists already or a tag has the name.
    """
    ref = names.ref_name("heads", request.path_params["revision"])
    with _changing(request) as (repo, _):
        _check_free(repo, ref, "tags")
        move_ref(repo, ref, None, commit_at(repo, text(body, "startingPoint", "main")).id)
    return {}


def delete_tag(request: Request) -> dict[str, Any]:
    """Remove a tag.

    Raises:
        HubError: 404, where it does not exist.
    """
    with _changing(request) as (repo, _):
        drop_ref(repo, names.ref_name("tags", request.path_params["revision"]))
    return {}


def delete_branch(request: Request) -> dict[str, Any]:
    """Remove a branch other than `main`.

    Raises:
        HubError: 404 where it does not exist, 403 for `main`.
    """
    ref = names.ref_name("heads", request.path_params["revision"])
    if ref == MAIN:
        raise HubError(403, "The branch main cannot be deleted")
    with _changing(request) as (repo, _):
        drop_ref(repo, ref)
    return {}


def squash(request: Request, body: Body) -> dict[str, Any]:
    """Replace a branch's history by one commit of its files; tags keep the commits that they name."""
    with _changing(request) as (repo, writer):
        ref, head = branch(repo, request.path_params["revision"])
        commit = writer.put(new_commit(head.tree, [], text(body, "message", "Squash history")))
        writer.settle()
        move_ref(repo, ref, head.id, commit)
    return {}


@contextlib.contextmanager
def _changing(request: Request) -> Iterator[tuple[Repo, ObjectWriter]]:
    """Give the repository and a writer of its objects, for the writing token, under the repo's lock."""
    auth.need_write(request)
    place = repos.find(request)
    with place.lock(), place.opened() as repo, place.writer(repo) as writer:
        yield repo, writer


def _check_free(repo: Repo, ref: Ref, other: str) -> None:
    """Refuse a tag and a branch of one name, as they would hide one another."""
    if read_ref(repo, Ref(f"refs/{other}/".encode() + ref.split(b"/", 2)[2])):
        raise HubError(409, f"Reference already exists: {ref.split(b'/', 2)[2].decode()} names one of refs/{other}")
