"""Collections by the client library."""

import pytest
from huggingface_hub.errors import HfHubHTTPError


@pytest.fixture
def collection(api):
    """A collection with a dataset in it."""
    result = api.create_collection("Ladder: méthode", namespace="local", description="All of it", exists_ok=True)
    api.create_repo("local/collected", repo_type="dataset", exist_ok=True)
    api.add_collection_item(result.slug, "local/collected", "dataset", note="the data", exists_ok=True)
    return result


def test_a_collection_keeps_its_items_in_order(api, anyone, collection):
    api.create_repo("local/collected-model", exist_ok=True)
    api.add_collection_item(collection.slug, "local/collected-model", "model", exists_ok=True)
    found = anyone.get_collection(collection.slug)
    assert [(item.item_id, item.item_type, item.note) for item in found.items] == [
        ("local/collected", "dataset", "the data"),
        ("local/collected-model", "model", None),
    ]
    assert (found.title, found.description, found.owner) == ("Ladder: méthode", "All of it", "local")


def test_what_is_there_already_is_409_or_given_back(api, collection):
    assert api.create_collection("Ladder: méthode", namespace="local", exists_ok=True).slug == collection.slug
    with pytest.raises(HfHubHTTPError) as error:
        api.create_collection("Ladder: méthode", namespace="local")
    assert error.value.response.status_code == 409
    with pytest.raises(HfHubHTTPError) as error:
        api.add_collection_item(collection.slug, "local/collected", "dataset")
    assert error.value.response.status_code == 409


@pytest.mark.parametrize("slug", ["local/none-" + "0" * 24, "../x-" + "0" * 24, "local/..%2f..%2ftoken"])
def test_a_collection_that_is_not_there_is_404(api, slug):
    with pytest.raises(HfHubHTTPError) as error:
        api.get_collection(slug)
    assert error.value.response.status_code == 404


def test_only_repos_that_are_there_are_collected(api, collection):
    for item, kind in (("local/none", "dataset"), ("../x", "dataset"), ("2307.09288", "paper")):
        with pytest.raises(HfHubHTTPError) as error:
            api.add_collection_item(collection.slug, item, kind)
        assert error.value.response.status_code in (400, 404)


def test_a_removed_or_private_collection_is_not_shown(api, anyone):
    result = api.create_collection("Hidden", namespace="local", private=True)
    assert api.get_collection(result.slug).private
    with pytest.raises(HfHubHTTPError):
        anyone.get_collection(result.slug)
    api.delete_collection(result.slug)
    with pytest.raises(HfHubHTTPError):
        api.get_collection(result.slug)
