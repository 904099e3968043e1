"""The server keeps glibc to a few heaps."""

import subprocess
import sys

import pytest

from tests.spaces.conftest import SPACE

HEAPS = """
import ctypes, platform, threading
from memory import share_arenas
if platform.libc_ver()[0] != "glibc":
    raise SystemExit(77)
assert share_arenas()
held = threading.Barrier(17)
def work():
    rows = [bytes(100_000) for _ in range(50)]
    held.wait()
for _ in range(16):
    threading.Thread(target=work).start()
held.wait()
ctypes.CDLL(None).malloc_stats()
"""


def test_threads_share_two_heaps():
    done = subprocess.run([sys.executable, "-c", HEAPS], cwd=SPACE, capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("the C library is not glibc")
    assert done.returncode == 0 and done.stderr.count("Arena ") == 2, done.stderr
