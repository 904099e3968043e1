import dataclasses
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard

from tests.hub.tiny_ladder import TEST_QUESTION
from toolkit.hub.manifest import file_facts, read_release

PLAIN_USER = """
import sys
from datasets import load_dataset
print("".join(load_dataset(sys.argv[1], "r4", split="train")["response"]))
"""


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    base = tmp_path_factory.mktemp("release")
    tiny.release(base / "tiny", tiny.corpus(base / "corpus"))
    return base / "tiny"


def load(folder, name, cache, **kwargs):
    from datasets import load_dataset

    return load_dataset(str(folder), name, cache_dir=str(cache), **kwargs)


def pairs(rows):
    return [(row["response_index"], int(row["question_id"][2:])) for row in rows]


def test_each_config_loads_its_rows_in_order(folder, tmp_path):
    kept = [(index, position) for index in range(4) for position in range(8) if (index * 8 + position) % 3]
    for budget in (1, 2, 4):
        rows = load(folder, f"r{budget}", tmp_path, split="train")
        assert pairs(rows) == [(index, position) for index, position in kept if index < budget and position < 4]
    assert sorted(pairs(load(folder, "q2-r2", tmp_path, split="train"))) == [pair for pair in kept if pair[0] < 2]
    everything = load(folder, "all", tmp_path, split="train")
    # the second shell is built up to r = 2 only
    assert sorted(pairs(everything)) == [(i, p) for i in range(4) for p in range(8) if i < 2 or p < 4]
    assert set(everything["verdict"]) == {"accepted", "rejected"}
    assert load(folder, "test", tmp_path, split="test")["question"] == [TEST_QUESTION]


def test_budgets_of_distinct_accepted_responses_are_nested_and_hold_as_many_as_they_say(tiny, tmp_path):
    card = dataclasses.replace(tiny.card, counting="accepted")
    tiny.release(tmp_path / "tiny", tiny.corpus(tmp_path / "corpus", counting="accepted"), card, default="a4")
    rows = {budget: load(tmp_path / "tiny", f"a{budget}", tmp_path, split="train").to_list() for budget in (1, 2, 4)}
    for budget, content in rows.items():
        texts = [(row["question_id"], row["response"]) for row in content]
        assert len(set(texts)) == len(texts) == 4 * budget
        assert content == rows[4][: len(content)]
    everything = load(tmp_path / "tiny", "all", tmp_path, split="train")
    kept = [row for row in everything if row["verdict"] == "accepted"]
    assert len(kept) > len({(row["question_id"], row["response"]) for row in kept})  # repeats are there to be seen
    assert len(everything) == len({(row["question_id"], row["response_index"]) for row in everything})


def test_adaptive_draws_are_one_config(tiny, tmp_path):
    card = dataclasses.replace(tiny.card, counting="adaptive")
    tiny.release(tmp_path / "tiny", tiny.corpus(tmp_path / "corpus", counting="adaptive"), card, default="s4")
    rows = load(tmp_path / "tiny", "s4", tmp_path, split="train")
    # 4 draws of even positions and 2 of odd ones
    assert {(i, p) for i, p in pairs(rows) if p % 2} <= {(i, p) for i in range(2) for p in (1, 3)}
    assert max(index for index, _ in pairs(rows)) == 3


def test_the_default_config_is_the_one_named(folder, tmp_path):
    from datasets import get_dataset_config_names, load_dataset

    assert get_dataset_config_names(str(folder)) == ["r1", "r2", "r4", "q2-r2", "all", "test", "questions"]
    assert load_dataset(str(folder), cache_dir=str(tmp_path))["train"].config_name == "r4"
    configs = DatasetCard.load(folder / "README.md").data.to_dict()["configs"]
    assert [config["config_name"] for config in configs if config.get("default")] == ["r4"]


def test_a_smaller_budget_is_a_prefix_in_files_and_in_loaded_rows(folder, tmp_path):
    manifest = json.loads((folder / "manifest.json").read_text())
    small, large = (manifest["configs"][name]["files"] for name in ("r2", "r4"))
    assert large[: len(small)] == small
    few, many = (load(folder, name, tmp_path, split="train") for name in ("r2", "r4"))
    assert few.to_list() == many.select(range(len(few))).to_list()


def test_the_info_on_the_card_is_what_the_library_finds(folder, tmp_path):
    infos = {
        info["config_name"]: info for info in DatasetCard.load(folder / "README.md").data.to_dict()["dataset_info"]
    }
    assert set(infos) == {"r1", "r2", "r4", "q2-r2", "all", "test", "questions"}
    for name, info in infos.items():
        bare = tmp_path / name  # without a card the library counts for itself
        files = json.loads((folder / "manifest.json").read_text())["configs"][name]["files"]
        for file in files:
            (bare / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / file, bare / file)
        split = info["splits"][0]
        found = load(bare, None, tmp_path / "cache", data_files={split["name"]: files})[split["name"]]
        assert found.info.splits[split["name"]].num_examples == split["num_examples"] == len(found)
        assert found.info.splits[split["name"]].num_bytes == split["num_bytes"] == info["dataset_size"]
        assert info["download_size"] == sum((folder / file).stat().st_size for file in files)


def test_streaming_gives_the_same_rows(folder, tmp_path):
    stream = load(folder, "r4", tmp_path, split="train", streaming=True)
    assert list(stream) == load(folder, "r4", tmp_path, split="train").to_list()


