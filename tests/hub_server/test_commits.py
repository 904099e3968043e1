"""Commits by the client library: what they change, and when they are refused."""

import base64
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from tests.hub_server.conftest import files, raw_commit

NEW = b"---\nlicense: mit\n---\n# Changed\n"
FIRST = {
    "README.md": b"---\nlicense: mit\n---\n# Card\n",
    "data/a.parquet": b"PAR1" * 300,
    "data/sub/b.txt": "ü".encode(),
}


@pytest.fixture
def push(api, dataset):
    """Commit operations, or added files by name, to the test's repo; the commit's information."""

    def push(changes, parent=None, **options):
        operations = [CommitOperationAdd(*item) for item in changes.items()] if isinstance(changes, dict) else changes
        given = {"commit_message": "change", "repo_type": "dataset", "parent_commit": parent} | options
        return api.create_commit(dataset, operations, **given)

    return push


@pytest.fixture
def content(api, dataset, tmp_path):
    """All files of a revision, by a fresh download, `.gitattributes` apart."""

    def content(revision="main"):
        folder = api.snapshot_download(dataset, repo_type="dataset", revision=revision, cache_dir=tmp_path / revision)
        return {name: data for name, data in files(Path(folder)).items() if name != ".gitattributes"}

    return content


def test_regular_and_large_files_come_back_as_they_were(push, content):
    commit = push(FIRST)
    assert content() == content(commit.oid) == FIRST


def test_files_are_replaced_copied_and_deleted_in_one_commit(api, dataset, push, content):
    first = push(FIRST)
    operations = [
        CommitOperationAdd("README.md", NEW),
        CommitOperationCopy("data/a.parquet", "copy/a.parquet"),
        CommitOperationCopy("data/sub/b.txt", "copy/b.txt"),
        CommitOperationDelete("data/sub/"),
        CommitOperationDelete("data/a.parquet"),
    ]
    second = push(operations, parent=first.oid)
    after = {"README.md": NEW, "copy/a.parquet": FIRST["data/a.parquet"], "copy/b.txt": FIRST["data/sub/b.txt"]}
    assert content() == after and content(first.oid) == FIRST
    listed = api.list_repo_commits(dataset, repo_type="dataset")
    assert [commit.commit_id for commit in listed][:2] == [second.oid, first.oid]
    assert [commit.title for commit in listed] == ["change", "change", "initial commit"]


def test_title_and_description_are_kept(api, dataset, push):
    push(FIRST, commit_message="Title é", commit_description="Line one\n\nline two")
    commit = api.list_repo_commits(dataset, repo_type="dataset")[0]
    assert (commit.title, commit.message) == ("Title é", "Line one\n\nline two")


def test_a_file_sent_again_is_not_uploaded_and_makes_no_commit(api, dataset, push):
    commit = push(FIRST)
    assert push(FIRST).oid == commit.oid == api.repo_info(dataset, repo_type="dataset").sha


def test_a_stale_parent_is_412_and_changes_nothing(api, dataset, push, content):
    first = push(FIRST)
    second = push({"x.txt": b"x"}, parent=first.oid)
    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as error:
        push({"y.txt": b"y"}, parent=first.oid)
    assert error.value.response.status_code == 412
    assert api.repo_info(dataset, repo_type="dataset").sha == second.oid and "y.txt" not in content()


def test_a_delete_of_what_is_not_there_is_404(push):
    for path in ("none.txt", "none/"):
        with pytest.raises(EntryNotFoundError):
            push([CommitOperationDelete(path)])


def test_a_branch_or_repo_that_is_not_there_is_404(api, dataset, push):
    with pytest.raises(RevisionNotFoundError):
        push(FIRST, revision="none")
    with pytest.raises(RepositoryNotFoundError):
        api.create_commit("local/none", [CommitOperationAdd("a", b"a")], commit_message="a", repo_type="dataset")


def test_a_commit_on_a_tag_is_refused(api, dataset, push):
    push(FIRST)
    api.create_tag(dataset, tag="v1.0.0", repo_type="dataset")
    with pytest.raises(RevisionNotFoundError):
        push({"x": b"x"}, revision="v1.0.0")


def test_a_pull_request_has_a_ref_of_its_own_and_leaves_main(api, dataset, push, content):
    first = push(FIRST)
    pull = push({"README.md": NEW}, create_pr=True)
    assert (pull.pr_revision, pull.pr_num) == ("refs/pr/1", 1)
    assert content()["README.md"] == FIRST["README.md"] and content("refs/pr/1")["README.md"] == NEW
    more = push({"more.txt": b"m"}, revision="refs/pr/1", parent=pull.oid)
    assert content("refs/pr/1")["more.txt"] == b"m"
    refs = api.list_repo_refs(dataset, repo_type="dataset", include_pull_requests=True)
    assert [(ref.ref, ref.target_commit) for ref in refs.pull_requests] == [("refs/pr/1", more.oid)]
    assert refs.branches[0].target_commit == first.oid
    details = api.get_discussion_details(dataset, 1, repo_type="dataset")
    assert (details.title, details.is_pull_request, details.target_branch) == ("change", True, "refs/heads/main")


