"""A real server process that the tests of this folder share, and the real clients at it."""

import json
import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from huggingface_hub import HfApi, constants

from tests.fakes.hub import running_hub

SAID = 4000


@pytest.fixture(autouse=True, scope="module")
def no_xet() -> Iterator[None]:
    """What `HF_HUB_DISABLE_XET=1` sets; other tests may have imported the library before this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        yield


@pytest.fixture(scope="session")
def hub(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """Run a server that the tests of this folder share; see `running_hub`."""
    with running_hub(tmp_path_factory.mktemp("hub")) as server:
        yield server


@pytest.fixture
def api(hub) -> HfApi:
    """A client that may write."""
    return HfApi(endpoint=hub.endpoint, token=hub.token)


@pytest.fixture
def anyone(hub) -> HfApi:
    """A client without a token."""
    return HfApi(endpoint=hub.endpoint, token=False)


@pytest.fixture
def dataset(api) -> str:
    """A new, empty dataset repo."""
    return api.create_repo(f"local/d-{uuid.uuid4().hex[:12]}", repo_type="dataset").repo_id


@pytest.fixture
def shell(hub, tmp_path) -> Callable[..., str]:
    """Run a script in a fresh Python whose environment names the hub, as a user would; its output."""

    def run(script: str, *args: str, **changes: str) -> str:
        environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token, "HF_HUB_DISABLE_XET": "1"}
        environment |= {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"} | changes
        command = [sys.executable, "-c", textwrap.dedent(script), *args]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-SAID:]
        return done.stdout.strip()

    return run


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Run a script in a Python process of its own that does not outlive the test."""
    started: list[subprocess.Popen] = []

    def start(script: str, *args: object) -> subprocess.Popen:
        command = [sys.executable, "-c", script, *map(str, args)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        with process:  # and its pipe
            process.kill()


def files(path: Path) -> dict[str, bytes]:
    """Every file below `path` by name, git's own apart."""
    found = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
    return {name: file.read_bytes() for name, file in found.items() if not name.startswith(".git/")}


def raw_commit(hub, repo: str, *lines: object, revision: str = "main") -> httpx2.Response:
    """A commit call as no client library would make it."""
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    url = f"{hub.endpoint}/api/datasets/{repo}/commit/{revision}"
    return httpx2.post(url, content=body, headers={"Authorization": f"Bearer {hub.token}"})
