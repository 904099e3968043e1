"""`toolkit.judge` from scripts as people write them: no guard, threads, forks, a kill, and nothing left behind."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import toolkit
from toolkit.verification.verdicts import Judgement, Verdict

HEAVY = {"numpy", "pandas", "pydantic", "yaml", "pyarrow", "torch"}


def script(tmp_path: Path, text: str) -> str:
    """Run a script without `if __name__ == "__main__"` in another folder with a file in the way; give its output."""
    (tmp_path / "mine.py").write_text(f"print('begins', flush=True)\n{text}")
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "pebble.py").write_text("raise ImportError('a file of the caller')")
    root = str(Path(toolkit.__file__).parents[1])
    more = {"PYTHONPATH": root, "PYTHONWARNINGS": "ignore"}  # from 3.12 on Python warns of a fork like the script's
    ran = subprocess.run(
        [sys.executable, "../mine.py"],
        capture_output=True, text=True, cwd=tmp_path / "else", env=os.environ | more, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("begins") == 1 and ran.stderr == ""
    return ran.stdout.removeprefix("begins\n")


@pytest.mark.parametrize(
    ("gold", "response", "options", "verdict", "extracted"),
    [
        ("7", "so \\boxed{7.0}", {}, "accepted", "7.0"),
        (7, "so \\boxed{8}", {}, "rejected", "8"),
        ("9.8 m/s^2", "\\boxed{980 cm/s^2}", {"kind": "numeric"}, "accepted", "980 cm/s^2"),
        ("10 m", "\\boxed{11 m}", {"kind": "numeric", "tolerance": 0.2}, "accepted", "11 m"),
        ("B", "The answer is (B).", {"kind": "choice"}, "accepted", "B"),
        ("7", "#### 7", {"pattern": r"####\s*(.+)"}, "accepted", "7"),
        ("7", "\\boxed{7}", {"finish_reason": "length"}, "truncated", None),
    ],
)
def test_a_response_is_judged_by_the_policy_of_its_kind(
    gold: str | int, response: str, options: dict[str, Any], verdict: Verdict, extracted: str | None
) -> None:
    assert toolkit.judge(gold, response, **options) == Judgement(verdict, extracted, None)


@pytest.mark.parametrize(
    ("gold", "response", "options", "message"),
    [
        ("blue", "", {"kind": "numeric"}, "'blue' is not a number"),
        ("1", "", {"kind": "poetry"}, "answer_kind is 'poetry': input should be 'mathematics', 'numeric' or"),
        (None, "", {}, "gold is None: it must be a text or a number"),
        ("1", True, {}, "response is True"),
        ("1", "", {"finish_reason": "tired"}, "finish_reason is 'tired'"),
        ("1", "", {"tolerance": 2}, "tolerance is 2: input should be less than 1"),
    ],
)
def test_a_wrong_argument_is_named(gold: Any, response: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        toolkit.judge(gold, response, **options)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, toolkit; print(sorted({HEAVY} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_script_without_a_guard_compares_formulas_from_threads_and_forks(tmp_path: Path) -> None:
    output = script(
        tmp_path,
        """
import os, sys
from concurrent.futures import ThreadPoolExecutor
import toolkit
with ThreadPoolExecutor(4) as pool:
    verdicts = list(pool.map(lambda n: toolkit.judge(f"x+{n}", rf"\\boxed{{{n % 3}+x}}").verdict, range(6)))
print(verdicts.count("accepted"), verdicts.count("rejected"), flush=True)
child = os.fork()
if child == 0:
    print("child", toolkit.judge("y+2", r"\\boxed{2+y}").verdict, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print("parent", toolkit.judge("y+2", r"\\boxed{2+y}").verdict)
""",
    )
    assert output == "3 3\nchild accepted\nparent accepted\n"


def test_an_interpreter_that_ended_is_said_and_started_anew(tmp_path: Path) -> None:
    output = script(
        tmp_path,
        """
import toolkit
from toolkit.verification.single import _HELPER
print(toolkit.judge("y+2", r"\\boxed{2+y}").verdict)
_HELPER._process.kill()
_HELPER._process.wait()
try:
    toolkit.judge("y+3", r"\\boxed{3+y}")
except RuntimeError as error:
    print(error)
print(toolkit.judge("y+3", r"\\boxed{3+y}").verdict)
""",
    )
    assert output == "accepted\nthe process that compares formulas ended by itself; call again\naccepted\n"


def test_the_interpreter_ends_with_a_caller_that_is_killed(tmp_path: Path) -> None:
    code = """
import os, signal, toolkit
from toolkit.verification.single import _HELPER
toolkit.judge("y+2", r"\\boxed{2+y}")
print(_HELPER._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
    helper = int(ran.stdout)
    end = time.monotonic() + 60
    while lives(helper) and time.monotonic() < end:
        time.sleep(0.02)
    assert not lives(helper)


def lives(process: int) -> bool:
    """Tell whether a process runs; a dead one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
