import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_checklist_of_the_real_hub_passes_at_the_embedded_one(hub, direct, repo, tmp_path):
    environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token, "HF_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "benchmarks.hub_smoke", repo]
    environment["HF_HUB_DISABLE_XET"] = "1"
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "BAD" not in done.stdout, done.stdout + done.stderr[-2000:]
    assert done.stdout.count("ok  ") == 13
    assert not direct.repo_exists(repo, repo_type="dataset") and not direct.repo_exists(f"{repo}-model")
    direct.create_repo(f"{repo}-results", repo_type="dataset")
    again = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 1 and f"{repo}-results exists; name a repo that does not" in again.stderr
    assert direct.repo_exists(f"{repo}-results", repo_type="dataset")
