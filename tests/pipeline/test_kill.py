"""kill -9 in every stage: the next run ends it, nothing is lost or sampled twice, nothing half-made taken as whole."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.pipeline.conftest import TINY
from toolkit.synthesis.journal import read_journal

# In the order in which a run makes them; the teacher is given here, and trained by the same code as the base.
EARLY = ("pool", "leaks", "base", "responses", "verdicts", "corpus", "release")
KINDS = (*EARLY, "student", "score", "forecast", "law", "curves")
ALONE = [(kind,) for kind in KINDS]


def start(recipe: Path, workspace: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "toolkit.cli", "run", str(recipe), "--workspace", str(workspace), "--jobs", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def at_work(workspace: Path, kind: str) -> bool:
    """Whether an artifact of `kind` is half made: its temporary folder is there, or the journal is open."""
    pattern = "responses/*" if kind == "responses" else f"tmp/{kind}-*"
    return any(workspace.glob(pattern))


def kill_in(process: subprocess.Popen, workspace: Path, kind: str) -> None:
    """Kill while an artifact of `kind` is being made; fails when the run ends before one is seen."""
    while not at_work(workspace, kind):
        assert process.poll() is None, f"the run ended before {kind} was seen at work: {process.stderr.read()}"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def results(workspace: Path) -> dict[str, object]:
    """Everything that must not depend on kills: digests of all artifacts and the journal."""
    artifacts = {}
    for path in workspace.glob("*/*/.artifact.json"):
        manifest = json.loads(path.read_text())
        artifacts[f"{manifest['stage']}/{manifest['key']}"] = manifest["files"]
    journals = sorted((workspace / "responses").glob("*.jsonl"))
    return {"artifacts": artifacts, "journals": [[row._asdict() for row in read_journal(path)] for path in journals]}


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


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [*ALONE, KINDS], ids="-".join)
def test_killed_runs_end_where_an_undisturbed_one_does(recipe, undisturbed, tmp_path, kinds):
    workspace = tmp_path / "workspace"
    kill_and_end(recipe, workspace, kinds)
    assert_as(undisturbed, workspace)


def test_a_run_killed_in_a_student_ends_where_an_undisturbed_one_does(chain, tmp_path):
    again = chain.copy(tmp_path)
    undisturbed = results(again.workspace)
    forget_last_students(again.workspace, 4)
    kill_and_end(again.recipe, again.workspace, ["student"])
    assert_as(undisturbed, again.workspace)


def forget_last_students(workspace: Path, count: int) -> None:
    """Remove the last students of a run and all that it made after them: what is left is how it once stood."""
    written = sorted(path.stat().st_mtime_ns for path in workspace.glob("student/*/.artifact.json"))
    for path in list(workspace.glob("*/*/.artifact.json")):
        if path.stat().st_mtime_ns >= written[-count]:
            shutil.rmtree(path.parent)
    shutil.rmtree(workspace / "runs")


def kill_and_end(recipe: Path, workspace: Path, kinds: Iterable[str]) -> None:
    """Kill a run in each of the kinds of artifact, then let one end."""
    for kind in kinds:
        kill_in(start(recipe, workspace), workspace, kind)
    ran = start(recipe, workspace)
    _, errors = ran.communicate()
    assert ran.returncode == 0, errors
    assert not list((workspace / "tmp").iterdir())


def assert_as(undisturbed: dict[str, object], workspace: Path) -> None:
    after = results(workspace)
    assert after["journals"] == undisturbed["journals"]
    assert after["artifacts"].keys() == undisturbed["artifacts"].keys()
    different = {name for name in after["artifacts"] if after["artifacts"][name] != undisturbed["artifacts"][name]}
    assert different <= {name for name in different if name.startswith("forecast/")}  # tells if its rung existed
