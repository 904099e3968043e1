import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.remote import commits, contents, expected, tags
from tests.hub.tiny_ladder import count
from toolkit.hub.check import check_release

pytestmark = pytest.mark.slow  # six interpreters start
ROOT = Path(__file__).resolve().parents[2]
LADDERS = [(1,), (1, 2), (1, 2, 4), (1, 2, 4, 8), (1, 2, 4, 8, 16), (1, 2, 4, 8, 16, 32)]


def race(hub, repo, releases):
    """Publish all (folder, version) at once, each in a process of its own; returns what each says."""
    environment = os.environ | {"HF_TOKEN": hub.token, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    runners = []
    for folder, version in releases:
        command = [sys.executable, "-m", "tests.hub.racer", hub.endpoint, repo, str(folder), version]
        runners.append(subprocess.Popen(command, env=environment, cwd=ROOT, text=True, **pipes))
    for runner in runners:
        assert runner.stdout.readline() == "ready\n", runner.communicate()[1]
    for runner in runners:
        runner.stdin.write("go\n")
        runner.stdin.flush()
    return [json.loads(runner.communicate(timeout=300)[0]) for runner in runners]


def check_tags(direct, repo, folders, tmp_path):
    """Every tag loads whole, and passes the check that a stranger would run."""
    for version in tags(direct, repo):
        assert contents(direct, repo, version) == expected(folders[version])
        got = direct.snapshot_download(repo, repo_type="dataset", revision=version, local_dir=tmp_path / version)
        assert check_release(Path(got), count) == []


def test_six_processes_with_one_release(hub, direct, ladder, repo, tmp_path):
    folder = ladder((1, 2, 4))
    output = race(hub, repo, [(folder, "v1.0.0")] * 6)
    assert {messages["version"] for messages in output} == {"v1.0.0"} and len(
        {messages["commit"] for messages in output}
    ) == 1
    assert len(commits(direct, repo)) == 2 and list(tags(direct, repo)) == ["v1.0.0"]
    check_tags(direct, repo, {"v1.0.0": folder}, tmp_path)


def test_six_releases_of_one_source(hub, direct, ladder, repo, tmp_path):
    versions = [f"v1.{minor}.0" for minor in range(len(LADDERS))]
    folders = {version: ladder(budgets, version) for version, budgets in zip(versions, LADDERS, strict=True)}
    output = race(hub, repo, [(folder, version) for version, folder in folders.items()])
    landed = [version for version, messages in zip(versions, output, strict=True) if messages.get("new")]
    for version, messages in zip(versions, output, strict=True):
        assert messages["version"] >= version  # a smaller ladder that comes late finds all of it in a larger one
    assert sorted(tags(direct, repo)) == landed and landed[-1] == versions[-1]
    assert len(commits(direct, repo)) == 1 + len(landed)
    check_tags(direct, repo, folders, tmp_path)


def test_six_sources_under_one_name(hub, direct, ladder, repo, tmp_path):
    folders = [ladder((1, 2), "v1.0.0", salt, 0.1 * number) for number, salt in enumerate("abcdef", 1)]
    output = race(hub, repo, [(folder, "v1.0.0") for folder in folders])
    (winner,) = (folder for folder, messages in zip(folders, output, strict=True) if messages.get("new"))
    refused = [messages["refused"] for messages in output if "refused" in messages]
    assert len(refused) == 5 and all("sampling.temperature: published" in text for text in refused)
    check_tags(direct, repo, {"v1.0.0": winner}, tmp_path)
