"""Describe repos, and check a card's metadata."""

from typing import Any

from dulwich.objects import Commit
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from toolkit.hub_server import auth, repos, trees
from toolkit.hub_server.bodies import Body, text
from toolkit.hub_server.cards import faults, front_matter
from toolkit.hub_server.errors import HubError
from toolkit.hub_server.objects import blob, commit_at
from toolkit.hub_server.repos import RepoPlace

CARD = "README.md"


def repo_info(request: Request) -> dict[str, Any]:
    """Describe a repo at a revision: commit, files (`blobs`: with sizes), card metadata, dates, visibility."""
    place = repos.find(request)
    with place.opened() as repo:
        commit = commit_at(repo, request.path_params.get("revision", "main"))
        files = trees.files(repo, commit)
        blobs = request.query_params.get("blobs", "").lower() in ("true", "1")
        siblings = [_sibling(trees.describe(repo, files[path])) if blobs else {"rfilename": path} for path in files]
        card = _card(blob(repo, files[CARD].oid).decode(errors="replace")) if CARD in files else {}
    answer = _summary(place, commit) | {"siblings": siblings, "cardData": card}
    tags = card.get("tags")
    return answer | {"tags": [str(tag) for tag in tags] if isinstance(tags, list) else []}


def _summary(place: RepoPlace, commit: Commit) -> dict[str, Any]:
    facts = place.facts()
    answer: dict[str, Any] = {
        "_id": place.name,
        "id": place.name,
        "author": place.name.split("/")[0],
        "sha": commit.id.decode(),
    }
    answer |= {"private": facts["private"], "gated": False, "disabled": False, "downloads": 0, "likes": 0}
    answer |= {"createdAt": facts["created"], "lastModified": repos.stamp(commit.commit_time)}
    if place.kind == "spaces":  # stored here, never run here
        answer |= {"sdk": facts["sdk"], "runtime": {"stage": "PAUSED", "hardware": {}}}
    return answer


def _sibling(item: dict[str, Any]) -> dict[str, Any]:
    answer = {"rfilename": item["path"], "size": item["size"], "blobId": item["oid"]}
    if "lfs" in item:
        large = item["lfs"]
        answer["lfs"] = {"sha256": large["oid"], "size": large["size"], "pointerSize": large["pointerSize"]}
    return answer


def _card(content: str) -> dict[str, Any]:
    """Return the metadata of a card; empty where there is none or it is not valid."""
    try:
        return front_matter(content)
    except ValueError:
        return {}


def validate_yaml(request: Request, body: Body) -> Response:
    """Check a card before it is committed: 400 with the errors, or 200 with warnings."""
    try:
        data = front_matter(text(body, "content"))
    except ValueError as error:
        return JSONResponse({"errors": [{"message": str(error)}], "warnings": []}, 400)
    errors = [{"message": message} for message in faults(data)]
    warnings = [] if data else [{"message": "empty or missing yaml metadata in repo card"}]
    return JSONResponse({"errors": errors, "warnings": warnings}, 400 if errors else 200)


def whoami(request: Request) -> dict[str, Any]:
    """Describe the one user of this hub, for a valid token.

    Raises:
        HubError: 401, without one.
    """
    role = auth.role(request)
    if role is None:
        raise HubError(401, auth.INVALID)
    token = {"displayName": role, "role": role}
    return {"type": "user", "id": auth.USER, "name": auth.USER, "fullname": auth.USER, "orgs": []} | {
        "auth": {"type": "access_token", "accessToken": token}
    }


def listing(request: Request) -> list[dict[str, Any]]:
    """List all repos of a kind that the caller may see; `author` and `search` narrow them."""
    role, query, kind = auth.role(request), request.query_params, request.path_params["kind"]
    root = request.app.state.root
    answers = []
    for path in sorted((root / kind).glob("*/*.git")):
        place = RepoPlace(root, kind, f"{path.parent.name}/{path.name.removesuffix('.git')}")
        is_match = query.get("author") in (None, path.parent.name) and query.get("search", "") in place.name
        if is_match and (listed := _listed(place, role)):
            answers.append(listed | {"tags": []})
    return answers


def _listed(place: RepoPlace, role: str | None) -> dict[str, Any] | None:
    """Describe a repo in a list; None where the caller may not see it. A damaged repo does not hide the others."""
    try:
        if place.facts()["private"] and not role:
            return None
        with place.opened() as repo:
            return _summary(place, commit_at(repo, "main"))
    except HubError as error:
        if error.status != 422 or not role:
            return None  # just deleted, or perhaps private
        return {"_id": place.name, "id": place.name, "private": True, "disabled": True}


def may(request: Request) -> dict[str, Any]:
    """Answer whether the caller may read a repo, or with `/write` change it."""
    repos.find(request)
    if request.url.path.endswith("/write"):
        auth.need_write(request)
    return {}
