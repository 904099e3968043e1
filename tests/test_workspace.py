import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.workspace import Workspace, file_digest, hash_of, write_atomic

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def write(text):
    def make(folder):
        (folder / "data.txt").write_text(text)
        return {"length": len(text)}

    return make


@pytest.fixture
def notices():
    return []


@pytest.fixture
def workspace(tmp_path, notices):
    return Workspace(tmp_path / "workspace", notices.append)


def test_an_artifact_is_made_once_and_found_again(workspace):
    first, cached = workspace.build("stage", {"a": 1}, write("one"))
    assert (cached, first.facts, (first.path / "data.txt").read_text()) == (False, {"length": 3}, "one")
    second, cached = workspace.build("stage", {"a": 1}, write("never written"))
    assert cached and second == first


def test_other_inputs_or_stages_are_other_artifacts(workspace):
    places = {
        workspace.place("stage", {"a": 1}),
        workspace.place("stage", {"a": 2}),
        workspace.place("other", {"a": 1}),
    }
    assert len(places) == 3


@pytest.mark.parametrize("damage", ["change", "remove", "add", "manifest"])
def test_a_damaged_artifact_is_made_again(workspace, damage):
    artifact, _ = workspace.build("stage", 1, write("whole"))
    if damage == "change":
        (artifact.path / "data.txt").write_text("wrong")
    elif damage == "remove":
        (artifact.path / "data.txt").unlink()
    elif damage == "add":
        (artifact.path / "more.txt").write_text("foreign")
    else:
        (artifact.path / ".artifact.json").unlink()
    again, cached = workspace.build("stage", 1, write("whole"))
    assert not cached
    assert [path.name for path in sorted(again.path.iterdir())] == [".artifact.json", "data.txt"]
    assert (again.path / "data.txt").read_text() == "whole"


@pytest.fixture
def digests(monkeypatch):
    """List the files whose bytes are read from now on, when none is too young to be remembered."""
    read = []
    monkeypatch.setattr("toolkit.workspace.SETTLED", -(10**9))
    monkeypatch.setattr("toolkit.workspace.file_digest", lambda path: read.append(path.name) or file_digest(path))
    return read


def test_files_are_read_once_however_often_they_are_looked_up(workspace, digests):
    made, _ = workspace.build("stage", 1, write("whole"))
    assert [workspace.find("stage", 1), workspace.planned("stage", 1)] == [made, made]
    assert digests == ["data.txt"]
    assert Workspace(workspace.root, pytest.fail).find("stage", 1) == made
    assert digests == ["data.txt", "data.txt"]


@pytest.mark.parametrize("settled", [-(10**9), 2 * 10**9])
@pytest.mark.parametrize("change", ["in place", "with its old time", "replaced"])
def test_a_file_that_changed_since_it_was_looked_up_is_noticed(workspace, notices, change, settled, monkeypatch):
    monkeypatch.setattr("toolkit.workspace.SETTLED", settled)
    made, _ = workspace.build("stage", 1, write("whole"))
    path = made.path / "data.txt"
    before = path.stat()
    assert workspace.find("stage", 1) == made
    time.sleep(0.02)  # a tick of the clock by which files are dated
    if change == "replaced":
        path.unlink()
    path.write_text("wrong")
    if change == "with its old time":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert workspace.find("stage", 1) is None and "its files have changed" in notices[0]


def test_a_file_that_changes_within_a_tick_of_the_clock_is_noticed(workspace):
    for _ in range(20):
        made, _ = workspace.build("stage", 1, write("whole"))
        (made.path / "data.txt").write_text("wrong")
        assert workspace.find("stage", 1) is None


def test_a_failed_stage_leaves_nothing(workspace):
    def fail(folder):
        (folder / "half").write_text("half")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        workspace.build("stage", 1, fail)
    assert workspace.find("stage", 1) is None
    assert not list((workspace.root / "tmp").iterdir())
    assert workspace.build("stage", 1, write("whole"))[1] is False


def test_a_planned_artifact_shares_its_digest_with_no_made_one(workspace):
    planned = workspace.planned("stage", 1)
    made, _ = workspace.build("stage", 1, write("whole"))
    assert not planned.made and planned.path == made.path and planned.digest != made.digest
    assert workspace.planned("stage", 1) == made


@given(plain)
def test_keys_do_not_depend_on_the_order_of_fields(value):
    shuffled = json.loads(json.dumps({"b": value, "a": 1}))
    assert hash_of({"a": 1, "b": value}) == hash_of(shuffled)


def test_a_key_names_no_place():
    with pytest.raises(TypeError, match="PosixPath"):
        hash_of({"file": Path("/somewhere")})


def test_publishing_replaces_a_folder_whole(workspace, tmp_path):
    artifact, _ = workspace.build("stage", 1, write("new"))
    target = tmp_path / "runs" / "release"
    target.mkdir(parents=True)
    (target / "stale.txt").write_text("old")
    workspace.publish(artifact.path, target)
    assert [path.name for path in target.iterdir()] == ["data.txt"]
    assert [path.name for path in target.parent.iterdir()] == ["release"]


def test_an_edited_copy_does_not_harm_the_artifact(workspace, tmp_path):
    artifact, _ = workspace.build("stage", 1, write("new"))
    workspace.publish(artifact.path / "data.txt", tmp_path / "copy.txt")
    (tmp_path / "copy.txt").write_text("edited")
    assert workspace.find("stage", 1) == artifact


def test_writing_is_atomic(tmp_path):
    write_atomic(tmp_path / "a" / "file.json", "{}")
    write_atomic(tmp_path / "a" / "file.json", "[]")
    assert (tmp_path / "a" / "file.json").read_text() == "[]"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file.json"]


HOLDER = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from toolkit.workspace import Workspace
def make(folder):
    (folder / "data.txt").write_text("theirs")
    print("working", flush=True)
    time.sleep(float(sys.argv[2]))
    return {}
Workspace(Path(sys.argv[1]), print).build("stage", 1, make)
"""


def hold(workspace, seconds):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, workspace.root, str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "working\n"
    return holder


def test_the_second_of_two_runs_says_so_and_waits(workspace, notices):
    holder = hold(workspace, 1)
    artifact, cached = workspace.build("stage", 1, write("mine"))
    holder.wait()
    assert cached and (artifact.path / "data.txt").read_text() == "theirs"
    assert any("another run is working on stage-" in text for text in notices)


def test_threads_of_one_run_wait_for_each_other_without_a_word(workspace, notices):
    """Make two students from equal rows one artifact."""
    barrier, artifacts = threading.Barrier(2), []

    def make(folder):
        artifacts.append(folder)
        return write("mine")(folder)

    def build(_):
        barrier.wait()
        return workspace.build("stage", 1, make)[0]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(build, range(2))
    assert first == second and len(artifacts) == 1 and not notices


def test_a_killed_run_leaves_no_lock_and_no_half_artifact(workspace, notices):
    holder = hold(workspace, 600)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    time.sleep(0.05)
    artifact, cached = workspace.build("stage", 1, write("mine"))
    assert not cached and (artifact.path / "data.txt").read_text() == "mine"
