"""Which Hub a repo lies at: the one of the account, or the embedded one in the workspace."""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from huggingface_hub import HfApi

STORE = "hub"  # of the embedded Hub, in the workspace
LOCAL = "local/"  # repos of this owner never leave the machine
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_embedded(repo: str) -> bool:
    """Whether `repo` lies at the workspace's own Hub.

    Those of the owner `local` always do, unless HF_ENDPOINT names a Hub on this machine; those of other owners only
    where neither HF_ENDPOINT nor an account is configured.
    """
    from huggingface_hub import get_token

    endpoint = os.environ.get("HF_ENDPOINT", "")
    if repo.startswith(LOCAL):
        return urlsplit(endpoint).hostname not in LOOPBACK
    return not (endpoint or get_token())


@contextlib.contextmanager
def open_hub(workspace: Path, repo: str) -> Iterator["HfApi"]:
    """A client of the Hub at which `repo` lies; the embedded one runs until the body ends and keeps its repos.

    Raises:
        RuntimeError: the embedded Hub did not start.
    """
    from huggingface_hub import HfApi, constants

    if not is_embedded(repo):
        yield HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
        return
    from toolkit.hub.server import running

    constants.HF_HUB_DISABLE_XET = True  # the embedded Hub speaks plain HTTP and LFS
    with running(workspace / STORE) as (endpoint, token):
        yield HfApi(endpoint=endpoint, token=token)


@contextlib.contextmanager
def open_to_read(workspace: Path, repo: str) -> Iterator["HfApi"]:
    """As `open_hub`, to read: without an account, what the embedded Hub does not hold is looked for at the public one.

    Raises:
        RuntimeError: the embedded Hub did not start.
    """
    from huggingface_hub import HfApi

    held = (workspace / STORE / "datasets" / f"{repo}.git").is_dir()
    if held or repo.startswith(LOCAL) or not is_embedded(repo):
        with open_hub(workspace, repo) as api:
            yield api
    else:
        yield HfApi(token=False)


def run_with_hub(workspace: Path, command: Sequence[str]) -> int:
    """Run a command while the workspace's Hub runs, with an environment that points there; returns its exit code.

    Raises:
        OSError: the command cannot be run.
        RuntimeError: the Hub did not start.
    """
    from toolkit.hub.server import running

    with running(workspace / STORE) as (endpoint, token):
        named = {"HF_ENDPOINT": endpoint, "HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1"}
        return subprocess.run(command, env=os.environ | named, check=False).returncode
