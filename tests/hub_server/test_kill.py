"""kill -9 of the server at random times while clients commit: what was promised is there, and all of it."""

import hashlib
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError

KIND = {"repo_type": "dataset"}
REPO = "local/killed"
WRITERS = 3
SERVE = """
import sys
from pathlib import Path
from toolkit.hub_server import serve
serve(Path(sys.argv[1]), port=int(sys.argv[2]), say=lambda line: print(line, flush=True))
"""


class Server:
    """A server that can be killed and started again on the same store and port."""

    def __init__(self, start: Callable[..., subprocess.Popen], root: Path, port: int = 0) -> None:
        self.process = start(SERVE, root, port)
        endpoint = self.process.stdout.readline().split()[2].rstrip(",")
        self.port = int(endpoint.rsplit(":", 1)[1])
        self.api = HfApi(endpoint, token=(root / "token").read_text().strip())
        self.api.whoami()

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate()


class Writer(threading.Thread):
    """Releases one version after another, whatever happens to the server; notes what it was told is done."""

    def __init__(self, api: HfApi, name: str) -> None:
        super().__init__(daemon=True)
        self.api, self.writer, self.stop = api, name, threading.Event()
        self.commits: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.interrupted = 0
        self.unexpected: list[Exception] = []

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            try:
                self.release(f"{self.writer}-{number}")
            except HfHubHTTPError as error:
                if error.response.status_code != 412:
                    self.unexpected.append(error)
                    return
            except (httpx2.TransportError, RuntimeError):  # the library wraps a failed upload in RuntimeError
                self.interrupted += 1
                time.sleep(0.05)
            number += 1

    def release(self, name: str) -> None:
        contents = {f"{name}/{part}.bin": hashlib.sha256(f"{name}{part}".encode()).digest() * 99 for part in range(3)}
        contents[f"{name}/{name}.txt"] = name.encode()
        digests = {path: hashlib.sha256(data).hexdigest() for path, data in contents.items()}
        contents["manifest.json"] = json.dumps(digests).encode()
        adds = [CommitOperationAdd(path, data) for path, data in contents.items()]
        head = self.api.repo_info(REPO, **KIND).sha
        result = self.api.create_commit(REPO, adds, commit_message=name, parent_commit=head, **KIND).oid
        self.commits[name] = result
        self.api.create_tag(REPO, tag=name, revision=result, **KIND)
        self.tags[name] = result


def check_whole(api: HfApi, revision: str, folder: Path) -> None:
    """Every file that the revision's manifest names is there with its bytes."""
    manifest = Path(api.hf_hub_download(REPO, "manifest.json", revision=revision, cache_dir=folder, **KIND))
    for name, digest in json.loads(manifest.read_text()).items():
        path = Path(api.hf_hub_download(REPO, name, revision=revision, cache_dir=folder, **KIND))
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, f"{revision}: {name}"


def check_kept(api: HfApi, commits: dict[str, str], tags: dict[str, str]) -> dict[str, str]:
    """What was answered is there, and every tag names the commit of its version; all tags."""
    found = {ref.name: ref.target_commit for ref in api.list_repo_refs(REPO, **KIND).tags}
    history = {commit.title: commit.commit_id for commit in api.list_repo_commits(REPO, **KIND)}
    assert commits.items() <= history.items(), "a commit that was answered is not in the history"
    assert tags.items() <= found.items(), "a tag that was answered is gone or elsewhere"
    assert found.items() <= history.items(), "a tag names a commit of another version"
    return found


def noted(writers: list[Writer]) -> tuple[dict[str, str], dict[str, str]]:
    """All commits and tags that were answered so far."""
    tags = {name: oid for writer in writers for name, oid in writer.tags.copy().items()}
    return {name: oid for writer in writers for name, oid in writer.commits.copy().items()}, tags


def kill_often(start: Callable[..., subprocess.Popen], folder: Path, kills: int, seed: int) -> list[Writer]:
    """Kill and restart while writers are at work, with checks after each; the writers."""
    root, cache = folder / "store", folder / "cache"
    chance, server = random.Random(seed), Server(start, root)
    server.api.create_repo(REPO, **KIND)
    writers = [Writer(server.api, f"w{number}") for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for _ in range(kills):
        before = len(noted(writers)[0])
        while len(noted(writers)[0]) == before:  # something is under way again
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.5))
        server.kill()
        server = Server(start, root, server.port)
        check_kept(server.api, *noted(writers))
    for writer in writers:
        writer.stop.set()
    for writer in writers:
        writer.join()
        assert not writer.unexpected
    Writer(server.api, "last").release("last")  # nothing that a kill left is in the way
    for tag in check_kept(server.api, *noted(writers)):
        check_whole(server.api, tag, cache)
    check_whole(server.api, "main", cache)
    fsck = ["git", "fsck", "--strict", "--no-dangling"]
    done = subprocess.run(fsck, cwd=root / "datasets" / f"{REPO}.git", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    server.kill()
    return writers


def test_after_three_kills_main_and_all_tags_are_whole(start, tmp_path):
    writers = kill_often(start, tmp_path, 3, seed=0)
    assert len(noted(writers)[0]) >= 3


@pytest.mark.slow
def test_after_thirty_kills_main_and_all_tags_are_whole(start, tmp_path):
    writers = kill_often(start, tmp_path, 30, seed=1)
    assert sum(writer.interrupted for writer in writers) > 0 and len(noted(writers)[0]) >= 30


def test_a_lock_that_a_killed_server_left_stops_nobody(hub, api, dataset):
    path = hub.root / "datasets" / f"{dataset}.git"
    for name in ("refs/heads/main.lock", "refs/tags/v1.lock", "packed-refs.lock"):
        (path / name).touch()
    oid = api.create_commit(dataset, [CommitOperationAdd("a", b"a")], commit_message="a", **KIND).oid
    api.create_tag(dataset, tag="v1", **KIND)
    assert api.repo_info(dataset, revision="v1", **KIND).sha == oid
    api.delete_tag(dataset, tag="v1", **KIND)


def test_half_an_upload_is_no_object(hub, api, dataset):
    """The client goes away in the middle of a large file; then it is sent again."""
    data = os.urandom(3 << 20)
    oid = hashlib.sha256(data).hexdigest()
    body = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": len(data)}]}
    url = f"{hub.endpoint}/datasets/{dataset}.git/info/lfs/objects/batch"
    answer = httpx2.post(url, json=body, headers={"Authorization": f"Bearer {hub.token}"})
    href = answer.json()["objects"][0]["actions"]["upload"]["href"]

    def half():
        yield data[: 2 << 20]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        httpx2.put(href, content=half(), headers={"Content-Length": str(len(data))})
    while list((hub.root / "incoming").glob(f"{oid}*")):  # until the server has noticed
        time.sleep(0.01)
    assert not list((hub.root / "datasets" / f"{dataset}.git").rglob(oid))
    api.upload_file(path_or_fileobj=data, path_in_repo="big.bin", repo_id=dataset, **KIND)
    assert api.get_paths_info(dataset, "big.bin", **KIND)[0].lfs.sha256 == oid
