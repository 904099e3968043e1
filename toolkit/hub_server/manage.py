"""Make, delete and rename repos, and set who may see them."""

import contextlib
import secrets
import shutil
from pathlib import Path
from typing import Any

from dulwich.repo import Repo
from starlette.requests import Request

from toolkit.hub_server import auth, names, repos
from toolkit.hub_server.bodies import Body, text
from toolkit.hub_server.commits import first_commit
from toolkit.hub_server.errors import HubError, repo_missing
from toolkit.hub_server.files import remove, sync, write_json
from toolkit.hub_server.repos import FACTS, INCOMING, RepoPlace


def _repo_in(request: Request, body: Body) -> RepoPlace:
    """Return the repo that a create or delete call names; without an owner it is the user's."""
    kind = names.repo_kind(f"{body.get('type') or 'model'}s")
    name = names.repo_name(str(body.get("organization") or auth.USER), str(body.get("name") or ""))
    return RepoPlace(request.app.state.root, kind, name)


def create(request: Request, body: Body) -> dict[str, str]:
    """Make a repo with a first commit.

    Raises:
        HubError: 400 for an invalid name, 409 where it exists, with its address in the answer.
    """
    auth.need_write(request)
    place = _repo_in(request, body)
    answer = {"url": f"{request.base_url}{place.web}", "name": place.name, "id": place.name}
    temporary = place.root / INCOMING / f"repo.{secrets.token_hex(8)}"
    with place.lock():
        if place.path.exists():
            raise HubError(409, f"You already created this {place.kind[:-1]} repo: {place.name}", body=dict(answer))
        try:
            _make(place, temporary, body)
            place.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.rename(place.path)
        finally:
            remove(temporary)
        sync(place.path.parent)
    return answer


def _make(place: RepoPlace, folder: Path, body: Body) -> None:
    created = repos.now()  # before its first commit, which tells when it was modified
    bare = Repo.init_bare(str(folder), mkdir=True, default_branch=b"main")
    with contextlib.closing(bare) as repo, place.writer(repo) as writer:
        first_commit(repo, writer)
    private = body.get("visibility") == "private" or body.get("private") is True
    facts: Body = {"private": private, "sdk": text(body, "sdk", "") or None, "created": created, "pulls": {}}
    write_json(folder / FACTS, facts)


def delete(request: Request, body: Body) -> dict[str, str]:
    """Remove a repo with its large files.

    Raises:
        HubError: 404, where it does not exist.
    """
    auth.need_write(request)
    place = _repo_in(request, body)
    aside = place.root / INCOMING / f"deleted.{secrets.token_hex(8)}"
    with place.lock():
        if not place.path.exists():
            raise repo_missing(place.name)
        place.path.rename(aside)
    shutil.rmtree(aside)
    return {}


def move(request: Request, body: Body) -> dict[str, str]:
    """Give a repo another name.

    Raises:
        HubError: 404 where it does not exist, 409 where the new name does.
    """
    auth.need_write(request)
    old = repos.place_of(request, f"{body.get('type') or 'model'}s", text(body, "fromRepo"))
    new = RepoPlace(old.root, old.kind, names.full_name(text(body, "toRepo")))
    first, second = sorted((old, new), key=lambda place: place.name)  # one order for all, against deadlocks
    with first.lock(), second.lock() if new != old else contextlib.nullcontext():
        if new.path.exists():
            raise HubError(409, f"{new.name} exists already")
        if not old.path.exists():
            raise repo_missing(old.name)
        new.path.parent.mkdir(parents=True, exist_ok=True)
        old.path.rename(new.path)
    return {}


def settings(request: Request, body: Body) -> dict[str, Any]:
    """Make a repo private or public."""
    auth.need_write(request)
    place = repos.find(request)
    visibility = body.get("visibility")
    if visibility not in ("public", "private"):
        raise HubError(400, f"Only 'visibility' can be set here, to public or private, not {body!r}")
    with place.lock():
        place.write_facts(place.facts() | {"private": visibility == "private"})
    return {"visibility": visibility}
