"""Find repositories: bare git folders `<kind>/<owner>/<name>.git`, each with its large files and a `hub.json`.

Changes are made while holding the repo's lock, a file lock that ends with its holder, so that several servers may work
on one store. A repo is made elsewhere and appears by one rename; a deleted one disappears by one.
"""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dulwich.errors import NotGitRepository
from dulwich.repo import Repo
from filelock import FileLock
from starlette.requests import Request

from toolkit.hub_server import auth, names
from toolkit.hub_server.errors import HubError, repo_missing
from toolkit.hub_server.files import remove, write_json
from toolkit.hub_server.objects import DAMAGE, Objects, ObjectWriter

FACTS = "hub.json"
INCOMING = "incoming"
STALE = 24 * 3600  # seconds after which an unfinished file is removed


@dataclass(frozen=True)
class RepoPlace:
    """A repo's kind (models, datasets or spaces), its name `owner/name`, and the store's folder."""

    root: Path
    kind: str
    name: str

    @property
    def path(self) -> Path:
        """Return the bare git folder."""
        return self.root / self.kind / f"{self.name}.git"

    @property
    def web(self) -> str:
        """Return the path of its page: models have no prefix."""
        return self.name if self.kind == "models" else f"{self.kind}/{self.name}"

    @contextlib.contextmanager
    def opened(self) -> Iterator[Repo]:
        """Open the git repository, anew for each request, since its caches are not for several threads.

        Raises:
            HubError: 404 where it was deleted meanwhile, 422 where its files are damaged.
        """
        try:
            with contextlib.closing(self._open()) as repo:
                yield repo
        except DAMAGE as error:
            raise self.damaged(str(error)) from error

    def _open(self) -> Repo:
        try:
            return Repo(str(self.path), object_store=Objects(str(self.path / "objects")))
        except (NotGitRepository, ValueError) as error:
            if (self.path / FACTS).is_file():
                raise self.damaged(str(error)) from error
            raise repo_missing(self.name) from error

    def damaged(self, why: str) -> HubError:
        """Make the error for damaged files of this repo, which no client can repair."""
        remedy = "put it back from a copy, or delete that folder and publish again"
        return HubError(422, f"{self.name}: its repository {self.path} is damaged ({why[:300]}); {remedy}")

    def facts(self) -> dict[str, Any]:
        """Return the facts that git does not know: private, sdk, created, pulls.

        Raises:
            HubError: 404 where the repo was deleted meanwhile, 422 where the file is damaged.
        """
        try:
            facts = json.loads((self.path / FACTS).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise repo_missing(self.name) from error
        except ValueError as error:
            raise self.damaged(f"{FACTS}: {error}") from error
        if not isinstance(facts, dict) or {"private", "sdk", "created", "pulls"} - facts.keys():
            raise self.damaged(f"{FACTS} lacks what the server writes there")
        return facts

    def write_facts(self, facts: dict[str, Any]) -> None:
        """Replace the facts; the caller holds the lock."""
        write_json(self.path / FACTS, facts)

    def writer(self, repo: Repo) -> ObjectWriter:
        """Return a writer of new objects of `repo`."""
        return ObjectWriter(repo, self.root / INCOMING)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock of this repo, against all other threads and servers of the store."""
        name = f"{self.kind}--{self.name.replace('/', '--')}.lock"
        with FileLock(self.root / "locks" / name, is_singleton=False, poll_interval=0.01):
            yield


def prepare(root: Path) -> Path:
    """Make the store's folder where missing, remove what killed servers left unfinished, and return its full path."""
    for folder in ("locks", INCOMING):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path in (root / INCOMING).iterdir():
        if time.time() - path.lstat().st_mtime > STALE:  # another server may be at work on a younger one
            remove(path)
    return root.resolve()


def find(request: Request) -> RepoPlace:
    """Return the repo that a request's address names.

    Raises:
        HubError: 404, where it does not exist, or is private and the caller has no token.
    """
    place = located(request)
    if auth.role(request) is None and place.facts()["private"]:
        raise repo_missing(place.name)
    return place


def find_for_git(request: Request) -> RepoPlace:
    """Find a repo for git, which sends its password only when asked to, and so is asked wherever one could help.

    Raises:
        HubError: 404, or 401 to those without a token.
    """
    try:
        return find(request)
    except HubError as error:
        if auth.role(request):
            raise
        headers = {"WWW-Authenticate": 'Basic realm="hub"'}
        raise HubError(401, "Not found, or private: give the token as password", headers=headers) from error


def located(request: Request) -> RepoPlace:
    """Find a repo without checking the token, for addresses whose signature permits the request."""
    params = request.path_params
    return place_of(request, params["kind"], f"{params['organization']}/{params['name'].removesuffix('.git')}")


def place_of(request: Request, kind: str, name: str) -> RepoPlace:
    """Return a repo that exists; an impossible name is no path into the store either."""
    try:
        place = RepoPlace(request.app.state.root, names.repo_kind(kind), names.full_name(name))
    except HubError as error:
        raise repo_missing(name) from error
    if not (place.path / FACTS).is_file():
        raise repo_missing(name)
    return place


def now() -> str:
    """Return this moment as the Hub writes it, in UTC."""
    return stamp(datetime.now(UTC).timestamp())


def stamp(seconds: float) -> str:
    """Return seconds since 1970 as the Hub writes a moment."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
