import json
import socket
from pathlib import Path

import pytest
from huggingface_hub import constants

from toolkit.hub.decide import Refused
from toolkit.hub.scan import refuse_paths, refuse_pickles, refuse_secrets

TOKEN = "hf_" + "aB3" * 11


def scan(tmp_path, text, name="README.md", folders=()):
    path = tmp_path / name
    path.write_text(text)
    refuse_secrets({name: path}, folders)


@pytest.mark.parametrize("name", ["README.md", "manifest.json", "test.yaml", "notes.txt", "chat_template.jinja"])
def test_anything_like_a_token_is_refused(tmp_path, name):
    with pytest.raises(Refused, match=f"{name} holds a Hub token; name things by repo") as caught:
        scan(tmp_path, f"see {TOKEN} there", name)
    assert TOKEN not in str(caught.value)


def test_the_token_of_the_environment_is_refused_whatever_its_form(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "my-own-secret")
    with pytest.raises(Refused, match="holds a Hub token"):
        scan(tmp_path, "x my-own-secret x")


def test_the_stored_token_is_refused_though_the_environment_names_another(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("stored-secret\n")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("HF_TOKEN", "another")
    with pytest.raises(Refused, match="holds a Hub token"):
        scan(tmp_path, "x stored-secret x")


def test_folders_of_this_machine_are_refused(tmp_path):
    with pytest.raises(Refused, match="holds a folder of this machine"):
        scan(tmp_path, f"base: {Path.home()}/models/base")
    with pytest.raises(Refused, match="holds a folder of this machine"):
        scan(tmp_path, f"{(tmp_path / 'workspace').resolve()}/runs", folders=[tmp_path / "workspace"])


@pytest.mark.parametrize(
    ("host", "text", "told"),
    [
        ("gpu-17", "made on gpu-17.", True),
        ("gpu-17", "made on gpu-170", False),
        ("node3.example.org", "on node3.example.org", True),
        ("math", "a math data set", False),  # an ordinary word tells nothing
        ("localhost", "http://localhost:80", False),
    ],
)
def test_the_hosts_name_is_refused_where_it_is_one(tmp_path, monkeypatch, host, text, told):
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    if told:
        with pytest.raises(Refused, match="holds this machine's name"):
            scan(tmp_path, text)
    else:
        scan(tmp_path, text)
    assert (tmp_path / "README.md").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "load_dataset('hf_org/name'), hf_hub_download, 1/2, /data/x.parquet"),
        ("tokenizer.json", f'{{"{Path.home()}/": 7}}'),  # learnt from texts of others
        ("model.safetensors", TOKEN),
    ],
)
def test_what_tells_nothing_passes(tmp_path, name, text):
    scan(tmp_path, text, name)
    assert (tmp_path / name).read_text() == text


def test_only_safetensors_are_weights():
    refuse_pickles(["model.safetensors", "config.json"])
    with pytest.raises(Refused, match=r"training_args\.bin, x\.pt: only safetensors are published"):
        refuse_pickles(["model.safetensors", "training_args.bin", "x.pt"])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("/data/base", True), ("./base", True), ("~/base", True), ("C:\\models\\base", True), ("a/b/c", True),
        ("org/base", False), ("sha256:0a", False), ("base", False), (None, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["base_model_name_or_path", "_name_or_path"])
def test_a_configuration_that_names_a_folder_is_refused(tmp_path, field, value, told):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({field: value}))
    if told:
        with pytest.raises(Refused, match=f"config.json: {field} is a folder of some machine; give the base's repo"):
            refuse_paths({"config.json": path})
    else:
        refuse_paths({"config.json": path})
    assert path.exists()
