"""A crash at every single change of the disk: old or new, always whole, and never in the way of the next attempt."""

import itertools
import json
import shutil
import subprocess
import sys

import pytest


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_a_release_that_ends_at_any_change_of_the_disk_leaves_a_whole_store(tmp_path):
    command = [sys.executable, "-m", "tests.hub.server.crash", str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    stages = json.loads(done.stdout)
    assert [stage for stage, _ in itertools.groupby(stages)] == ["old", "committed", "tagged"]
    assert len(stages) > 20
