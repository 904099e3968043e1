import uuid

import pytest
from huggingface_hub import HfApi

from tests.hub.remote import quiet
from toolkit.hub.faults import HubFault
from toolkit.hub.upload import collect


@pytest.fixture
def title():
    return f"Study {uuid.uuid4().hex[:8]}"


def test_a_collection_grows_and_holds_each_repo_once(api, direct, repo, title):
    direct.create_repo(repo, repo_type="dataset")
    direct.create_repo(repo)
    first = collect(quiet(api), title, "local", [(repo, "dataset")])
    again = collect(quiet(api), title, "local", [(repo, "dataset"), (repo, "model")])
    assert first == again
    items = [(item.item_id, item.item_type) for item in direct.get_collection(first).items]
    assert items == [(repo, "dataset"), (repo, "model")]


def test_a_rerun_changes_nothing(api, direct, proxy, repo, title):
    direct.create_repo(repo, repo_type="dataset")
    collect(quiet(api), title, "local", [(repo, "dataset")])
    proxy.reset()
    collect(quiet(api), title, "local", [(repo, "dataset")])
    assert not any(call.endswith("/items") for call in proxy.calls) and proxy.calls


def test_a_hub_without_collections_is_reported_and_gone_past(api, proxy, title):
    messages = []
    proxy.fail("404", 0, until_reset=True)
    assert collect(quiet(api, say=messages.append), title, "local", [("local/x", "dataset")]) is None
    assert messages == [f"{proxy.url} has no collections, so {title!r} was not made"]


def test_a_repo_that_is_not_there_is_reported(api, title):
    with pytest.raises(HubFault, match=rf"local's collection '{title}': not found .* \(404\)"):
        collect(quiet(api), title, "local", [("local/absent", "dataset")])


def test_a_fault_is_got_over(api, direct, proxy, repo, title):
    direct.create_repo(repo, repo_type="dataset")
    for at, fault in enumerate(("500", "lost", "cut")):
        proxy.fail(fault, at)
        collect(quiet(api), title, "local", [(repo, "dataset")])
    slug = collect(quiet(api), title, "local", [])
    assert len(direct.get_collection(slug).items) == 1


def test_a_token_that_may_not_write_is_explained(hub, proxy, title):
    with pytest.raises(HubFault, match=r"may not write there \(403\)"):
        collect(quiet(HfApi(endpoint=proxy.url, token=hub.read_token)), title, "local", [])
