"""A crash at any change of the disk: old or new, always whole, and never in the way of the next attempt."""

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


def stages(store: Path, step: int) -> list[str]:
    command = [sys.executable, "-m", "tests.hub_server.crash", str(store), str(step)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def test_a_release_that_ends_at_some_changes_of_the_disk_leaves_a_whole_store(tmp_path):
    found = stages(tmp_path / "store", 5)
    assert [stage for stage, _ in itertools.groupby(found)] == ["old", "committed", "tagged"]
    assert len(found) > 5


@pytest.mark.slow
def test_a_release_that_ends_at_any_change_of_the_disk_leaves_a_whole_store(tmp_path):
    found = stages(tmp_path / "store", 1)
    assert [stage for stage, _ in itertools.groupby(found)] == ["old", "committed", "tagged"]
    assert len(found) > 25