def plain_user(folder, home):
    environment = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_USER, str(folder)], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def front_without_digests(folder):
    return re.sub(r"-[0-9a-f]{12}\.parquet", ".parquet", (folder / "README.md").read_text().split("\n---\n")[0])


def test_a_rewritten_folder_gives_the_new_rows_from_the_same_cache(tiny, tmp_path):
    fronts, found, expected = [], [], []
    for salt in "ac":
        source = tiny.corpus(tmp_path / f"corpus-{salt}", salt)
        shutil.rmtree(tmp_path / "tiny", ignore_errors=True)
        manifest = tiny.release(tmp_path / "tiny", source)
        fronts.append(front_without_digests(tmp_path / "tiny"))
        files = manifest.configs["r4"].files
        expected.append(
            "".join(text for file in files for text in pq.read_table(tmp_path / "tiny" / file)["response"].to_pylist())
        )
        found.append(plain_user(tmp_path / "tiny", tmp_path / "home"))
    # The two releases differ in no count and no size: nothing but the names of the files tells their cards apart.
    assert fronts[0] == fronts[1]
    assert found == expected
    assert found[0] != found[1]


def test_another_folder_of_the_same_name_gives_its_own_rows(tiny, tmp_path):
    for salt in "ab":
        tiny.release(tmp_path / salt / "tiny", tiny.corpus(tmp_path / f"corpus-{salt}", salt))
    for salt in "ab":
        assert load(tmp_path / salt / "tiny", "r1", tmp_path / "cache", split="train")["response"][0].startswith(salt)


def test_equal_input_gives_equal_bytes_whatever_the_place(tiny, tmp_path):
    folders = [tmp_path / "a" / "one", tmp_path / "b" / "two"]
    for place in folders:
        tiny.release(place, tiny.corpus(place.parent / "corpus"))
    files = [
        {path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()} for place in folders
    ]
    assert files[0] == files[1]
    assert {Path("README.md"), Path("manifest.json")} < set(files[0])


def test_no_file_names_this_machine_or_a_token(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secretsecretsecret")
    tiny.release(tmp_path / "tiny", tiny.corpus(tmp_path / "corpus"))
    forbidden = ["hf_secretsecretsecret", str(tmp_path), str(Path.cwd()), str(Path.home()) + "/", socket.gethostname()]
    for path in (path for path in (tmp_path / "tiny").rglob("*") if path.is_file()):
        text = path.read_bytes()
        if path.suffix == ".parquet":
            text = repr(pq.read_table(path).to_pylist()).encode() + repr(pq.read_metadata(path).metadata).encode()
        assert [word for word in forbidden if word.encode() in text] == []


@pytest.mark.parametrize("place", ["home", "token", "out"])
def test_a_manifest_that_would_name_this_machine_is_refused(tiny, tmp_path, monkeypatch, place):
    monkeypatch.setenv("HF_TOKEN", "hf_secretsecretsecret")
    words = {"home": f"{Path.home()}/models", "token": "with hf_secretsecretsecret", "out": str(tmp_path / "tiny")}
    with pytest.raises(ValueError, match=r"^manifest\.json holds"):
        tiny.release(tmp_path / "tiny", tiny.corpus(tmp_path / "corpus"), provenance={"teacher": words[place]})
    assert not (tmp_path / "tiny" / "manifest.json").exists()


def test_the_manifest_is_known_before_anything_is_written(tiny, tmp_path):
    manifest = tiny.release(tmp_path / "tiny", tiny.corpus(tmp_path / "corpus"))
    assert read_release(tmp_path / "tiny") == manifest
    assert list(file_facts(tmp_path / "tiny").items()) == list(manifest.files.items())


def test_no_row_is_stored_twice(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    stored = [pq.read_metadata(path).num_rows for path in folder.glob("data/*/*/*.parquet")]
    assert sum(stored) == sum(pq.read_metadata(folder / file).num_rows for file in manifest["configs"]["all"]["files"])
    assert manifest["provenance"] == {"keys": {"pool": "0a"}}


def test_a_cell_without_accepted_rows_is_on_the_card_and_no_config(tiny, tmp_path):
    manifest = tiny.release(tmp_path / "tiny", tiny.corpus(tmp_path / "corpus", accepted=lambda number: number >= 8))
    assert "r1" not in manifest.configs and manifest.statistics["r1"]["accepted"] == 0
    assert len(load(tmp_path / "tiny", "r2", tmp_path / "cache", split="train")) == 4
    assert "| r1 | 4 | 4 |" in (tmp_path / "tiny" / "README.md").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "1.0"}, "version: '1.0' is not a release tag; write it as v1.0.0"),
        ({"default": "r3"}, "default: 'r3' is not among the configs r1, r2, r4, q2-r2"),
        ({"statistics": {"r1": {}}}, "statistics: of r1; give those of the configs r1, r2, r4, q2-r2"),
        ({"statistics": {name: {"accepted": 1} for name in ("r1", "r2", "r4", "q2-r2")}}, "statistics: r1 lacks"),
    ],
)
def test_what_does_not_fit_is_named_before_anything_is_written(tiny, tmp_path, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        tiny.release(tmp_path / "tiny", tiny.corpus(tmp_path / "corpus"), **change)
    assert not (tmp_path / "tiny").exists()


def test_nothing_accepted_is_refused(tiny, tmp_path):
    with pytest.raises(ValueError, match="r4: no accepted rows to publish"):
        tiny.release(tmp_path / "tiny", tiny.corpus(tmp_path / "corpus", accepted=lambda number: False))
