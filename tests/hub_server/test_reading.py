"""What readers see: listings, pages, headers, ranges, downloads, and reading when the hub has gone."""

import hashlib
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem
from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError

from tests.hub_server.conftest import files, raw_commit

KIND = {"repo_type": "dataset"}
LARGE = bytes(range(256)) * 20_000  # 5 MB: several pieces of a transfer
SMALL = b"0123456789"


@pytest.fixture(scope="module")
def repo(hub) -> str:
    """A dataset with a small file and a large one."""
    api = HfApi(hub.endpoint, token=hub.token)
    name = api.create_repo("local/reading", **KIND).repo_id
    adds = [CommitOperationAdd("dir/small.txt", SMALL), CommitOperationAdd("large.bin", LARGE)]
    api.create_commit(name, adds, commit_message="files", **KIND)
    return name


@pytest.fixture
def url(hub, repo) -> str:
    return f"{hub.endpoint}/datasets/{repo}/resolve/main"


def test_headers_tell_commit_checksum_and_size(api, repo, url):
    commit = api.repo_info(repo, **KIND).sha
    large, small = httpx2.head(f"{url}/large.bin"), httpx2.head(f"{url}/dir/small.txt")
    digest = hashlib.sha256(LARGE).hexdigest()
    blob = hashlib.sha1(b"blob %d\0" % len(SMALL) + SMALL).hexdigest()
    assert large.headers["X-Linked-ETag"] == large.headers["ETag"] == f'"{digest}"'
    assert large.headers["X-Linked-Size"] == large.headers["Content-Length"] == str(len(LARGE))
    assert (small.headers["ETag"], small.headers["Content-Length"]) == (f'"{blob}"', str(len(SMALL)))
    assert large.headers["X-Repo-Commit"] == small.headers["X-Repo-Commit"] == commit
    assert large.status_code == small.status_code == 200 and not large.content


@pytest.mark.parametrize(("name", "data"), [("large.bin", LARGE), ("dir/small.txt", SMALL)])
@pytest.mark.parametrize(
    ("expected", "part"),
    [
        ("bytes=0-0", slice(0, 1)), ("bytes=2-5", slice(2, 6)), ("bytes=3-", slice(3, None)),
        ("bytes=-4", slice(-4, None)), ("bytes=5-99999999", slice(5, None)), ("bytes=-99999999", slice(0, None)),
    ],
)  # fmt: skip
def test_a_range_gives_those_bytes(url, name, data, expected, part):
    answer = httpx2.get(f"{url}/{name}", headers={"Range": expected})
    start, stop, _ = part.indices(len(data))
    assert (answer.status_code, answer.content) == (206, data[part])
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(data)}"


@pytest.mark.parametrize("expected", ["bytes=99999999-", "bytes=5-2", "bytes=-0"])
def test_a_range_without_a_byte_is_416(url, expected):
    answer = httpx2.get(f"{url}/dir/small.txt", headers={"Range": expected})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(SMALL)}")


@pytest.mark.parametrize("expected", ["", "lines=1-2", "bytes=", "bytes=-", "bytes=0-1,4-5"])
def test_what_is_no_range_gives_the_whole_file(url, expected):
    answer = httpx2.get(f"{url}/dir/small.txt", headers={"Range": expected})
    assert (answer.status_code, answer.content) == (200, SMALL)


@pytest.mark.parametrize("path", ["none", "dir", "dir/small.txt/x", "%2e%2e/%2e%2e/token", "dir%2f..%2f..%2fhub.json"])
def test_a_file_that_is_not_there_is_404_with_its_commit(api, repo, url, path):
    answer = httpx2.head(f"{url}/{path}")
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "EntryNotFound")
    assert answer.headers["X-Repo-Commit"] == api.repo_info(repo, **KIND).sha


def test_the_client_raises_what_the_code_says(api, repo):
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(repo, "none", **KIND)
    with pytest.raises(RevisionNotFoundError):
        api.hf_hub_download(repo, "large.bin", revision="v9", **KIND)
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree(repo, "none", **KIND))
    with pytest.raises(RevisionNotFoundError):
        list(api.list_repo_tree(repo, revision="v9", **KIND))


def test_a_downloaded_file_is_the_one_that_was_sent(anyone, repo, tmp_path):
    path = anyone.hf_hub_download(repo, "large.bin", cache_dir=tmp_path, **KIND)
    assert Path(path).read_bytes() == LARGE


def test_tree_and_paths_tell_files_folders_sizes_and_last_commits(api, dataset):
    first = api.create_commit(dataset, [CommitOperationAdd("a/b/c.txt", b"c"), CommitOperationAdd("x.bin", b"\0" * 9)],
                              commit_message="one", **KIND)  # fmt: skip
    second = api.create_commit(dataset, [CommitOperationAdd("a/d.txt", b"dd")], commit_message="two", **KIND)
    tree = {item.path: item for item in api.list_repo_tree(dataset, recursive=True, expand=True, **KIND)}
    assert list(tree) == [".gitattributes", "a", "a/b", "a/b/c.txt", "a/d.txt", "x.bin"]
    assert {path: tree[path].last_commit.oid for path in ("a", "a/b", "a/d.txt", "x.bin")} == {
        "a": second.oid, "a/b": first.oid, "a/d.txt": second.oid, "x.bin": first.oid,
    }  # fmt: skip
    assert (tree["x.bin"].size, tree["x.bin"].lfs.size, tree["a/d.txt"].size, tree["a/d.txt"].lfs) == (9, 9, 2, None)
    assert [item.path for item in api.list_repo_tree(dataset, "a", **KIND)] == ["a/b", "a/d.txt"]
    found = api.get_paths_info(dataset, ["a", "x.bin", "none", "../x"], **KIND)
    assert [(item.path, type(item).__name__) for item in found] == [("a", "RepoFolder"), ("x.bin", "RepoFile")]


