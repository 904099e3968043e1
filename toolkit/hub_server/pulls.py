"""Pull requests: a ref `refs/pr/N` each, with a title beside git. Plain discussions there are none."""

from typing import Any

from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo
from starlette.requests import Request

from toolkit.hub_server import auth, names, repos
from toolkit.hub_server.bodies import Body, text
from toolkit.hub_server.errors import HubError
from toolkit.hub_server.objects import commit_at, move_ref
from toolkit.hub_server.repos import Place

PULLS = Ref(b"refs/pr")


def begin(place: Place, repo: Repo, title: str, description: str, head: ObjectID) -> int:
    """Open the next pull request at `head`; its number. The caller holds the repo's lock."""
    facts = place.facts()
    number = 1 + max((int(known) for known in facts["pulls"]), default=0)
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
    """One pull request, open as long as it is there.

    Raises:
        HubError: 404, where there is none of that number.
    """
    place, number = repos.find(request), request.path_params["number"]
    if str(number) not in place.facts()["pulls"]:
        raise HubError(404, f"{place.name} has no pull request {number}")
    changes = {"base": "refs/heads/main"}
    return _listed(place, number) | {"events": [], "changes": changes, "filesWithConflicts": [], "diff": ""}


def listing(request: Request) -> dict[str, Any]:
    """All pull requests of a repo, the newest first."""
    place = repos.find(request)
    found = [_listed(place, number) for number in sorted(map(int, place.facts()["pulls"]), reverse=True)]
    return {"count": len(found), "start": 0, "discussions": found}


def _listed(place: Place, number: int) -> dict[str, Any]:
    about = place.facts()["pulls"][str(number)]
    item = {"num": number, "title": about["title"], "author": {"name": auth.USER}, "createdAt": about["created"]}
    repo = {"name": place.name, "type": place.kind.removesuffix("s")}
    return item | {"status": "open", "isPullRequest": True, "repo": repo}
