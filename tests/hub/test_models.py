import json
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard, constants, parse_eval_result_entries

from tests.hub.remote import commits, contents, quiet, tags
from toolkit.hub.models import Model, Score, publish_model
from toolkit.hub.version import Refused

HEAD = "b" * 40
PLAIN = Model("Tiny teacher", "Adds ones.", "apache-2.0")
STUDENT = Model(
    title="Student <1>",
    summary="Trained on additions.",
    license="apache-2.0",
    base_model="local/base",
    base_revision=HEAD,
    data_repo="local/tiny",
    data_config="r4",
    data_revision="a" * 40,
    recipe={"steps": 50, "learning_rate": 6e-3},
    scores=[Score(0.25, 0.125, 0.5, 0.95, 8, "greedy, one answer each")],
    limits=["A toy."],
)


@pytest.fixture
def weights(tmp_path):
    """A model folder as `save_pretrained` leaves it, by what it holds beside its weights."""

    def make(name="model", data=b"w", **files) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(data)
        (folder / ".artifact.json").write_text("{}")
        for file, text in {"config.json": '{"model_type": "llama"}', "README.md": "PEFT's own", **files}.items():
            (folder / file).write_text(text)
        return folder

    return make


@pytest.fixture
def adapter(tmp_path):
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(b"a")
    config = {"base_model_name_or_path": "/data/base", "r": 16, "revision": None}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def put(folder, repo, model, api, version=None, **options):
    return publish_model(folder, repo, model, quiet(api, **options), version=version)


def test_a_student_is_one_commit_and_one_tag_with_its_base_by_repo(adapter, api, direct, repo, tmp_path):
    published = put(adapter, repo, STUDENT, api, version="v1.0.0")
    assert len(commits(direct, repo, "model")) == 2 and tags(direct, repo, "model") == {"v1.0.0": published.commit}
    got = Path(direct.snapshot_download(repo, revision="v1.0.0", local_dir=tmp_path / "got"))
    config = json.loads((got / "adapter_config.json").read_text())
    assert config == {"base_model_name_or_path": "local/base", "r": 16, "revision": HEAD}
    assert (got / "adapter_model.safetensors").read_bytes() == b"a"
    again = put(adapter, repo, STUDENT, api, version="v1.0.0")
    assert not again.new and again.commit == published.commit


def test_the_card_names_base_data_recipe_and_results(adapter, hub, api, direct, repo, tmp_path, monkeypatch):
    put(adapter, repo, STUDENT, api, version="v1.0.0")
    got = Path(direct.snapshot_download(repo, revision="v1.0.0", local_dir=tmp_path / "got"))
    card = ModelCard.load(got / "README.md")
    data = card.data.to_dict()
    assert (data["base_model"], data["datasets"], data["library_name"]) == ("local/base", ["local/tiny"], "peft")
    assert f"configuration r4, commit `{'a' * 40}`" in card.text and f"at commit `{HEAD}`" in card.text
    assert "# Student &#60;1&#62;" in card.text and "| learning&#95;rate | 0.006 |" in card.text
    assert "| 8 | 0.25 | 0.125 | 0.5 | 0.95 | greedy, one answer each |" in card.text
    assert f'from_pretrained("{repo}", revision="v1.0.0")' in card.text and "PEFT's own" not in card.text
    (entry,) = parse_eval_result_entries(yaml.safe_load((got / ".eval_results" / "test.yaml").read_text()))
    assert (entry.dataset_id, entry.dataset_revision, entry.task_id, entry.value) == (
        "local/tiny", "a" * 40, "test", 0.25,
    )  # fmt: skip
    assert entry.notes == "accuracy, 95% interval 0.1250-0.5000, n = 8; greedy, one answer each"
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    card.validate()


def test_a_teacher_is_pushed_once_for_each_set_of_weights(weights, api, direct, proxy, repo):
    first = put(weights("one"), repo, PLAIN, api)
    proxy.reset()
    again = put(weights("two", b"w"), repo, PLAIN, api)
    assert first.new and not again.new and again.commit == first.commit and sum(proxy.sent.values()) == 0
    renamed = put(weights("three", b"w"), repo, Model("Another card", "", "mit"), api)
    assert not renamed.new and renamed.commit == first.commit
    other = put(weights("four", b"v"), repo, PLAIN, api)
    assert other.new and tags(direct, repo, "model") == {first.version: first.commit, other.version: other.commit}
    back = put(weights("five", b"w"), repo, PLAIN, api)
    assert not back.new and back.commit == first.commit  # a release may name it, whatever came since
    assert contents(direct, repo, first.commit, "model") != contents(direct, repo, "main", "model")


def test_what_is_no_part_of_a_model_stays_here(weights, api, repo):
    published = put(weights(**{"chat_template.jinja": "x"}), repo, PLAIN, api)
    assert set(published.added) == {
        "README.md", "chat_template.jinja", "config.json", "manifest.json", "model.safetensors",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"training_args.bin": "x"}, r"training_args\.bin: only safetensors are published"),
        ({"config.json": '{"_name_or_path": "/data/x"}'}, r"config\.json: _name_or_path is a folder of some machine"),
        ({"special_tokens.json": f'["{Path.home()}/x"]'}, r"special_tokens\.json holds a folder of this machine"),
    ],
)
def test_a_model_that_would_tell_or_run_something_is_refused(weights, api, proxy, repo, files, message):
    with pytest.raises(Refused, match=message):
        put(weights(**files), repo, PLAIN, api)
    assert proxy.calls == []


def test_the_models_own_folder_may_not_be_named(weights, api, proxy, repo, tmp_path):
    folder = weights(**{"tokenizer_config.json": json.dumps({"x": str(tmp_path / "model" / "tokenizer")})})
    with pytest.raises(Refused, match=r"tokenizer_config\.json holds a folder of this machine"):
        put(folder, repo, PLAIN, api)
    assert proxy.calls == []


def test_an_adapter_needs_the_repo_of_its_base(adapter, api, repo):
    with pytest.raises(Refused, match="an adapter needs its base; publish the base and name its repo"):
        put(adapter, repo, PLAIN, api)
    with pytest.raises(Refused, match="'/data/base' cannot name a repo"):
        put(adapter, repo, Model("x", "", "mit", base_model="/data/base"), api)


def test_a_folder_without_weights_is_no_model(tmp_path, api, repo):
    with pytest.raises(Refused, match="holds no"):
        put(tmp_path, repo, PLAIN, api)


def test_scores_need_their_data(weights, api, repo):
    with pytest.raises(Refused, match="scores need the data repo"):
        put(weights(), repo, Model("x", "", "mit", scores=STUDENT.scores), api)


def test_another_student_takes_the_next_version_and_is_found_under_it(weights, api, direct, repo):
    first = put(weights("one", b"1"), repo, PLAIN, api, version="v1.0.0")
    second = put(weights("two", b"2"), repo, PLAIN, api, version="v1.0.0")
    assert tags(direct, repo, "model") == {"v1.0.0": first.commit, "v1.0.1": second.commit}
    again = put(weights("three", b"2"), repo, PLAIN, api, version="v1.0.0")
    assert not again.new and again.commit == second.commit
    assert put(weights("four", b"3"), repo, PLAIN, api, version="v1.1.0").version == "v1.1.0"
