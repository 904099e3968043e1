import pytest

from tests.hub.remote import expected
from tests.hub.test_publish import put
from tests.hub.tiny_ladder import count
from toolkit.hub.check import check_release
from toolkit.hub.download import fetch, split_reference
from toolkit.hub.faults import HubFault
from toolkit.hub.version import Refused


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def published(ladder, direct, repo):
    return [put(ladder((1, 2)), repo, direct), put(ladder((1, 2, 8), "v1.1.0"), repo, direct)]


def test_every_way_to_name_a_release(published, api, ladder, repo):
    first, last = published
    request = {"@v1.0.0": first.commit, "@v1.1.0": last.commit, "": last.commit, "@main": last.commit}
    for revision, commit in (request | {f"@{first.commit}": first.commit}).items():
        found = fetch(api, f"{repo}{revision}")
        assert found.commit == commit and found.repo == repo
    assert fetch(api, repo).revision == "v1.1.0"
    assert {path.name for path in found.folder.rglob("*.parquet")} == {
        name.rpartition("/")[2] for name in expected(ladder((1, 2))) if name.endswith(".parquet")
    }


def test_what_is_fetched_passes_the_check_and_is_fetched_once(published, api, proxy, repo):
    folder = fetch(api, f"{repo}@v1.1.0").folder
    assert check_release(folder, count) == []
    proxy.reset()
    assert fetch(api, f"{repo}@v1.1.0").folder == folder
    assert not any("resolve" in call for call in proxy.calls) and proxy.calls


@pytest.mark.parametrize("fault", ["cut", "500", "429"])
def test_a_fault_is_got_over(published, api, proxy, repo, fault):
    fetch(api, f"{repo}@v1.0.0")
    calls = len(proxy.calls)
    for at in (0, 1, 2, calls - 1):
        proxy.fail(fault, at)
        assert check_release(fetch(api, f"{repo}@v1.1.0").folder, count) == []


def test_what_is_not_there_is_reported(published, api, repo):
    with pytest.raises(Refused, match=rf"{repo}: has no revision 'v9\.0\.0'; it has v1\.0\.0, v1\.1\.0, main"):
        fetch(api, f"{repo}@v9.0.0")
    with pytest.raises(HubFault, match=rf"{repo}-absent: not found on .* \(404\)"):
        fetch(api, f"{repo}-absent")
    with pytest.raises(HubFault, match=r"not found on .* \(404\)"):
        fetch(api, f"{repo}@{'0' * 40}")


def test_references():
    assert split_reference("org/name@v1.0.0") == ("org/name", "v1.0.0") and split_reference("a/b") == ("a/b", None)
    for bad in ("name@v1", "a/b/c@v1", "@v1", "a/..@v1"):
        with pytest.raises(Refused, match="org/name"):
            split_reference(bad)
