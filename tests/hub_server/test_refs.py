"""Branches and tags by the client library."""

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError

KIND = {"repo_type": "dataset"}


@pytest.fixture
def commits(api, dataset) -> list[str]:
    """The ids of three commits on main, the oldest first."""
    return [
        api.create_commit(dataset, [CommitOperationAdd("n.txt", b"%d" % n)], commit_message=f"{n}", **KIND).oid
        for n in range(3)
    ]


def tags(api, dataset) -> dict[str, str]:
    return {ref.name: ref.target_commit for ref in api.list_repo_refs(dataset, **KIND).tags}


def test_tags_name_the_commit_that_they_were_put_on(api, dataset, commits):
    api.create_tag(dataset, tag="v1.0.0", revision=commits[0], **KIND)
    api.create_tag(dataset, tag="v1.1.0", revision=commits[1], tag_message="Second é", **KIND)
    api.create_tag(dataset, tag="v2.0.0", revision=commits[2][:7], **KIND)
    assert tags(api, dataset) == dict(zip(["v1.0.0", "v1.1.0", "v2.0.0"], commits, strict=True))
    for tag, commit in tags(api, dataset).items():
        assert api.repo_info(dataset, revision=tag, **KIND).sha == commit


def test_a_tag_is_never_moved(api, dataset, commits):
    api.create_tag(dataset, tag="v1.0.0", revision=commits[0], **KIND)
    with pytest.raises(HfHubHTTPError) as error:
        api.create_tag(dataset, tag="v1.0.0", revision=commits[1], **KIND)
    assert error.value.response.status_code == 409
    api.create_tag(dataset, tag="v1.0.0", revision=commits[1], exist_ok=True, **KIND)
    assert tags(api, dataset) == {"v1.0.0": commits[0]}


def test_a_tag_of_no_commit_is_404_and_a_removed_one_is_gone(api, dataset, commits):
    with pytest.raises(RevisionNotFoundError):
        api.create_tag(dataset, tag="v1", revision="none", **KIND)
    api.create_tag(dataset, tag="v1", **KIND)
    api.delete_tag(dataset, tag="v1", **KIND)
    assert tags(api, dataset) == {}
    with pytest.raises(RevisionNotFoundError):
        api.delete_tag(dataset, tag="v1", **KIND)
    with pytest.raises(RevisionNotFoundError):
        api.repo_info(dataset, revision="v1", **KIND)


def test_branches_begin_at_their_starting_point_and_grow_apart(api, dataset, commits):
    api.create_branch(dataset, branch="feature/x", revision=commits[0], **KIND)
    more = [CommitOperationAdd("x", b"x")]
    head = api.create_commit(dataset, more, commit_message="x", revision="feature/x", **KIND).oid
    found = {ref.name: ref.target_commit for ref in api.list_repo_refs(dataset, **KIND).branches}
    assert found == {"feature/x": head, "main": commits[2]}
    with pytest.raises(HfHubHTTPError) as error:
        api.create_branch(dataset, branch="feature/x", **KIND)
    assert error.value.response.status_code == 409
    api.create_branch(dataset, branch="feature/x", exist_ok=True, **KIND)
    api.delete_branch(dataset, branch="feature/x", **KIND)
    assert [ref.name for ref in api.list_repo_refs(dataset, **KIND).branches] == ["main"]


def test_main_stays(api, dataset):
    with pytest.raises(HfHubHTTPError) as error:
        api.delete_branch(dataset, branch="main", **KIND)
    assert error.value.response.status_code == 403
    assert api.repo_exists(dataset, **KIND)


def test_refs_cannot_hide_one_another(api, dataset):
    api.create_branch(dataset, branch="b", **KIND)
    with pytest.raises(HfHubHTTPError) as error:
        api.create_tag(dataset, tag="main", **KIND)
    assert error.value.response.status_code == 409
    with pytest.raises(HfHubHTTPError) as error:
        api.create_branch(dataset, branch="b/c", **KIND)
    assert error.value.response.status_code == 409


@pytest.mark.parametrize(
    "name", ["..", "a..b", "-x", "a b", "a~b", "a.lock", ".a", "a/", "a\\b", "f" * 40, "x" * 201, "", 5]
)
def test_a_name_that_git_does_not_take_is_refused(hub, api, dataset, name):
    url = f"{hub.endpoint}/api/datasets/{dataset}/tag/main"
    answer = httpx2.post(url, json={"tag": name}, headers={"Authorization": f"Bearer {hub.token}"})
    assert answer.status_code == 400 and "Invalid reference name" in answer.json()["error"]
    assert tags(api, dataset) == {}


@pytest.mark.parametrize("revision", ["../../../token", "%2e%2e%2fHEAD", "refs%2Fpr%2F9", "HEAD.lock", "-", "hub.json"])
def test_a_revision_is_no_path_into_the_store(hub, dataset, revision):
    answer = httpx2.get(f"{hub.endpoint}/api/datasets/{dataset}/revision/{revision}")
    assert answer.status_code == 404
