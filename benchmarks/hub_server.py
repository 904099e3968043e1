"""The embedded Hub's large files against the disk, and its listing and cloning against git.

    python benchmarks/hub_server.py [--megabytes 512]

Upload and download go through the client library; the limit of an upload is writing, flushing and hashing the same
bytes in this process, that of a download is reading and writing them. Cloning is compared with git cloning the same
repository from its folder. Peak memory is the server's.
"""

import argparse
import hashlib
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

FILES, COMMITS = 1000, 50


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def write_flush_hash(source: Path, target: Path) -> str:
    """What an upload must do at least: the bytes on the disk, and their sha256."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(1 << 20):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


def read_write(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(1 << 20):
            writer.write(chunk)


def drain(url: str) -> None:
    with urllib.request.urlopen(url) as answer:
        while answer.read(1 << 20):
            pass


def report(what: str, megabytes: float, took: float, limit_name: str, limit: float) -> None:
    print(f"{what:9s} {megabytes / took:7,.0f} MB/s, {limit_name} {megabytes / limit:7,.0f} MB/s: x {limit / took:.2f}")


def peak(root: Path) -> float:
    """Peak resident memory in MB of the server that serves `root`."""
    for process in Path("/proc").glob("[0-9]*"):
        command = (process / "cmdline").read_bytes() if (process / "cmdline").exists() else b""
        if b"toolkit.hub_server" in command and str(root).encode() in command:
            line = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM"))
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(f"no server of {root}")


def transfers(endpoint: str, token: str, folder: Path, megabytes: int) -> None:
    from huggingface_hub import HfApi

    api, source = HfApi(endpoint, token=token), folder / "source.bin"
    source.write_bytes(os.urandom(1 << 20) * megabytes)
    api.create_repo("local/bytes", repo_type="dataset")
    size = source.stat().st_size / 1e6
    limit = seconds(lambda: write_flush_hash(source, folder / "limit.bin"))
    options = {"repo_id": "local/bytes", "repo_type": "dataset"}
    took = seconds(lambda: api.upload_file(path_or_fileobj=source, path_in_repo="a.bin", **options))
    report("upload", size, took, "disk and sha256", limit)
    print(f"{'':9s} (the client hashes the file before it sends it: the same sha256 again)")
    limit = seconds(lambda: read_write(source, folder / "limit.bin"))
    took = seconds(lambda: api.hf_hub_download(filename="a.bin", cache_dir=folder / "cache", **options))
    report("download", size, took, "copy in process", limit)
    url = f"{endpoint}/datasets/local/bytes/resolve/main/a.bin"
    report("the same", size, seconds(lambda: drain(url)), "copy in process", limit)
    print(f"{'':9s} (without the client library, to nowhere: the server's part)")


def small_files(endpoint: str, token: str, root: Path, folder: Path) -> None:
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint, token=token)
    api.create_repo("local/many", repo_type="dataset")
    adds = [CommitOperationAdd(f"{number:04d}.txt", b"%d" % number) for number in range(FILES)]
    took = seconds(lambda: api.create_commit("local/many", adds, commit_message="many", repo_type="dataset"))
    print(f"commit of {FILES} small files: {took:.2f} s, {FILES / took:,.0f} files a second")
    took = seconds(lambda: api.list_repo_files("local/many", repo_type="dataset"))
    print(f"list of {FILES} files: {took:.2f} s")

    def change(number: int) -> None:
        add = CommitOperationAdd("one.txt", b"changed %d" % number)
        api.create_commit("local/many", [add], commit_message="one", repo_type="dataset")

    times = [seconds(partial(change, number)) for number in range(COMMITS)]
    print(f"commit of 1 file to {FILES}: median {sorted(times)[COMMITS // 2] * 1000:.0f} ms of {COMMITS}")
    path = root / "datasets" / "local" / "many.git"
    clone = ["git", "clone", "--quiet", "--no-local"]
    limit = seconds(lambda: subprocess.run([*clone, str(path), str(folder / "by-git")], check=True))
    url = f"{endpoint}/datasets/local/many"
    took = seconds(lambda: subprocess.run([*clone, url, str(folder / "by-http")], check=True))
    print(f"clone: {took:.2f} s, git from the folder {limit:.2f} s: x {took / limit:.2f} of its time")


def main() -> None:
    from toolkit.hub_server import running

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--megabytes", type=int, default=512)
    args = parser.parse_args()
    with TemporaryDirectory() as name:
        folder, root = Path(name), Path(name) / "store"
        with running(root) as (endpoint, token):
            idle = peak(root)
            transfers(endpoint, token, folder, args.megabytes)
            print(f"server's peak memory: {idle:.0f} MB before, {peak(root):.0f} MB after the transfers")
            small_files(endpoint, token, root, folder)


if __name__ == "__main__":
    main()
