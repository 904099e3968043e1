"""Results by revision from the embedded Hub, and what is said when they cannot be read."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from huggingface_hub import HfApi, constants

import app
import corpus
import data
import hub
import release
import selection
from tests.spaces.conftest import SPACE
from toolkit.hub_server import running
from views import View, responses


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
        _publish_release(api, tmp_path_factory.mktemp("release"), folder)
        api.upload_folder(repo_id="local/math-results", folder_path=folder, repo_type="dataset")
        api.create_tag("local/math-results", tag="v1.0.0", repo_type="dataset")
        yield "local/math-results"
    patch.undo()


def _publish_release(api, folder, results):
    """The example's sample as a release, in row groups of 50; the results name it and hold no responses themselves."""
    rows = pd.read_parquet(next(results.glob("data/responses-*")))
    next(results.glob("data/responses-*")).unlink()
    rows.assign(position=0).drop_duplicates("question_id").to_parquet(folder / "questions.parquet")
    for side, right in (("accepted", True), ("rejected", False)):
        rows[(rows["verdict"] == "accepted") == right].to_parquet(folder / f"{side}.parquet", row_group_size=50)
    files = {"questions": ["questions.parquet"], "all": ["accepted.parquet", "rejected.parquet"]}
    configs = {name: {"split": "train", "files": names} for name, names in files.items()}
    (folder / "manifest.json").write_text(json.dumps({"configs": configs, "statistics": {}}))
    api.create_repo("local/math", repo_type="dataset")
    revision = api.upload_folder(repo_id="local/math", folder_path=folder, repo_type="dataset").oid
    named = {"repo": "local/math", "version": "v1.0.0", "revision": revision}
    (results / "manifest.json").write_text(json.dumps({"provenance": {"data": named}}))


@pytest.mark.parametrize("revision", ["", "@v1.0.0", "@main"])
def test_a_dataset_by_revision_is_the_example_again(repo, revision):
    choice, output = selection.settle([f"{repo}{revision}", *[None] * 6])
    example, _ = selection.settle([None] * 7)
    assert choice.experiment.origin.startswith(f"{repo}@") and len(choice.experiment.origin) == len(repo) + 41
    assert output == [] and choice.why == "" and choice.values[1:] == example.values[1:]
    assert choice.ladder.values.tolist() == example.ladder.values.tolist()


def test_what_was_read_once_is_read_without_the_hub(repo, monkeypatch):
    origin = selection.settle([repo, *[None] * 6])[0].experiment.origin
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert selection.settle([origin, *[None] * 6])[0].experiment.origin == origin


@pytest.mark.parametrize("source", ["local/none", "local/math-results@v9.9.9"])
def test_what_the_hub_does_not_have_is_reported(repo, source):
    with pytest.raises(ValueError, match="cannot be read from the Hub"):
        data.load(source)


def test_no_network_is_reported(repo, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match="local/other cannot be read from the Hub"):
        data.load("local/other")


def test_a_large_dataset_is_not_downloaded(repo, monkeypatch):
    monkeypatch.setattr(hub, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="this page reads up to 0 MB"):
        hub.download(*hub.resolve(repo))


def test_responses_are_those_of_the_release_that_the_results_name(repo):
    choice, example = (selection.settle([source, *[None] * 6])[0] for source in (repo, "example"))
    every = corpus.questions(choice.experiment, 256)
    assert every == corpus.questions(example.experiment, 256) and len(corpus.questions(choice.experiment, 3)) == 3
    key = list(every)[3]
    assert responses.render(choice, "", key, "8") == responses.render(example, "", key, "8")


def test_only_the_row_groups_of_the_question_are_read(repo, monkeypatch, ladder):
    choice, groups = selection.settle([repo, *[None] * 6])[0], []
    read = release.pq.ParquetFile.read_row_groups

    def counted(table, expected, **more):
        groups.append((len(expected), table.num_row_groups))
        return read(table, expected, **more)

    monkeypatch.setattr(release.pq.ParquetFile, "read_row_groups", counted)
    release.responses.cache_clear()
    sample = corpus.responses(choice.experiment, list(corpus.questions(choice.experiment, 256))[5])
    assert sample["response_index"].tolist() == list(range(int(ladder["budget"].max())))
    assert sample["question_id"].nunique() == 1
    assert len(groups) == 2 and all(expected <= 2 < total for expected, total in groups)


@pytest.fixture
def forgetful():
    for each in (release.manifest, release.questions, release.responses):
        each.cache_clear()


def display(source):
    """What the view says of these results, as the page says it."""
    built = View({}, [None] * 3, lambda choice: responses.render(choice, "", None, None))
    return app._rendered(built, "responses")(None, selection.settle([source, *[None] * 6])[0].values, "error", "")[0]


def test_a_release_that_cannot_be_reached_is_reported_with_the_reason(repo, monkeypatch, forgetful):
    origin = selection.settle([repo, *[None] * 6])[0].experiment.origin
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    output = display(origin)
    assert "cannot be shown" in output and "cannot be read here" in output
    assert "refused" in output and "load&#95;dataset" in output


def test_results_that_name_no_release_say_so(repo, tmp_path):
    choice = selection.settle([repo, *[None] * 6])[0]
    for text, why in (
        ("{}", "do not say which release they were measured on"),
        ('{"provenance": {"data": {"repo": "nowhere", "revision": "v1"}}}', "is not a dataset of the Hub"),
        (None, "do not say which release they were measured on"),
    ):
        (tmp_path / "manifest.json").unlink(missing_ok=True)
        if text is not None:
            (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ValueError, match=why):
            corpus.questions(replace(choice.experiment, folder=tmp_path), 256)
