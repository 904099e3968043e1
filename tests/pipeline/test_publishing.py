"""A run's release at the embedded Hub: pushed once, loaded by its tag from a fresh shell, checked as by a stranger."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.pipeline.publishing import open_hub
from toolkit.pipeline.run import release
from toolkit.progress import Progress
from toolkit.recipe import RecipeError, load_run, with_release

pytestmark = pytest.mark.xdist_group("chain")
FSS = [sys.executable, "-m", "toolkit.cli"]
REPO = "local/fss-tiny"


@pytest.fixture
def workspace(chain, tmp_path, monkeypatch):
    """A copy of the chain's workspace, and no account."""
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    return shutil.copytree(chain.workspace, tmp_path / "workspace")


def published(chain, workspace, suffix="", **options):
    progress = Progress(io.StringIO())
    run = load_run(f"{chain.recipe}{suffix}")
    told = release(run, workspace, jobs=1, progress=progress, **({"dry": False} | options))
    return told, progress.stream.getvalue()


def tags(workspace, repo=REPO):
    with open_hub(workspace) as api:
        if not api.repo_exists(repo, repo_type="dataset"):
            return {}
        return {ref.name: ref.target_commit for ref in api.list_repo_refs(repo, repo_type="dataset").tags}


def test_a_release_is_published_once_and_grows_under_a_new_version(chain, workspace):
    _, lines = published(chain, workspace, "-r3", dry=True)
    assert tags(workspace) == {} and "0 sampled now" in lines
    told, _ = published(chain, workspace, "-r3")
    assert f'load_dataset("{REPO}", "r3", split="train", revision="v1.0.0")' in told
    first = tags(workspace)
    assert list(first) == ["v1.0.0"]
    published(chain, workspace, "-r3")
    assert tags(workspace) == first
    told, _ = published(chain, workspace)
    assert 'revision="v1.1.0")' in told
    assert tags(workspace)["v1.0.0"] == first["v1.0.0"] and set(tags(workspace)) == {"v1.0.0", "v1.1.0"}


def test_the_printed_lines_load_and_check_in_a_fresh_shell(chain, workspace, tmp_path):
    told, _ = published(chain, workspace, "-r3")
    call = told.partition("prints: ")[2].strip()
    options = {"cwd": tmp_path, "text": True, "env": os.environ | {"PYTHONPATH": str(Path.cwd())}}
    serve = [*FSS, "hub", "serve", "--port", "0", "--workspace", workspace]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, **options) as server:
        try:
            exports = "".join(server.stdout.readline() for _ in range(3)).partition("\n")[2]
            (tmp_path / "load.py").write_text(
                f"from datasets import load_dataset\nrows = {call}\nprint(len(rows), set(rows['verdict']))\n"
            )
            shell = f'{exports}\n"{sys.executable}" load.py\n'
            loaded = subprocess.run(["bash", "-ec", shell], capture_output=True, check=True, **options).stdout
        finally:
            server.terminate()
    rows, verdicts = loaded.split(maxsplit=1)
    assert int(rows) > 20 and verdicts.strip() == "{'accepted'}"
    check = [*FSS, "check", f"{REPO}@v1.0.0", "--workspace", workspace]
    checked = subprocess.run(check, capture_output=True, check=False, **options)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith(f"{REPO}@v1.0.0, commit ") and "all of it holds" in checked.stdout


@pytest.mark.parametrize(("repo", "version"), [("no-owner", None), ("a/../b", None), (None, "1.0")])
def test_a_name_that_no_hub_takes_is_refused_before_any_work(chain, repo, version):
    with pytest.raises(RecipeError, match="--repo" if repo else "--version"):
        with_release(load_run(str(chain.recipe)), repo=repo, version=version)
