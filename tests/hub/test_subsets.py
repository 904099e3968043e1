"""Other question subsets beside the ladder, Q1 ⊂ Q2 ⊂ Q4: configurations of their own, and no row stored twice."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.hub.remote import tags
from tests.hub.test_publish import put
from tests.hub.tiny_ladder import make_release
from toolkit.pipeline.verify import check
from toolkit.progress import Progress

LADDER, SUBSETS = (1, 2, 4, 8), [(8, 4), (16, 2), (16, 4)]  # the ladder is of 4 questions
LATER = (16, 8)
LOAD = """
import json, sys
from datasets import load_dataset
found = {}
for name in sys.argv[3:]:
    rows = load_dataset(sys.argv[1], name, split="train", revision=sys.argv[2])
    found[name] = [[row["response_index"], int(row["question_id"][2:])] for row in rows]
sys.stdout.write(json.dumps(found))
"""


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """v1.0.0, and v1.1.0 with one more cell."""
    folders = {}
    for version, subsets in (("v1.0.0", SUBSETS), ("v1.1.0", [*SUBSETS, LATER])):
        folders[version] = tmp_path_factory.mktemp(version) / "release"
        make_release(folders[version], LADDER, version, subsets=subsets)
    return folders


def size(folder, names):
    return sum((folder / name).stat().st_size for name in names)


def data(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}


def test_no_row_is_stored_twice_and_every_cell_is_there(releases):
    folder = releases["v1.0.0"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["cells"]) == {"r1", "r2", "r4", "r8", "q2-r4", "q4-r2", "q4-r4"}
    rows = [row for name in manifest["configs"]["all"]["files"] for row in pairs(folder / name)]
    cells = [(4, 8), (8, 4), (16, 4)]  # (questions, budget) of the largest ones
    expected = {(index, at) for questions, budget in cells for index in range(budget) for at in range(questions)}
    assert len(rows) == len(set(rows)) == len(expected) and set(rows) == expected
    assert check(folder, Progress(io.StringIO())).problems == []


def pairs(path):
    table = pq.read_table(path, columns=["response_index", "question_id"]).to_pylist()
    return [(row["response_index"], int(row["question_id"][2:])) for row in table]


def test_rows_are_sent_once_and_a_later_cell_sends_its_own_only(releases, api, direct, proxy, repo, hub, tmp_path):
    first, later = releases.values()
    put(first, repo, api)
    assert proxy.sent["PUT"] == size(first, data(first))
    proxy.reset()
    put(later, repo, api)
    added = data(later) - data(first)
    assert {Path(name).name[:8] for name in added} == {"i004-008"} and len(added) == 4  # two shells, both sides
    assert proxy.sent["PUT"] == size(later, added)
    assert list(tags(direct, repo)) == ["v1.0.0", "v1.1.0"]
    cells = {"r4": (4, 4), "q2-r4": (8, 4), "q4-r2": (16, 2), "q4-r4": (16, 4), "q4-r8": (16, 8)}
    found = load(hub, repo, "v1.1.0", cells, tmp_path)
    for name, (questions, budget) in cells.items():
        kept = {(i, at) for i in range(budget) for at in range(questions) if (i + at) % 3 < 2}  # two thirds train
        assert len(found[name]) == len(kept) and set(map(tuple, found[name])) == kept
    assert found["q4-r4"] == found["q4-r8"][: len(found["q4-r4"])]


def load(hub, repo, version, names, home):
    """What a fresh shell loads by the tag."""
    environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-c", LOAD, repo, version, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
