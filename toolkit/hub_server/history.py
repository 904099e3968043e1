"""Read a branch's commits, newest first."""

from collections.abc import Iterator, Sequence
from typing import Any

from dulwich.errors import NotTreeError
from dulwich.object_store import tree_lookup_path
from dulwich.objects import Commit, ObjectID
from dulwich.repo import Repo
from starlette.requests import Request

from toolkit.hub_server import auth, repos
from toolkit.hub_server.objects import commit_at


def line(repo: Repo, commit: Commit | None) -> Iterator[Commit]:
    """Yield `commit` and its first parents, back to the first commit."""
    while commit:
        yield commit
        commit = parent(repo, commit)


def parent(repo: Repo, commit: Commit) -> Commit | None:
    """Return the commit before, None for the first."""
    item = repo.object_store[commit.parents[0]] if commit.parents else None
    return item if isinstance(item, Commit) else None


def title(commit: Commit) -> tuple[str, str]:
    """Return the first line of a commit's message, and the rest."""
    first, _, rest = commit.message.decode(errors="replace").partition("\n")
    return first, rest.strip()


def commits(request: Request) -> list[dict[str, Any]]:
    """List the commits of a revision, on one page, as releases are few."""
    with repos.find(request).opened() as repo:
        return [_listed(commit) for commit in line(repo, commit_at(repo, request.path_params["revision"]))]


def _listed(commit: Commit) -> dict[str, Any]:
    first, rest = title(commit)
    item = {"id": commit.id.decode(), "title": first, "message": rest, "date": repos.stamp(commit.commit_time)}
    return item | {"authors": [{"user": auth.USER}], "formatted": {"title": first, "message": rest}}


def last_commits(repo: Repo, commit: Commit, paths: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return for each path in `commit` the newest commit that changed it: id, title, date."""
    changes: dict[str, dict[str, str]] = {}
    for newer in line(repo, commit):
        older = parent(repo, newer)
        open_paths = [path for path in paths if path not in changes]
        changed = [path for path in open_paths if _at(repo, newer, path) != (older and _at(repo, older, path))]
        about = {"id": newer.id.decode(), "title": title(newer)[0], "date": repos.stamp(newer.commit_time)}
        changes |= dict.fromkeys(changed, about)
        if len(changes) == len(set(paths)):
            break
    return changes


def _at(repo: Repo, commit: Commit, path: str) -> ObjectID | None:
    try:
        return tree_lookup_path(repo.object_store.__getitem__, commit.tree, path.encode())[1]
    except (KeyError, NotTreeError):
        return None
