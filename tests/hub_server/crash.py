"""A release through the hub that ends, as by a power switch, at its n-th change of the disk: every STEP-th n.

    python -m tests.hub_server.crash STORE STEP

Every attempt is a forked process over the same store; after each the store is checked and the release is made again,
this time to its end. Prints, per attempt, what was there after the crash.
"""

import functools
import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dulwich.object_store import iter_tree_contents
from dulwich.repo import Repo
from starlette.testclient import TestClient

from toolkit.hub_server import app
from toolkit.hub_server.lfs import pointer

CHANGES = ("fsync", "replace", "rename", "mkdir", "unlink", "remove", "link")
CRASHED = 9


def crash_at(number: int) -> None:
    """End this process at once instead of making its `number`-th change of the disk."""
    count = itertools.count(1)

    def watched(change: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if next(count) == number:
                os._exit(CRASHED)
            return change(*args, **options)

        return call

    for name in CHANGES:
        setattr(os, name, watched(getattr(os, name)))


def release(root: Path, version: str) -> None:
    """Upload a large file, commit it with a small one, tag the commit; what is done already is left."""
    token = (root / "token").read_text().strip()
    client = TestClient(app(root), "http://127.0.0.1", headers={"Authorization": f"Bearer {token}"})
    data = version.encode() * 1000
    item = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}
    batch = client.post("/datasets/local/x.git/info/lfs/objects/batch", json={"operation": "upload", "objects": [item]})
    actions = batch.json()["objects"][0].get("actions")
    if actions:
        assert client.put(actions["upload"]["href"], content=data).status_code == 200
    lines = [
        {"key": "header", "value": {"summary": version}},
        {"key": "lfsFile", "value": {"path": f"{version}.parquet", "algo": "sha256", **item}},
        {"key": "file", "value": {"path": f"folder/{version}.txt", "content": version}},
    ]
    if client.head(f"/datasets/local/x/resolve/main/{version}.parquet").status_code == 404:
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        assert client.post("/api/datasets/local/x/commit/main", content=body).status_code == 200
    assert client.post("/api/datasets/local/x/tag/main", json={"tag": version}).status_code in (200, 409)


def attempt(work: Callable[[], None]) -> int:
    """Run `work` in a forked process; its exit code."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@functools.cache
def check(path: Path, commit: bytes) -> None:
    """Read every file of a commit and compare its checksum."""
    with Repo(str(path)) as repo:
        for entry in iter_tree_contents(repo.object_store, repo[commit].tree):
            large = pointer(repo[entry.sha].data)
            if large:
                stored = path / "lfs" / "objects" / large.oid[:2] / large.oid[2:4] / large.oid
                assert hashlib.sha256(stored.read_bytes()).hexdigest() == large.oid


def state(path: Path) -> dict[str, str]:
    """The commits of main and of all tags, each checked."""
    with Repo(str(path)) as repo:
        refs = {ref.decode(): oid for ref, oid in repo.get_refs().items() if ref != b"HEAD"}
    for oid in refs.values():
        check(path, oid)
    return {ref: oid.decode() for ref, oid in refs.items()}


def main(root: Path, step: int) -> list[str]:
    path = root / "datasets" / "local" / "x.git"
    found = []
    for number in itertools.count(1, step):
        before, version = state(path), f"v{number}"
        code = attempt(lambda: (crash_at(number), release(root, version)))  # noqa: B023 - called at once
        after = state(path)
        assert before.items() - after.items() <= {("refs/heads/main", before["refs/heads/main"])}, (
            "a tag was lost or moved"
        )
        tag = after.get(f"refs/tags/{version}")
        assert tag in (None, after["refs/heads/main"])
        moved = after["refs/heads/main"] != before["refs/heads/main"]
        found.append("tagged" if tag else "committed" if moved else "old")
        if code == 0:
            check.cache_clear()  # once more from the disk
            state(path)
            subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=path, check=True, capture_output=True)
            return found
        assert code == CRASHED, f"ended with {code}"
        assert attempt(lambda: release(root, version)) == 0, "what the crash left is in the way"  # noqa: B023
        assert state(path)[f"refs/tags/{version}"]
    return found


if __name__ == "__main__":
    store = Path(sys.argv[1])
    api = TestClient(app(store), "http://127.0.0.1")
    api.headers["Authorization"] = f"Bearer {(store / 'token').read_text().strip()}"
    assert attempt(lambda: api.post("/api/repos/create", json={"name": "x", "type": "dataset"}).raise_for_status()) == 0
    sys.stdout.write(json.dumps(main(store, int(sys.argv[2]))))
