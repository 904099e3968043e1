"""Published releases as a stranger's fresh shell loads them."""

import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hub.test_publish import put

LADDERS = {"v1.0.0": (1, 2, 4, 8), "v1.1.0": (1, 2, 4, 8, 16), "v2.0.0": (1, 2, 4, 8)}
LOAD = """
import json, sys
from datasets import load_dataset
found = {}
for version, manifest in json.loads(sys.argv[2]).items():
    for name, config in manifest["configs"].items():
        rows = load_dataset(sys.argv[1], name, split=config["split"], revision=version)
        streamed = load_dataset(sys.argv[1], name, split=config["split"], revision=version, streaming=True)
        assert list(streamed) == rows.to_list()
        found[f"{version} {name}"] = [rows["question"][:], rows.to_dict().get("response")]
    assert load_dataset(sys.argv[1], revision=version)["train"].config_name == manifest["default"]
sys.stdout.write(json.dumps(found))
"""


def columns(folder, files):
    """Questions, and responses where there are any, as the files hold them in this order."""
    rows = pa.concat_tables([pq.read_table(folder / file) for file in files])
    return [rows[name].to_pylist() if name in rows.column_names else None for name in ("question", "response")]


@pytest.mark.slow
def test_three_versions_of_six_configurations_load_their_rows_by_tag(ladder, hub, direct, repo, tmp_path):
    folders = {
        version: ladder(budgets, version, "b" if version > "v2" else "a", 0.5 if version > "v2" else 0.8)
        for version, budgets in LADDERS.items()
    }
    manifests = {}
    for version, folder in folders.items():
        put(folder, repo, direct)
        manifests[version] = json.loads((folder / "manifest.json").read_text())
    expected = {
        f"{version} {name}": columns(folders[version], config["files"])
        for version, manifest in manifests.items()
        for name, config in manifest["configs"].items()
    }
    request = json.dumps(manifests)
    environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run([sys.executable, "-c", LOAD, repo, request], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == expected and len(expected) == 7 + 8 + 7
    assert expected["v1.0.0 r4"] == expected["v1.1.0 r4"] != expected["v2.0.0 r4"]
