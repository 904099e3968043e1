"""What the datasets library loads, streams and pushes, in fresh processes that know only the hub's address."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import CommitOperationAdd, HfApi

BUDGETS = (1, 2, 4, 8, 16, 32)
VERSIONS = ("v1.0.0", "v1.1.0", "v2.0.0")
REPO = "local/fss-math"
ROWS = 3  # in each file


def value(version: str, budget: int, row: int) -> str:
    return f"{version} {budget} {row}"


def expected(version: str, budget: int) -> list[str]:
    """Rows of a configuration: its file and those of all smaller budgets."""
    return [value(version, part, row) for part in BUDGETS if part <= budget for row in range(ROWS)]


def card() -> bytes:
    configs = [
        {"config_name": f"r{budget}", "default": budget == 16,
         "data_files": [{"split": "train", "path": [f"data/{part}.parquet" for part in BUDGETS if part <= budget]}]}
        for budget in BUDGETS
    ]  # fmt: skip
    return f"---\nlicense: mit\nconfigs: {json.dumps(configs)}\n---\n# Ladder\n".encode()


@pytest.fixture(scope="module")
def ladder(hub, tmp_path_factory) -> str:
    """A repo with three tagged versions of six configurations."""
    api, folder = HfApi(hub.endpoint, token=hub.token), tmp_path_factory.mktemp("ladder")
    head = api.repo_info(api.create_repo(REPO, repo_type="dataset").repo_id, repo_type="dataset").sha
    for version in VERSIONS:
        adds = [CommitOperationAdd("README.md", card())]
        for budget in BUDGETS:
            texts = [value(version, budget, row) for row in range(ROWS)]
            pq.write_table(pa.table({"text": texts}), folder / f"{budget}.parquet")
            adds.append(CommitOperationAdd(f"data/{budget}.parquet", (folder / f"{budget}.parquet").read_bytes()))
        head = api.create_commit(REPO, adds, commit_message=version, repo_type="dataset", parent_commit=head).oid
        api.create_tag(REPO, tag=version, revision=head, repo_type="dataset")
    return REPO


def test_every_configuration_of_every_version_loads_by_its_tag(shell, ladder):
    script = """
        import json, sys
        from datasets import load_dataset
        repo, versions, budgets = json.loads(sys.argv[1])
        print(json.dumps([
            load_dataset(repo, f"r{budget}", split="train", revision=version)["text"]
            for version in versions for budget in budgets
        ], default=list))
    """
    loaded = json.loads(shell(script, json.dumps([ladder, VERSIONS, BUDGETS]), HF_TOKEN=""))
    assert loaded == [expected(version, budget) for version in VERSIONS for budget in BUDGETS]


def test_the_default_configuration_streams(shell, ladder):
    script = """
        import json, sys
        from datasets import load_dataset
        stream = load_dataset(sys.argv[1], split="train", revision="v1.1.0", streaming=True)
        print(json.dumps([row["text"] for row in stream]))
    """
    assert json.loads(shell(script, ladder)) == expected("v1.1.0", 16)


def test_a_snapshot_of_a_version_loads_when_the_hub_is_gone(shell, ladder):
    fetch = """
        import sys
        from huggingface_hub import snapshot_download
        print(snapshot_download(sys.argv[1], repo_type="dataset", revision="v1.0.0"))
    """
    load = """
        import json, sys
        from datasets import load_dataset
        print(json.dumps(list(load_dataset(sys.argv[1], "r4", split="train")["text"])))
    """
    folder = shell(fetch, ladder)
    loaded = shell(load, folder, HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9")
    assert json.loads(loaded) == expected("v1.0.0", 4)


def test_push_to_hub_by_the_library_itself(shell, api, dataset):
    script = """
        import sys
        from datasets import Dataset, DatasetDict, load_dataset
        for config in ("one", "two"):
            data = Dataset.from_dict({"text": [config] * 5})
            DatasetDict({"train": data, "test": data}).push_to_hub(sys.argv[1], config)
        Dataset.from_dict({"text": ["pull"]}).push_to_hub(sys.argv[1], "one", create_pr=True)
        print(load_dataset(sys.argv[1], "two", split="test")["text"][0])
        print(load_dataset(sys.argv[1], "one", split="train", revision="refs/pr/1")["text"][0])
    """
    assert shell(script, dataset).splitlines() == ["two", "pull"]
    assert api.list_repo_refs(dataset, repo_type="dataset", include_pull_requests=True).pull_requests


def test_a_model_and_a_space_are_pushed_by_the_command_line_too(shell, api, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (tmp_path / "model" / "config.json").write_text("{}")
    upload = """
        import sys
        from huggingface_hub.cli.hf import main
        sys.argv = ["hf", *sys.argv[1:]]
        main()
    """
    shell(upload, "upload", "local/by-cli", str(tmp_path / "model"))
    assert set(api.list_repo_files("local/by-cli")) >= {"config.json", "model.safetensors"}
    shell(upload, "upload", "local/by-cli", str(tmp_path / "model" / "config.json"), "other.json", "--create-pr")
    assert api.file_exists("local/by-cli", "other.json", revision="refs/pr/1")
    assert not api.file_exists("local/by-cli", "other.json")
    api.create_repo("local/by-cli-space", repo_type="space", space_sdk="gradio")
    shell(
        upload, "upload", "local/by-cli-space", str(tmp_path / "model" / "config.json"), "app.json", "--type", "space"
    )
    assert api.file_exists("local/by-cli-space", "app.json", repo_type="space")
