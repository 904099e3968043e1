"""The token that is used, and another that is stored, are found in nothing that a push prints, writes or publishes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STORED = "hf_" + "Zq9" * 11


@pytest.mark.parametrize("place", ["environment", "file"])
def test_no_token_is_left_anywhere(hub, direct, ladder, repo, tmp_path, place):
    home, work, model = tmp_path / "home", tmp_path / "work", tmp_path / "model"
    for folder in (home, work, model):
        folder.mkdir()
    (model / "model.safetensors").write_bytes(b"w")
    (home / "token").write_text(STORED if place == "environment" else hub.token)
    given = {"HF_HOME": str(home), "HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_XET": "1", "HF_DEBUG": "1"}
    given |= {"HF_TOKEN": hub.token} if place == "environment" else {}
    command = [sys.executable, "-m", "tests.hub.publish_all", work, ladder(), model, repo]
    environment = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"} | given
    done = subprocess.run(list(map(str, command)), env=environment, cwd=ROOT, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    for name, kind in ((repo, "dataset"), (f"{repo}-results", "dataset"), (f"{repo}-teacher", "model")):
        direct.snapshot_download(name, repo_type=kind, local_dir=tmp_path / "got" / name)
    texts = {"output": done.stdout + done.stderr} | {
        str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != home / "token"
    }
    assert b"v1.0.0" in texts["output"] and sum("/got/" in name for name in texts) > 15
    for secret in (hub.token.encode(), STORED.encode()):
        assert [name for name, text in texts.items() if secret in text] == []
