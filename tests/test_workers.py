import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from toolkit.workers import open_workers


def count(upto, tick):
    for done in range(1, upto + 1):
        tick(done, upto)
    return os.getpid()


def fail(text, tick):
    raise ValueError(text)


def test_work_is_done_elsewhere_and_reports_here():
    reports = []
    with open_workers(1) as workers:
        pid = workers.call("task", lambda done, total: reports.append((done, total)), count, 3)
        with pytest.raises(ValueError, match="no such thing"):
            workers.call("other", lambda *_: None, fail, "no such thing")
        for _ in range(100):  # the last report may come after the result
            if len(reports) == 3:
                break
            time.sleep(0.05)
    assert pid != os.getpid() and reports == [(1, 3), (2, 3), (3, 3)]


PARENT = """
import sys, time
from toolkit.workers import open_workers
from tests.test_workers import linger
if __name__ == "__main__":
    with open_workers(1) as workers:
        workers.call("task", lambda done, total: print(done, flush=True), linger)
"""


def linger(tick):
    tick(os.getpid(), 0)
    time.sleep(600)


def test_workers_die_with_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = Path(__file__).resolve().parents[1]
    parent = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(root)}
    )
    worker = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    for _ in range(200):
        if not alive(worker):
            break
        time.sleep(0.05)
    assert not alive(worker)


def alive(process):
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().split()[2] != "Z"
