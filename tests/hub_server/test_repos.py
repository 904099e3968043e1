"""Making, finding and removing repos, with the client library."""

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RepositoryNotFoundError


def test_whoami_names_the_user(api):
    assert api.whoami()["name"] == "local"


@pytest.mark.parametrize("kind", ["dataset", "model", "space"])
def test_a_repo_of_each_kind_is_made_found_and_removed(api, kind):
    repo = f"local/made-{kind}"
    sdk = {"space_sdk": "gradio"} if kind == "space" else {}
    url = api.create_repo(repo, repo_type=kind, **sdk)
    assert (url.repo_id, url.repo_type, url.endpoint) == (repo, kind, api.endpoint)
    assert api.repo_exists(repo, repo_type=kind)
    info = api.repo_info(repo, repo_type=kind)
    assert [file.rfilename for file in info.siblings] == [".gitattributes"] and not info.private
    assert info.created_at <= info.last_modified or info.created_at.replace(microsecond=0) <= info.last_modified
    api.delete_repo(repo, repo_type=kind)
    assert not api.repo_exists(repo, repo_type=kind)
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo(repo, repo_type=kind)
    api.delete_repo(repo, repo_type=kind, missing_ok=True)


def test_a_space_keeps_its_sdk_and_does_not_run(api):
    api.create_repo("local/space-sdk", repo_type="space", space_sdk="gradio")
    info = api.space_info("local/space-sdk")
    assert (info.sdk, info.runtime.stage) == ("gradio", "PAUSED")


def test_a_name_without_an_owner_is_the_users(api):
    assert api.create_repo("ownerless", repo_type="dataset").repo_id == "local/ownerless"


def test_a_repo_that_exists_is_refused_or_given_back(api, dataset):
    with pytest.raises(HfHubHTTPError) as error:
        api.create_repo(dataset, repo_type="dataset")
    assert error.value.response.status_code == 409
    again = api.create_repo(dataset, repo_type="dataset", exist_ok=True)
    assert again.repo_id == dataset


def test_a_moved_repo_has_its_content_under_the_new_name_only(api, dataset):
    api.upload_file(path_or_fileobj=b"x" * 100, path_in_repo="a.bin", repo_id=dataset, repo_type="dataset")
    api.move_repo(dataset, "other/moved", repo_type="dataset")
    assert not api.repo_exists(dataset, repo_type="dataset")
    assert api.file_exists("other/moved", "a.bin", repo_type="dataset")
    api.create_repo(dataset, repo_type="dataset")
    with pytest.raises(RepositoryNotFoundError):
        api.move_repo("local/none", "other/none", repo_type="dataset")
    with pytest.raises(HfHubHTTPError, match="exists already"):
        api.move_repo(dataset, "other/moved", repo_type="dataset")


def test_repos_are_listed_by_author(api):
    api.create_repo("listed/one", repo_type="model")
    api.create_repo("listed/two", repo_type="model", private=True)
    assert [repo.id for repo in api.list_models(author="listed")] == ["listed/one", "listed/two"]
    assert [repo.id for repo in HfApi(api.endpoint, token=False).list_models(author="listed")] == ["listed/one"]


@pytest.mark.parametrize(
    ("organization", "name"),
    [
        ("local", "../../etc"), ("..", "x"), ("local", ".."), ("local", "a b"), ("local", "a" * 97),
        ("a" * 97, "x"), ("local", "a..b"), ("local", "x.git"), ("local", ".hidden"), ("datasets", "x"),
        ("api", "x"), ("local", ""), ("local", "a\nb"), ("local", "né"), ("-o", "x"), ("local", "a/b"),
    ],
)  # fmt: skip
def test_a_name_that_the_hub_would_not_take_is_refused_with_a_message(hub, organization, name):
    before = sorted(hub.root.rglob("*.git"))
    body = {"organization": organization, "name": name, "type": "dataset"}
    headers = {"Authorization": f"Bearer {hub.token}"}
    answer = httpx2.post(f"{hub.endpoint}/api/repos/create", json=body, headers=headers)
    assert answer.status_code == 400 and answer.json()["error"].startswith("Invalid repo name")
    assert sorted(hub.root.rglob("*.git")) == before


def test_the_client_raises_for_an_invalid_name(hub):
    with pytest.raises(BadRequestError, match="Invalid repo name"):
        HfApi(hub.endpoint, token=hub.token).create_repo("datasets/x", repo_type="model")


@pytest.mark.parametrize("path", ["local/%2e%2e%2f%2e%2e", "..%2f..%2f/x", "local/none", "%00/x", "squad"])
def test_a_repo_that_is_not_there_is_named_so(hub, path):
    answer = httpx2.get(f"{hub.endpoint}/api/datasets/{path}")
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "RepoNotFound")


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff", b'{"type": "bucket", "name": "x"}', b'{"name": 3, "type": "model/.."}']
)
def test_a_body_that_makes_no_sense_is_400(hub, body):
    headers = {"Authorization": f"Bearer {hub.token}"}
    answer = httpx2.post(f"{hub.endpoint}/api/repos/create", content=body, headers=headers)
    assert answer.status_code == 400 and answer.json()["error"]


def test_an_address_that_is_not_served_is_404_in_json(hub):
    answer = httpx2.get(f"{hub.endpoint}/api/agent-harnesses")
    assert answer.status_code == 404 and "agent-harnesses" in answer.json()["error"]
