"""The real client at a real server process, through a proxy that counts the calls and fails on demand."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.sha import git_hash

from tests.fakes.faulty_proxy import FaultyProxy, faulty_proxy
from tests.hub.publishing.tiny_ladder import make_release
from toolkit.hub.upload import Target
from toolkit.hub_server import running

READ_TOKEN = "hf_only_for_reading"


@pytest.fixture(autouse=True)
def in_haste(monkeypatch):
    """Pauses between tries take no time, and Xet stays off, whatever imported the library first."""
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)


@pytest.fixture(scope="session")
def hub(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """endpoint, token and read_token of a running server."""
    root = tmp_path_factory.mktemp("hub")
    (root / "read-token").write_text(READ_TOKEN)
    with running(root) as (endpoint, token):
        yield SimpleNamespace(endpoint=endpoint, token=token, read_token=READ_TOKEN, root=root)


@pytest.fixture(scope="session")
def line(hub) -> Iterator[FaultyProxy]:
    with faulty_proxy(hub.endpoint) as made:
        yield made


@pytest.fixture
def proxy(line) -> FaultyProxy:
    """The proxy, counting from here on and without faults."""
    line.reset()
    return line


@pytest.fixture
def api(hub, proxy) -> HfApi:
    """A client that writes through the proxy."""
    return HfApi(endpoint=proxy.url, token=hub.token)


@pytest.fixture
def direct(hub) -> HfApi:
    """A client that goes past the proxy."""
    return HfApi(endpoint=hub.endpoint, token=hub.token)


@pytest.fixture
def repo() -> str:
    """A name that no repo has yet."""
    return f"local/d-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def ladder(tmp_path_factory) -> Callable[..., Path]:
    """Releases of 4 questions: budgets, version and salt of the responses -> folder, made once each."""
    made: dict[tuple, Path] = {}

    def make(budgets=(1, 2), version="v1.0.0", salt="a", temperature=0.8) -> Path:
        key = (budgets, version, salt, temperature)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("ladder") / "release"
            make_release(made[key], *key)
        return made[key]

    return make


def quiet(api: HfApi, **options) -> Target:
    """Where to push, without a word."""
    return Target(api, **({"say": lambda text: None} | options))


def expected(folder: Path) -> dict[str, str]:
    """Name -> sha256 of a large file, git's hash of any other: what a repo must hold that got this folder."""
    manifest = json.loads((folder / "manifest.json").read_text())
    names = [*manifest["files"], "manifest.json"]
    return {
        name: manifest["files"][name]["sha256"] if name.endswith(".parquet") else git_hash((folder / name).read_bytes())
        for name in names
    }


def held(api: HfApi, repo: str, revision: str, repo_type: str = "dataset") -> dict[str, str]:
    """The same of what a repo holds at a revision, its first commit's file apart."""
    tree = api.list_repo_tree(repo, repo_type=repo_type, revision=revision, recursive=True)
    found = {file.path: file for file in tree if isinstance(file, RepoFile) and file.path != ".gitattributes"}
    return {name: file.lfs.sha256 if file.lfs else file.blob_id for name, file in found.items()}


def tags(api: HfApi, repo: str, repo_type: str = "dataset") -> dict[str, str]:
    return {tag.name: tag.target_commit for tag in api.list_repo_refs(repo, repo_type=repo_type).tags}


def commits(api: HfApi, repo: str, repo_type: str = "dataset") -> list[str]:
    """Commits of main, the newest first."""
    return [commit.commit_id for commit in api.list_repo_commits(repo, repo_type=repo_type)]
