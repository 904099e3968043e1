"""Serve collections: named lists of repos, one JSON file each."""

import contextlib
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock
from starlette.requests import Request

from toolkit.hub_server import auth, names, repos
from toolkit.hub_server.bodies import Body, text
from toolkit.hub_server.errors import HubError
from toolkit.hub_server.files import write_json

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,80}-[0-9a-f]{24}")
TYPES = ("model", "dataset", "space")


def create(request: Request, body: Body) -> dict[str, Any]:
    """Make a collection.

    Raises:
        HubError: 409, where the owner has a collection of that title; the answer names its slug.
    """
    auth.need_write(request)
    owner, title = text(body, "namespace", auth.USER), text(body, "title")
    names.repo_name(owner, "collection")
    words = re.sub("[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "collection"
    with _changing(request):
        for other in _all(request):
            if (other["owner"], other["title"]) == (owner, title):
                raise HubError(409, f"A collection {title!r} exists already", body={"slug": other["slug"]})
        collection: Body = {
            "slug": f"{owner}/{words}-{secrets.token_hex(12)}",
            "title": title,
            "owner": owner,
            "items": [],
        }
        collection |= {"description": text(body, "description", ""), "private": body.get("private") is True}
        return _write(request, collection | {"position": 0, "theme": "blue", "upvotes": 0})


def show(request: Request) -> dict[str, Any]:
    """Return a collection with its items.

    Raises:
        HubError: 404, where it does not exist, or is private and the caller has no token.
    """
    path = _path(request, f"{request.path_params['organization']}/{request.path_params['name']}")
    collection = _read(path) if path.is_file() else None
    if collection is None or (collection["private"] and auth.role(request) is None):
        raise HubError(404, "Collection not found")
    return collection


def add(request: Request, body: Body) -> dict[str, Any]:
    """Add a repo at the end of a collection.

    Raises:
        HubError: 404 where the repo does not exist, 409 where the collection already has it.
    """
    auth.need_write(request)
    item = body.get("item")
    item_fields = item if isinstance(item, dict) else {}
    kind, name = text(item_fields, "type"), text(item_fields, "id")
    if kind not in TYPES or "/" not in name:
        raise HubError(400, f"Only {', '.join(TYPES)} repos as owner/name can be collected here, not {kind} {name!r}")
    repos.place_of(request, f"{kind}s", name)
    with _changing(request):
        collection = show(request)
        if any((other["type"], other["id"]) == (kind, name) for other in collection["items"]):
            raise HubError(409, f"The collection has {name} already")
        note = {"note": {"text": text(body, "note")}} if body.get("note") else {}
        entry = {"_id": secrets.token_hex(12), "id": name, "type": kind, "position": len(collection["items"])} | note
        return _write(request, collection | {"items": [*collection["items"], entry]})


def delete(request: Request) -> dict[str, Any]:
    """Remove a collection; its repos stay."""
    auth.need_write(request)
    with _changing(request):
        _path(request, show(request)["slug"]).unlink()
    return {}


def _folder(request: Request) -> Path:
    root: Path = request.app.state.root
    return root / "collections"


def _path(request: Request, slug: str) -> Path:
    owner, _, name = slug.partition("/")
    try:
        names.repo_name(owner, "collection")
    except HubError as error:
        raise HubError(404, "Collection not found") from error
    if not SLUG.fullmatch(name):
        raise HubError(404, "Collection not found")
    return _folder(request) / owner / f"{name}.json"


def _all(request: Request) -> Iterator[dict[str, Any]]:
    for path in sorted(_folder(request).glob("*/*.json")):
        yield _read(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        collection = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise HubError(422, f"{path}: this collection is damaged ({error}); delete the file") from error
    if not isinstance(collection, dict) or {"slug", "title", "owner", "items", "private"} - collection.keys():
        raise HubError(422, f"{path}: this collection lacks what the server writes there; delete the file")
    return collection


def _write(request: Request, value: dict[str, Any]) -> dict[str, Any]:
    value = value | {"lastUpdated": repos.now()}
    write_json(_path(request, value["slug"]), value)
    return value


@contextlib.contextmanager
def _changing(request: Request) -> Iterator[None]:
    with FileLock(request.app.state.root / "locks" / "collections.lock", is_singleton=False, poll_interval=0.01):
        yield