def test_more_files_than_a_page_holds_are_all_listed(api, dataset):
    names = [f"data/{number:04d}.txt" for number in range(1100)]
    adds = [CommitOperationAdd(name, name.encode()) for name in names]
    api.create_commit(dataset, adds, commit_message="many", **KIND)
    assert [item.path for item in api.list_repo_tree(dataset, "data", **KIND)] == names
    assert api.list_repo_files(dataset, **KIND) == [".gitattributes", *names]
    deep = [item.path for item in api.list_repo_tree(dataset, recursive=True, **KIND)]
    assert deep == [".gitattributes", "data", *names]


def test_pages_are_of_one_commit_whatever_happens_between(hub, api, dataset):
    adds = [CommitOperationAdd(f"{number}.txt", b"x") for number in range(4)]
    api.create_commit(dataset, adds, commit_message="four", **KIND)
    first = httpx2.get(f"{hub.endpoint}/api/datasets/{dataset}/tree/main?recursive=true&limit=2")
    api.create_commit(dataset, [CommitOperationDelete("3.txt")], commit_message="less", **KIND)
    second = httpx2.get(first.links["next"]["url"])
    third = httpx2.get(second.links["next"]["url"])
    assert "next" not in third.links
    paths = [item["path"] for page in (first, second, third) for item in page.json()]
    assert paths == [".gitattributes", "0.txt", "1.txt", "2.txt", "3.txt"]


@pytest.mark.parametrize(
    ("query", "status"), [("limit=0", 200), ("limit=x", 400), ("cursor=-1", 400), ("cursor=99", 200)]
)
def test_a_page_that_cannot_be_is_refused_or_empty(hub, repo, query, status):
    answer = httpx2.get(f"{hub.endpoint}/api/datasets/{repo}/tree/main?{query}")
    assert answer.status_code == status
    if query == "limit=0":
        assert len(answer.json()) == 1 and "cursor=1" in answer.links["next"]["url"]


def test_info_with_blobs_gives_sizes_and_checksums(api, repo):
    siblings = {file.rfilename: file for file in api.repo_info(repo, files_metadata=True, **KIND).siblings}
    assert siblings["large.bin"].lfs.sha256 == hashlib.sha256(LARGE).hexdigest()
    assert (siblings["large.bin"].size, siblings["dir/small.txt"].size) == (len(LARGE), len(SMALL))


def test_the_card_is_part_of_the_information(api, dataset):
    card = b"---\nlicense: mit\ntags: [synthetic]\n---\n# Card"
    api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=dataset, **KIND)
    info = api.dataset_info(dataset)
    assert (info.card_data.license, info.tags) == ("mit", ["synthetic"])


def test_a_card_that_git_took_unchecked_is_no_harm(hub, api, dataset):
    lines = (
        {"key": "header", "value": {"summary": "s"}},
        {"key": "file", "value": {"path": "README.md", "content": ": ["}},
    )
    oid = raw_commit(hub, dataset, *lines).json()["commitOid"]
    info = api.dataset_info(dataset)
    assert info.sha == oid and not info.card_data


def test_the_file_system_reads_and_writes(hub, dataset):
    system = HfFileSystem(endpoint=hub.endpoint, token=hub.token, skip_instance_cache=True)
    with system.open(f"datasets/{dataset}/dir/new.bin", "wb") as file:
        file.write(LARGE)
    assert system.info(f"datasets/{dataset}/dir/new.bin")["size"] == len(LARGE)
    assert system.glob(f"datasets/{dataset}/**/*.bin") == [f"datasets/{dataset}/dir/new.bin"]
    with system.open(f"datasets/{dataset}/dir/new.bin", block_size=1 << 16) as file:
        file.seek(-300, 2)
        assert file.read() == LARGE[-300:]
        file.seek(1_000_000)
        assert file.read(10) == LARGE[1_000_000:1_000_010]
    system.rm(f"datasets/{dataset}/dir/new.bin")
    assert not system.exists(f"datasets/{dataset}/dir/new.bin")


def test_a_snapshot_is_whole_and_there_when_the_hub_is_not(repo, shell, tmp_path):
    script = """
        import sys
        from huggingface_hub import snapshot_download
        print(snapshot_download(sys.argv[1], repo_type="dataset", revision="main"))
    """
    online = shell(script, repo)
    offline = shell(script, repo, HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9")
    assert online == offline
    found = files(Path(offline))
    assert found["large.bin"] == LARGE and found["dir/small.txt"] == SMALL
