"""Results by revision from the embedded Hub, and what is said when they cannot be read."""

import shutil

import pytest
from huggingface_hub import HfApi, constants

import data
import hub
import selection
from tests.spaces.conftest import SPACE
from toolkit.hub.server import running


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    """A public results dataset at a running Hub, tagged v1.0.0: the example's files."""
    patch = pytest.MonkeyPatch()
    with running(tmp_path_factory.mktemp("hub")) as (endpoint, token):
        patch.setattr(constants, "ENDPOINT", endpoint)
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace("https://huggingface.co", endpoint)
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        patch.setattr(constants, "HF_HUB_CACHE", str(tmp_path_factory.mktemp("cache")))
        api = HfApi(endpoint=endpoint, token=token)
        api.create_repo("local/math-results", repo_type="dataset")
        folder = tmp_path_factory.mktemp("results") / "math"
        shutil.copytree(SPACE / "example" / "math", folder)
        api.upload_folder(repo_id="local/math-results", folder_path=folder, repo_type="dataset")
        api.create_tag("local/math-results", tag="v1.0.0", repo_type="dataset")
        yield "local/math-results"
    patch.undo()


@pytest.mark.parametrize("revision", ["", "@v1.0.0", "@main"])
def test_a_dataset_by_revision_is_the_example_again(repo, revision):
    chosen, told = selection.settle([f"{repo}{revision}", *[None] * 6])
    example, _ = selection.settle([None] * 7)
    assert chosen.experiment.origin.startswith(f"{repo}@") and len(chosen.experiment.origin) == len(repo) + 41
    assert told == [] and chosen.why == "" and chosen.values[1:] == example.values[1:]
    assert chosen.ladder.values.tolist() == example.ladder.values.tolist()


def test_what_was_read_once_is_read_without_the_hub(repo, monkeypatch):
    origin = selection.settle([repo, *[None] * 6])[0].experiment.origin
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert selection.settle([origin, *[None] * 6])[0].experiment.origin == origin


@pytest.mark.parametrize("source", ["local/none", "local/math-results@v9.9.9"])
def test_what_the_hub_does_not_have_is_told(repo, source):
    with pytest.raises(ValueError, match="cannot be read from the Hub"):
        data.load(source)


def test_no_network_is_told(repo, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match="local/other cannot be read from the Hub"):
        data.load("local/other")


def test_a_large_dataset_is_not_downloaded(repo, monkeypatch):
    monkeypatch.setattr(hub, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="this page reads up to 0 MB"):
        hub.download(*hub.resolve(repo))
