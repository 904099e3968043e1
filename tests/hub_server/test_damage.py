"""Files of the store that a bad disk or a hand has changed: the repo is named, others are served, nobody waits."""

import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import HfHubHTTPError

CARD = b"---\nlicense: mit\n---\n# Card\n"


@pytest.fixture
def folder(hub, api, dataset) -> Path:
    """The bare repository of a dataset with a small and a large file."""
    operations = [CommitOperationAdd("README.md", CARD), CommitOperationAdd("data/a.parquet", b"PAR1" * 9)]
    api.create_commit(dataset, operations, commit_message="a", repo_type="dataset")
    return hub.root / "datasets" / f"{dataset}.git"


def objects(folder: Path) -> list[Path]:
    return [path for path in (folder / "objects").glob("??/*") if path.is_file()]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.chmod(0o644)
    path.write_bytes(bytes(data))


def write(data: bytes) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.chmod(0o644)
        path.write_bytes(data)

    return change


def swap(path: Path) -> None:
    """Another object's bytes, whole in themselves."""
    other = next(each for each in path.parents[1].glob("??/*") if each != path)
    write(other.read_bytes())(path)


def cut(path: Path) -> None:
    write(path.read_bytes()[:9])(path)


EVERY_OBJECT = {"flipped": flip, "cut": cut, "swapped": swap, "gone": Path.unlink}
EVERY_OBJECT |= {"empty": write(b""), "noise": write(b"\xff" * 40), "zeros": write(b"\0" * 64)}
ONE_FILE = {
    "an empty ref": ("refs/heads/main", write(b"")),
    "a ref to nothing": ("refs/heads/main", write(b"1" * 40 + b"\n")),
    "a ref of noise": ("refs/heads/main", write(b"\xff\0noise\n")),
    "packed refs of noise": ("refs/heads/main", lambda path: path.replace(path.parents[2] / "packed-refs")),
    "a configuration of noise": ("config", write(b"\xff[[[\0")),
    "no objects": ("objects", shutil.rmtree),
    "facts of noise": ("hub.json", write(b"{")),
    "facts of another form": ("hub.json", write(b"[1]")),
}


def refusal(call):
    """Give the status and the message of a call that the server refuses."""
    with pytest.raises(HfHubHTTPError) as error:
        call()
    return error.value.response.status_code, str(error.value)


@pytest.mark.parametrize("kind", EVERY_OBJECT)
def test_a_damaged_object_is_reported(api, dataset, folder, kind):
    for path in objects(folder):
        if path.exists():
            EVERY_OBJECT[kind](path)
    calls = (
        lambda: api.repo_info(dataset, repo_type="dataset"),
        lambda: list(api.list_repo_tree(dataset, repo_type="dataset")),
        lambda: api.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id=dataset, repo_type="dataset"),
    )
    for status, message in map(refusal, calls):
        assert status == 422 and f"{dataset}: its repository {folder} is damaged (" in message


@pytest.mark.parametrize("name", ONE_FILE)
def test_a_damaged_file_of_git_is_reported(api, dataset, folder, name):
    place, change = ONE_FILE[name]
    change(folder / place)
    status, message = refusal(lambda: api.repo_info(dataset, repo_type="dataset"))
    assert status == 422 and f"{dataset}: its repository {folder} is damaged (" in message


def test_each_object_alone_spoils_what_needs_it_and_is_never_a_fault_of_the_server(hub, api, dataset, folder):
    calls = ("", "/refs", "/tree/main?recursive=1&expand=1", "/commits/main", "/revision/main?blobs=1")
    for path in objects(folder):
        kept = path.read_bytes()
        flip(path)
        urls = [f"{hub.endpoint}/api/datasets/{dataset}{call}" for call in calls]
        urls += [f"{hub.endpoint}/datasets/{dataset}/resolve/main/{name}" for name in ("README.md", "data/a.parquet")]
        messages = {httpx2.get(url).status_code for url in urls}
        assert messages <= {200, 422} and 422 in messages
        write(kept)(path)
    assert api.repo_info(dataset, repo_type="dataset").card_data.license == "mit"


def test_a_damaged_repo_hides_no_other(hub, api, anyone, dataset, folder):
    whole = api.create_repo(f"local/w-{uuid.uuid4().hex[:8]}", repo_type="dataset").repo_id
    for path in objects(folder):
        flip(path)
    listed = {item.id: item.disabled for item in api.list_datasets()}
    assert listed[whole] is False and listed[dataset] is True
    assert whole in {item.id for item in anyone.list_datasets()}


def test_a_clone_of_a_damaged_repo_fails(hub, folder, dataset, tmp_path):
    for path in objects(folder):
        flip(path)
    url = f"{hub.endpoint}/datasets/{dataset}"
    assert subprocess.run(["git", "clone", url, tmp_path / "c"], capture_output=True, timeout=60).returncode


@pytest.mark.parametrize("change", [write(b""), write(b"PAR1"), Path.unlink])
def test_a_large_file_that_is_missing_or_cut_is_reported(hub, dataset, folder, change):
    (large,) = (path for path in (folder / "lfs").rglob("*") if path.is_file())
    change(large)
    messages = httpx2.get(f"{hub.endpoint}/datasets/{dataset}/resolve/main/data/a.parquet")
    assert messages.status_code == 422 and "of data/a.parquet is missing or cut" in messages.json()["error"]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"slug": 1}'])
def test_a_damaged_collection_is_reported(hub, api, data):
    result = api.create_collection(f"c {uuid.uuid4().hex[:8]}", namespace="local")
    path = hub.root / "collections" / f"{result.slug}.json"
    path.write_bytes(data)
    messages = httpx2.get(f"{hub.endpoint}/api/collections/{result.slug}")
    assert messages.status_code == 422 and f"{path}: this collection " in messages.json()["error"]
    path.unlink()


FULL = """
import random, resource, sys
from pathlib import Path
from huggingface_hub import HfApi, constants
from toolkit.hub.faults import explain
from toolkit.hub_server import running

constants.HF_HUB_DISABLE_XET = True
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
with running(Path(sys.argv[1])) as (endpoint, token):
    api = HfApi(endpoint=endpoint, token=token)
    api.create_repo("local/d", repo_type="dataset")
    for name in ("a.parquet", "a.txt"):
        try:
            data = random.Random(0).randbytes(100_000)
            data = data if name == "a.parquet" else data.hex().encode()
            api.upload_file(path_or_fileobj=data, path_in_repo=name, repo_id="local/d", repo_type="dataset")
        except Exception as error:
            print(explain(error, "local/d", endpoint))
    api.upload_file(path_or_fileobj=b"small", path_in_repo="small", repo_id="local/d", repo_type="dataset")
    print(api.list_repo_files("local/d", repo_type="dataset"))
"""


def test_a_full_disk_is_reported_and_nothing_is_half_kept(tmp_path):
    command = [sys.executable, "-c", FULL, tmp_path]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    *output, content = ran.stdout.splitlines()
    assert len(output) == 2 and all(" cannot store it (507): " in line and "File too large" in line for line in output)
    assert content == "['.gitattributes', 'small']"
    assert not list((tmp_path / "incoming").iterdir())
