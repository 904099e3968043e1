"""Find the Hub of a repo: the one of the account, or the embedded one in the workspace."""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from huggingface_hub import HfApi

STORE = "hub"  # folder of the embedded Hub in the workspace
LOCAL = "local/"  # repos of this owner never leave the machine
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_embedded(repo: str) -> bool:
    """Say whether `repo` belongs to the workspace's own Hub.

    Repos of the owner `local` always do, unless HF_ENDPOINT names a Hub on this machine; those of other owners only
    where neither HF_ENDPOINT nor an account is configured.
    """
    from huggingface_hub import get_token

    endpoint = os.environ.get("HF_ENDPOINT", "")
    if repo.startswith(LOCAL):
        return urlsplit(endpoint).hostname not in LOOPBACK
    return not (endpoint or get_token())


@contextlib.contextmanager
def open_hub(workspace: Path, repo: str) -> Iterator["HfApi"]:
    """Open a client of the Hub of `repo`; the embedded Hub runs until the body ends and keeps its repos.

    Raises:
        RuntimeError: if the embedded Hub does not start.
    """
    from huggingface_hub import HfApi

    if not is_embedded(repo):
        yield HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
        return
    from toolkit.hub_server import running

    with running(workspace / STORE) as (endpoint, token), _on_this_machine():
        yield HfApi(endpoint=endpoint, token=token)


@contextlib.contextmanager
def open_to_read(workspace: Path, repo: str) -> Iterator["HfApi"]:
    """Open a Hub as `open_hub` does, to read: without an account, the public Hub for repos that the embedded one lacks.

    Raises:
        RuntimeError: if the embedded Hub does not start.
    """
    from huggingface_hub import HfApi

    exists = (workspace / STORE / "datasets" / f"{repo}.git").is_dir()
    if exists or repo.startswith(LOCAL) or not is_embedded(repo):
        with open_hub(workspace, repo) as api:
            yield api
    else:
        yield HfApi(token=False)


def run_with_hub(workspace: Path, command: Sequence[str]) -> int:
    """Run a command while the workspace's Hub runs, with an environment that points to it; return its exit code.

    Raises:
        OSError: if the command cannot be run.
        RuntimeError: if the Hub does not start.
    """
    from toolkit.hub_server import running

    with running(workspace / STORE) as (endpoint, token):
        variables = {"HF_ENDPOINT": endpoint, "HF_TOKEN": token} | _direct()
        return subprocess.run(command, env=os.environ | variables, check=False).returncode


def _direct() -> dict[str, str]:
    """Return the environment of clients of the embedded Hub, which needs no proxy and speaks plain HTTP and LFS."""
    hosts = ",".join(filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), LOOPBACK[0]]))
    online = {"HF_HUB_OFFLINE": "0", "HF_DATASETS_OFFLINE": "0"}
    return {"NO_PROXY": hosts, "no_proxy": hosts, "HF_HUB_DISABLE_XET": "1"} | online


@contextlib.contextmanager
def _on_this_machine() -> Iterator[None]:
    """Set the same environment in this process until the body ends, also where it is set to be offline."""
    from huggingface_hub import close_session, constants

    previous = {name: os.environ.get(name) for name in _direct()}
    offline, xet = constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_XET
    os.environ |= _direct()
    constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_XET = False, True
    close_session()  # the next one reads the environment anew
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_XET = offline, xet
        for name, value in previous.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        close_session()