def test_an_empty_pull_request_can_be_opened_and_filled(api, dataset, push):
    pull = api.create_pull_request(dataset, "Draft of mine", repo_type="dataset")
    push({"x": b"x"}, revision=pull.git_reference)
    listed = list(api.get_repo_discussions(dataset, repo_type="dataset"))
    assert [(item.num, item.title) for item in listed] == [(1, "Draft of mine")]
    assert api.file_exists(dataset, "x", repo_type="dataset", revision="refs/pr/1")


def test_a_squashed_branch_keeps_its_files_and_tags_their_commits(api, dataset, push, content):
    first = push(FIRST)
    api.create_tag(dataset, tag="v1", repo_type="dataset")
    push({"x": b"x"})
    api.super_squash_history(dataset, repo_type="dataset", commit_message="one")
    assert [commit.title for commit in api.list_repo_commits(dataset, repo_type="dataset")] == ["one"]
    assert content() == FIRST | {"x": b"x"} and content("v1") == FIRST
    assert api.repo_info(dataset, repo_type="dataset", revision="v1").sha == first.oid


def test_a_large_file_by_another_name_gets_a_rule_for_clones_once(api, dataset, push, tmp_path):
    def rules():
        return api.hf_hub_download(dataset, ".gitattributes", repo_type="dataset", local_dir=tmp_path)

    push({"odd name[1].dat": b"\0binary", "other.dat": b"\0"})
    push({"odd name[1].dat": b"\0changed"})
    lines = Path(rules()).read_text().splitlines()
    assert lines[-2:] == [
        r"odd[[:space:]]name\[1\].dat filter=lfs diff=lfs merge=lfs -text",
        "other.dat filter=lfs diff=lfs merge=lfs -text",
    ]
    assert len(lines) == len(set(lines))


def test_gitignore_leaves_files_out(push, content):
    push({".gitignore": b"*.log\n"})
    push({"a.log": b"a", "b.txt": b"b"})
    assert content() == {".gitignore": b"*.log\n", "b.txt": b"b"}


@pytest.mark.parametrize(
    "path",
    ["../x", "/x", "a/../../x", "a//b", ".git/config", "a/.GIT/hooks/x", "git~1/x", ".", "", "a/", "a\nb", "a\0b",
     "x" * 256, "d/" * 600 + "x", 3, None],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(hub, api, dataset, path):
    head = api.repo_info(dataset, repo_type="dataset").sha
    value = {"path": path, "content": base64.b64encode(b"x").decode(), "encoding": "base64"}
    answer = raw_commit(hub, dataset, {"key": "header", "value": {"summary": "s"}}, {"key": "file", "value": value})
    assert answer.status_code == 400 and "path" in answer.json()["error"].lower()
    assert api.repo_info(dataset, repo_type="dataset").sha == head


HEADER = {"key": "header", "value": {"summary": "s"}}
MISSING = {"key": "lfsFile", "value": {"path": "x.bin", "algo": "sha256", "oid": "0" * 64, "size": 3}}
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 3\n"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([MISSING, HEADER], "was not uploaded"),
        ([HEADER, {"key": "file", "value": {"path": "x.bin", "content": POINTER}}], "was not uploaded"),
        ([HEADER, {"key": "lfsFile", "value": {"path": "x", "oid": "../../../etc/passwd"}}], "Invalid LFS object id"),
        ([HEADER, {"key": "file", "value": {"path": "x", "content": "?", "encoding": "base64"}}], "base64"),
        ([HEADER, {"key": "file", "value": {"path": "x"}}], "'content'"),
        ([HEADER, {"key": "rename", "value": {"path": "x"}}], "Unknown operation 'rename'"),
        ([HEADER, {"key": "file", "value": []}], "needs an object"),
        ([HEADER, HEADER], "one header line, not 2"),
        ([], "one header line, not 0"),
        ([["key"]], "must be a JSON object"),
        ([HEADER, *({"key": "file", "value": {"path": path, "content": "x"}} for path in ("a", "a/b"))], "'a' cannot"),
        ([{"key": "header", "value": {"summary": "s", "parentCommit": 7}}], "'parentCommit'"),
    ],
)  # fmt: skip
def test_a_commit_that_makes_no_sense_is_refused_whole(hub, api, dataset, lines, says):
    head = api.repo_info(dataset, repo_type="dataset").sha
    answer = raw_commit(hub, dataset, *lines)
    assert answer.status_code == 400 and says in answer.json()["error"]
    assert api.repo_info(dataset, repo_type="dataset").sha == head


def test_a_regular_file_beyond_the_limit_is_refused(hub, dataset):
    for size, status in ((10 << 20, 200), ((10 << 20) + 1, 400), (33 << 20, 413)):
        value = {"path": "x.txt", "content": base64.b64encode(bytes(size)).decode(), "encoding": "base64"}
        answer = raw_commit(hub, dataset, HEADER, {"key": "file", "value": value})
        assert answer.status_code == status
