"""Answer errors as the Hub does: a status, a JSON message and the headers that its clients turn into exceptions."""

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class HubError(Exception):
    """An answer other than success.

    Args:
        status: HTTP status, 4xx, or 507 for a store that cannot be written.
        message: what is wrong, with the value and the remedy.
        code: `RepoNotFound`, `RevisionNotFound` or `EntryNotFound`; clients raise by it.
        headers: more headers for the answer.
        body: fields of the JSON body besides `error`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        headers: dict[str, str] | None = None,
        body: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = (headers or {}) | ({"X-Error-Code": code} if code else {})
        self.body = body or {}


def answer(request: Request, error: Exception) -> Response:
    """Return the response for a `HubError`."""
    if not isinstance(error, HubError):
        raise error
    # A message may quote what a client sent; a header holds one line of ASCII.
    headers = {"X-Error-Message": re.sub("[^ -~]", "?", error.message)[:1000]} | error.headers
    return JSONResponse({"error": error.message} | error.body, error.status, headers)


def repo_missing(name: str) -> HubError:
    """Make the 404 for a repo that does not exist, or that the caller may not see."""
    return HubError(404, f"Repository not found: {name}", "RepoNotFound")


def revision_missing(revision: str) -> HubError:
    """Make the 404 for a branch, tag, pull request or commit that does not exist."""
    return HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")


def entry_missing(path: str, commit: str) -> HubError:
    """Make the 404 for a path that is not in `commit`; clients remember by the commit that it is absent."""
    return HubError(404, f"Entry not found: {path}", "EntryNotFound", {"X-Repo-Commit": commit})
