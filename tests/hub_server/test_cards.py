"""Cards: validated by the hub, pushed by the client library."""

import warnings

import httpx2
import pytest
from huggingface_hub import DatasetCard, HfApi, ModelCard, constants

GOOD = "---\nlicense: mit\nlanguage: [en]\nconfigs:\n- config_name: r1\n  data_files: a.parquet\n---\n# Title\n"
PUSH = """
    import sys
    from huggingface_hub import DatasetCard
    DatasetCard(sys.argv[1]).push_to_hub(sys.argv[2])
"""


def validate(hub, content: str) -> list[str]:
    """Validate a card as the library does before each commit; what it is warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        HfApi(hub.endpoint, token=hub.token)._validate_yaml(content, repo_type="dataset")
    return [str(warning.message) for warning in caught if warning.category is UserWarning]


def test_a_good_card_passes_without_a_warning(hub):
    assert validate(hub, GOOD) == []


def test_an_empty_card_is_warned_about(hub):
    (warning,) = validate(hub, "# Title")
    assert "empty or missing yaml metadata" in warning


def test_a_card_validates_itself_without_a_token(hub, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    DatasetCard(GOOD).validate()
    with pytest.raises(ValueError, match="license"):
        DatasetCard("---\nlicense: {a: b}\n---\n").validate()


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ("license: [", "not valid YAML"),
        ("- a\n- b", "must be a mapping"),
        ("license: {a: b}", '"license" must be'),
        ("tags: [1]", '"tags" must be'),
        ("configs: {r1: a}", '"configs" must be'),
        ("configs:\n- data_files: a", '"configs" must be'),
    ],
)
def test_a_bad_card_is_refused_with_the_reason(hub, metadata, says):
    with pytest.raises(ValueError, match=says):
        validate(hub, f"---\n{metadata}\n---\n# Title")


def test_a_card_is_pushed_by_the_library_and_shown_as_text(hub, api, dataset, shell):
    shell(PUSH, GOOD, dataset)
    assert api.dataset_info(dataset).card_data.license == "mit"
    page = httpx2.get(f"{hub.endpoint}/datasets/{dataset}")
    assert page.text.startswith("---\nlicense: mit\n") and page.text.endswith("# Title\n")
    assert page.headers["Content-Type"].startswith("text/plain")


def test_a_model_card_names_its_data(hub, api):
    api.create_repo("local/carded", repo_type="model")
    card = ModelCard("---\nbase_model: local/base\ndatasets: [local/data]\nlibrary_name: peft\n---\n")
    api.upload_file(path_or_fileobj=str(card).encode(), path_in_repo="README.md", repo_id="local/carded")
    info = api.model_info("local/carded")
    assert (info.card_data.base_model, info.card_data.datasets) == ("local/base", ["local/data"])
