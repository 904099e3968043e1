"""`fss release` at a Hub that does not take it, or is not there: one message that says what is wrong and the mend."""

import shutil
import socket
import time
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants

from tests.pipeline.conftest import TINY
from toolkit.cli import main
from toolkit.hub_server import running

REPO, READ_TOKEN = "local/refused", "hf_only_for_reading"


@pytest.fixture
def hub(tmp_path):
    """A client of a running Hub that also knows a read-only token."""
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "read-token").write_text(READ_TOKEN)
    with running(tmp_path / "hub") as (endpoint, token):
        yield HfApi(endpoint, token=token)


@pytest.fixture
def refused(chain, tmp_path, monkeypatch, capsys):
    """What `fss release` says and makes of the chain's run, at an endpoint with a token."""
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    workspace = shutil.copytree(chain.workspace, tmp_path / "workspace")

    def release(endpoint, token, repo=REPO):
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        for name, value in (("HF_ENDPOINT", endpoint), ("HF_TOKEN", token)):
            monkeypatch.setenv(name, value)
        command = ["release", str(chain.recipe), "--repo", repo, "--workspace", str(workspace), "--jobs", "1"]
        assert main(command) == 1
        (message,) = capsys.readouterr().err.split("fss: error: ")[1:]
        assert token not in message and str(Path.home()) not in message
        return message.strip()

    return release


@pytest.mark.parametrize("repo", ["a/..", "a/b..c", "a/b c", "a/" + "x" * 200, "name", "a/b/c", "../../etc", "a/b--c"])
def test_a_name_that_no_hub_takes(tmp_path, capsys, repo):
    assert main(["release", str(TINY), "--repo", repo, "--workspace", str(tmp_path / "none")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("fss: error: --repo: repo: must be owner/name: letters, digits,") and said.count("\n") == 1
    assert repr(repo) in said and not (tmp_path / "none").exists()


def test_a_token_that_may_only_read(refused, hub):
    assert refused(hub.endpoint, READ_TOKEN) == (
        f"{REPO}-teacher: the token may not write there (403); use one of role `write` that reaches local: "
        "`hf auth login`"
    )
    assert not hub.repo_exists(f"{REPO}-teacher") and not hub.repo_exists(REPO, repo_type="dataset")


def test_a_token_that_the_hub_does_not_know(refused, hub):
    message = refused(hub.endpoint, "hf_unknown")
    assert message.endswith("does not accept the token (401); log in with `hf auth login`, or set HF_TOKEN")
    assert message.startswith(f"{REPO}-teacher: http://127.0.0.1:")


def test_a_repo_with_other_content(refused, hub):
    hub.create_repo(REPO, repo_type="dataset")
    adds = [CommitOperationAdd("theirs.csv", b"x")]
    head = hub.create_commit(REPO, adds, repo_type="dataset", commit_message="theirs").oid
    assert refused(hub.endpoint, hub.token) == (
        f"{REPO}: it holds files that no release made (theirs.csv); name a repo that is new or empty, or remove them"
    )
    assert hub.repo_info(REPO, repo_type="dataset").sha == head


def test_no_network(refused):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
    message = refused(endpoint, "hf_x")
    assert message.startswith(f"{REPO}-teacher: no answer from {endpoint} (ConnectError")
    assert message.endswith("check network and HF_ENDPOINT, then rerun")


def test_a_base_of_a_hub_that_is_not_there_is_told_before_any_work(tmp_path, monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    recipe = tmp_path / "far.yaml"
    kept = [line for line in TINY.read_text().splitlines() if not line.startswith("base:")]
    recipe.write_text("\n".join([*kept, "base: org/base"]))
    assert main(["run", str(recipe), "--workspace", str(tmp_path / "none"), "--dry-run"]) == 1
    said = capsys.readouterr().err
    assert f"fss: error: org/base: no answer from http://127.0.0.1:{port}" in said and "check network" in said
