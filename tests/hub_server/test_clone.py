"""git itself reads the repos."""

import hashlib
import shutil
import subprocess

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd

from tests.hub_server.conftest import files

KIND = {"repo_type": "dataset"}
LARGE = b"\0" * 1000
pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


def git(*args: str, cwd=None, **options) -> str:
    command = ["git", "-c", "filter.lfs.smudge=", "-c", "filter.lfs.required=false", *args]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **options})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def repo(api, dataset) -> str:
    """A dataset of three commits and a tag."""
    for number in range(2):
        adds = [CommitOperationAdd("text.txt", b"%d\n" % number), CommitOperationAdd("a/large.bin", LARGE)]
        api.create_commit(dataset, adds, commit_message=f"commit {number}", **KIND)
        api.create_tag(dataset, tag=f"v{number}", tag_message="A tag", **KIND)
    return dataset


@pytest.mark.parametrize("suffix", ["", ".git"])
def test_a_clone_is_sound_and_has_all_commits_and_tags(hub, api, repo, tmp_path, suffix):
    git("clone", f"{hub.endpoint}/datasets/{repo}{suffix}", str(tmp_path / "clone"))
    git("fsck", "--strict", cwd=tmp_path / "clone")
    titles = git("log", "--format=%s", cwd=tmp_path / "clone").splitlines()
    assert titles == ["commit 1", "commit 0", "initial commit"]
    assert git("tag", cwd=tmp_path / "clone").split() == ["v0", "v1"]
    head = git("rev-parse", "HEAD", cwd=tmp_path / "clone").strip()
    assert head == api.repo_info(repo, **KIND).sha
    found = files(tmp_path / "clone")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{hashlib.sha256(LARGE).hexdigest()}\nsize 1000\n"
    assert (found["text.txt"], found["a/large.bin"]) == (b"1\n", pointer.encode())


def test_the_store_itself_is_a_sound_repository(hub, repo):
    path = hub.root / "datasets" / f"{repo}.git"
    assert git("fsck", "--strict", "--no-dangling", cwd=path) == ""


def test_a_fetch_brings_what_is_new_and_shallow_clones_work(hub, api, repo, tmp_path):
    url = f"{hub.endpoint}/datasets/{repo}"
    git("clone", url, str(tmp_path / "full"))
    git("clone", "--depth", "1", url, str(tmp_path / "shallow"))
    new = api.create_commit(repo, [CommitOperationAdd("new.txt", b"n")], commit_message="new", **KIND).oid
    git("pull", cwd=tmp_path / "full")
    assert git("rev-parse", "HEAD", cwd=tmp_path / "full").strip() == new
    assert (tmp_path / "full" / "new.txt").read_bytes() == b"n"
    assert len(git("log", "--format=%s", cwd=tmp_path / "shallow").splitlines()) == 1


def test_a_push_is_refused(hub, repo, tmp_path):
    git("clone", f"{hub.endpoint}/datasets/{repo}", str(tmp_path / "clone"))
    done = subprocess.run(
        ["git", "push", "origin", "HEAD:other"], cwd=tmp_path / "clone", capture_output=True, text=True
    )
    assert done.returncode != 0 and "403" in done.stderr


def test_a_private_repo_is_cloned_with_the_token_as_password(hub, api, repo, tmp_path):
    api.update_repo_settings(repo, repo_type="dataset", private=True)
    address = hub.endpoint.removeprefix("http://")
    git("clone", f"http://user:{hub.token}@{address}/datasets/{repo}", str(tmp_path / "clone"))
    assert (tmp_path / "clone" / "text.txt").is_file()
    without = subprocess.run(
        ["git", "clone", f"{hub.endpoint}/datasets/{repo}", str(tmp_path / "none")],
        capture_output=True, env={"PATH": "/usr/bin:/bin", "GIT_TERMINAL_PROMPT": "0"},
    )  # fmt: skip
    assert without.returncode != 0


def test_git_lfs_is_shown_where_the_large_file_lies(hub, repo):
    oid = hashlib.sha256(LARGE).hexdigest()
    expected = [{"oid": oid, "size": 1000}, {"oid": "0" * 64, "size": 5}]
    body = {"operation": "download", "transfers": ["basic"], "objects": expected}
    found, missing = httpx2.post(f"{hub.endpoint}/datasets/{repo}.git/info/lfs/objects/batch", json=body).json()[
        "objects"
    ]
    assert httpx2.get(found["actions"]["download"]["href"]).content == LARGE
    assert missing["error"]["code"] == 404
