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


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout (or `FSS_SHARED_DATA`); skips where it is absent."""
    path = Path(os.environ.get("FSS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"real data not found at {path}: set FSS_SHARED_DATA to the folder that holds them")
    return path
