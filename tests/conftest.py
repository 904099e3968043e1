"""Shared fixtures: where the real question sets and published curves lie, when they are there at all."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
# One thread per process: two torch or BLAS threads on a busy two-core machine are many times slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell's background jobs ignore Ctrl-C, and so would every process that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Time is no verdict on a shared machine.
# Where a change is judged it meets the same examples each time; at a desk and in the slow run they are drawn anew.
settings.register_profile("shared", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("shared")


BROWSER = "spaces/browser/"
# What takes longest, in that order. One process works on a file, and would be waited for if it began one last.
LONGEST = (
    BROWSER,
    "pipeline/test_experiment.py",
    "pipeline/test_publishing.py",
    "pipeline/test_run.py",
    "pipeline/test_resume.py",
    "pipeline/test_counting.py",
    "pipeline/test_kill.py",
    "pipeline/test_paper.py",
    "pipeline/test_diverged.py",
    "pipeline/stages/test_models.py",
    "teachers/",
    "test_benchmarks.py",
    "test_package.py",
    "test_cli.py",
    "hub/",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each file to one process, which makes what its tests share once, and all that needs a browser to one."""
    items.sort(key=lambda item: next((at for at, name in enumerate(LONGEST) if name in item.nodeid), len(LONGEST)))
    for item in items:
        group = BROWSER if BROWSER in item.nodeid else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout (or `FSS_SHARED_DATA`); skips where it is absent."""
    path = Path(os.environ.get("FSS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"real data not found at {path}: set FSS_SHARED_DATA to the folder that holds them")
    return path
