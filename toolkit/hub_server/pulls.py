"""Serve pull requests: a ref `refs/pr/N` each, with a title beside git. Other discussions are not supported."""

from typing import Any

from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo
from starlette.requests import Request

from toolkit.hub_server import auth, names, repos
from toolkit.hub_server.bodies import Body, text
from toolkit.hub_server.errors import HubError
from toolkit.hub_server.objects import commit_at, move_ref
from toolkit.hub_server.repos import RepoPlace

PULLS = Ref(b"refs/pr")


def begin(place: RepoPlace, repo: Repo, title: str, description: str, head: ObjectID) -> int:
    """Open the next pull request at `head` and return its number. The caller holds the repo's lock."""
    facts = place.facts()
    number = 1 + max((int(key) for key in facts["pulls"]), default=0)
    about = {"title": title, "description": description, "created": repos.now()}
    place.write_facts(facts | {"pulls": facts["pulls"] | {str(number): about}})
    move_ref(repo, names.ref_name("pr", str(number)), None, head)
    return number


def create(request: Request, body: Body) -> dict[str, Any]:
    """Open an empty pull request on `main`; commits go to its ref.

    Raises:
        HubError: 400, for a discussion without changes.
    """
    auth.need_write(request)
    if body.get("pullRequest") is not True:
        raise HubError(400, "This hub keeps pull requests only, no discussions")
    place = repos.find(request)
    with place.lock(), place.opened() as repo:
        head = commit_at(repo, "main").id
        return {"num": begin(place, repo, text(body, "title"), text(body, "description", ""), head)}


def show(request: Request) -> dict[str, Any]:
    """Describe one pull request, which stays open as long as it exists.

    Raises:
        HubError: 404, for an unknown number.
    """
    place, number = repos.find(request), request.path_params["number"]
    if str(number) not in place.facts()["pulls"]:
        raise HubError(404, f"{place.name} has no pull request {number}")
    changes = {"base": "refs/heads/main"}
    return _listed(place, number) | {"events": [], "changes": changes, "filesWithConflicts": [], "diff": ""}


def listing(request: Request) -> dict[str, Any]:
    """List all pull requests of a repo, the newest first."""
    place = repos.find(request)
    discussions = [_listed(place, number) for number in sorted(map(int, place.facts()["pulls"]), reverse=True)]
    return {"count": len(discussions), "start": 0, "discussions": discussions}


def _listed(place: RepoPlace, number: int) -> dict[str, Any]:
    about = place.facts()["pulls"][str(number)]
    item = {"num": number, "title": about["title"], "author": {"name": auth.USER}, "createdAt": about["created"]}
    repo = {"name": place.name, "type": place.kind.removesuffix("s")}
    return item | {"status": "open", "isPullRequest": True, "repo": repo}
