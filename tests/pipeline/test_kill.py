"""kill -9 in every stage: the next run ends it, nothing is lost or sampled twice, nothing half-made taken as whole."""

import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.conftest import STAGES, TINY
from toolkit.synthesis.journal import read_journal

pytestmark = pytest.mark.xdist_group("chain")  # one worker makes the shared chain


def start(recipe: Path, workspace: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "toolkit.cli", "run", str(recipe), "--workspace", str(workspace), "--jobs", "2"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_after(process: subprocess.Popen, stage: str, delay: float) -> None:
    """Kill as the stage after `stage` is at work: `delay` seconds after the line of `stage`."""
    for line in process.stderr:
        if line.startswith(f"{stage} "):
            break
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def results(workspace: Path) -> dict[str, object]:
    """Everything that must not depend on kills: digests of all artifacts and the journal."""
    artifacts = {}
    for path in workspace.glob("*/*/.artifact.json"):
        manifest = json.loads(path.read_text())
        artifacts[f"{manifest['stage']}/{manifest['key']}"] = manifest["files"]
    (journal,) = (workspace / "responses").glob("*.jsonl")
    return {"artifacts": artifacts, "journal": [row._asdict() for row in read_journal(journal)]}


@pytest.fixture(scope="module")
def recipe(chain, tmp_path_factory) -> Path:
    """The tiny chain with the teacher that it trained, to save its time."""
    (teacher,) = chain.artifacts("teacher")
    text = re.sub(r"^(teacher_steps: .*)$", f"teacher: {teacher}", TINY.read_text(), flags=re.MULTILINE)
    path = tmp_path_factory.mktemp("kills") / "tiny.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def undisturbed(recipe, tmp_path_factory) -> dict[str, object]:
    workspace = tmp_path_factory.mktemp("undisturbed") / "workspace"
    ran = start(recipe, workspace)
    _, errors = ran.communicate()
    assert ran.returncode == 0, errors
    return results(workspace)


@pytest.mark.parametrize(
    "stages",
    [
        ("leaks", "release"),  # killed while models train, then while students train
        *[pytest.param((stage,), marks=pytest.mark.slow) for stage in STAGES],
        pytest.param(STAGES, marks=pytest.mark.slow),
    ],
    ids="-".join,
)
def test_killed_runs_end_where_an_undisturbed_one_does(recipe, undisturbed, tmp_path, stages):
    random_ = random.Random(str(stages))
    for stage in stages:
        killed = start(recipe, tmp_path / "workspace")
        kill_after(killed, stage, random_.uniform(0.0, 3.0))
    ran = start(recipe, tmp_path / "workspace")
    _, errors = ran.communicate()
    assert ran.returncode == 0, errors
    assert not list((tmp_path / "workspace" / "tmp").iterdir())
    after = results(tmp_path / "workspace")
    assert after["journal"] == undisturbed["journal"]
    assert after["artifacts"].keys() == undisturbed["artifacts"].keys()
    different = {name for name in after["artifacts"] if after["artifacts"][name] != undisturbed["artifacts"][name]}
    assert different <= {name for name in different if name.startswith("forecast/")}  # tells if its rung existed
