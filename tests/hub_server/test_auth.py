"""Who may write, who may read, and what each is told."""

import stat
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from toolkit.hub_server import auth, running

ADD = [CommitOperationAdd("a.txt", b"a")]


def commit(api: HfApi, repo: str) -> None:
    api.create_commit(repo, ADD, commit_message="a", repo_type="dataset")


def test_the_token_file_is_made_once_and_for_its_owner_only(tmp_path):
    first = auth.load_tokens(tmp_path).write
    assert auth.load_tokens(tmp_path).write == first and len(first) > 40
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


@pytest.mark.parametrize("stored_content", [b"", b"\n", b"  \n", b"\0" * 47])
def test_a_token_file_that_holds_nothing_is_filled_anew(tmp_path, stored_content):
    (tmp_path / "token").write_bytes(stored_content)
    result = auth.load_tokens(tmp_path).write
    assert auth.load_tokens(tmp_path).write == result and result.startswith("hf_") and len(result) > 40
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    with running(tmp_path) as (endpoint, token):
        assert HfApi(endpoint, token=token).whoami()["name"] == "local"


@pytest.mark.parametrize("stored_content", [b"two words", b"hf_\xff", "hf_é".encode(), b"hf_a\nhf_b", b"hf_\0x"])
@pytest.mark.parametrize("name", ["token", "read-token"])
def test_a_damaged_token_file_is_named_and_not_shown(tmp_path, name, stored_content):
    (tmp_path / name).write_bytes(stored_content)
    with pytest.raises(RuntimeError, match=f"{name}: is damaged, .* delete the file") as error, running(tmp_path):
        pass
    assert "hf_" not in str(error.value) and "two" not in str(error.value)
    assert (tmp_path / name).read_bytes() == stored_content


def test_a_token_file_that_is_a_folder_is_named(tmp_path):
    (tmp_path / "token").mkdir()
    with pytest.raises(RuntimeError, match=r"token: the token of the embedded Hub cannot be read \(Is a directory\)"):
        auth.load_tokens(tmp_path)


def test_servers_that_fill_one_empty_file_at_once_agree(tmp_path):
    (tmp_path / "token").touch()
    with ThreadPoolExecutor(8) as pool:
        assert len({tokens.write for tokens in pool.map(auth.load_tokens, [tmp_path] * 8)}) == 1


def test_without_a_token_nothing_is_written(anyone, dataset):
    for call in (lambda: commit(anyone, dataset), lambda: anyone.create_repo("local/nobody")):
        with pytest.raises(HfHubHTTPError) as error:
            call()
        assert error.value.response.status_code == 401


def test_a_wrong_token_is_reported(hub, dataset):
    wrong = HfApi(hub.endpoint, token="hf_wrong")
    for call in (wrong.whoami, lambda: wrong.repo_info(dataset, repo_type="dataset"), lambda: commit(wrong, dataset)):
        with pytest.raises(HfHubHTTPError, match=r"Invalid (?:credentials|user token)") as error:
            call()
        assert error.value.response.status_code == 401 and not isinstance(error.value, RepositoryNotFoundError)


def test_a_read_only_token_reads_and_is_refused_to_write(hub, api, dataset):
    reader = HfApi(hub.endpoint, token=hub.read_token)
    assert reader.whoami()["auth"]["accessToken"]["role"] == "read"
    reader.auth_check(dataset, repo_type="dataset")
    calls = [
        lambda: commit(reader, dataset),
        lambda: reader.create_repo("local/readers"),
        lambda: reader.create_tag(dataset, tag="v1", repo_type="dataset"),
        lambda: reader.delete_repo(dataset, repo_type="dataset"),
        lambda: reader.auth_check(dataset, repo_type="dataset", write=True),
    ]
    for call in calls:
        with pytest.raises(HfHubHTTPError, match="may only read") as error:
            call()
        assert error.value.response.status_code == 403
    assert api.list_repo_files(dataset, repo_type="dataset") == [".gitattributes"]


def test_a_private_repo_is_not_there_for_those_without_a_token(hub, api, anyone):
    api.create_repo("local/secret", repo_type="dataset", private=True)
    commit(api, "local/secret")
    for call in (
        anyone.repo_info,
        anyone.list_repo_refs,
        lambda repo, repo_type: anyone.hf_hub_download(repo, "a.txt", repo_type=repo_type),
    ):
        with pytest.raises(RepositoryNotFoundError):
            call("local/secret", repo_type="dataset")
    assert HfApi(hub.endpoint, token=hub.read_token).repo_info("local/secret", repo_type="dataset").private
    api.update_repo_settings("local/secret", repo_type="dataset", private=False)
    assert anyone.repo_info("local/secret", repo_type="dataset").private is False


@pytest.fixture
def action(hub, dataset):
    """The upload's address that the batch call gives for 4 bytes, and its object."""
    oid = "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"  # of b"data"
    body = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": 4}]}
    url = f"{hub.endpoint}/datasets/{dataset}.git/info/lfs/objects/batch"
    answer = httpx2.post(url, json=body, headers={"Authorization": f"Bearer {hub.token}"})
    return answer.json()["objects"][0]["actions"]["upload"]["href"], oid


def test_an_upload_needs_the_address_as_it_was_signed(hub, dataset, action):
    href, oid = action
    other = oid.replace("3a", "4a", 1)
    for changed in (href.split("?")[0], href + "0", href.replace("size=4", "size=5"), href.replace(oid, other)):
        assert httpx2.put(changed, content=b"data").status_code == 403
    assert not list((hub.root / "datasets" / f"{dataset}.git").rglob(oid))
    assert httpx2.put(href, content=b"data").status_code == 200
    assert httpx2.get(href).status_code == 403  # signed for sending, not for fetching


def test_only_the_announced_bytes_become_an_object(hub, dataset, action):
    href, oid = action
    for wrong in (b"", b"dat", b"date", b"data and more"):
        answer = httpx2.put(href, content=wrong)
        assert answer.status_code == 400 and oid in answer.json()["error"]
    assert not list((hub.root / "datasets" / f"{dataset}.git").rglob(oid))
    assert not list((hub.root / "incoming").iterdir())


def test_an_upload_to_a_repo_that_was_deleted_does_not_bring_it_back(hub, api, dataset, action):
    api.delete_repo(dataset, repo_type="dataset")
    assert httpx2.put(action[0], content=b"data").headers["X-Error-Code"] == "RepoNotFound"
    api.create_repo(dataset, repo_type="dataset")
    assert api.list_repo_files(dataset, repo_type="dataset") == [".gitattributes"]


def test_a_page_in_a_browser_cannot_reach_the_hub_by_another_name(hub):
    port = hub.endpoint.rsplit(":", 1)[1]
    assert httpx2.get(f"{hub.endpoint}/api/models", headers={"Host": f"evil.example:{port}"}).status_code == 400
    assert httpx2.get(f"http://localhost:{port}/api/models").status_code == 200
