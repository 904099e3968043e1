"""`toolkit.judge` from scripts as people write them: no guard, threads, forks, a kill, and nothing left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import toolkit
from toolkit.verification.verdicts import Judgement

HEAVY = {"numpy", "pandas", "pydantic", "yaml", "pyarrow", "torch"}


def script(tmp_path: Path, text: str) -> str:
    """What a script prints that has no `if __name__ == "__main__"`, run in another folder with a file in the way."""
    (tmp_path / "mine.py").write_text(f"print('begins', flush=True)\n{text}")
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "pebble.py").write_text("raise ImportError('a file of the caller')")
    root = str(Path(toolkit.__file__).parents[1])
    ran = subprocess.run(
        [sys.executable, "../mine.py"],
        capture_output=True, text=True, cwd=tmp_path / "else", env=os.environ | {"PYTHONPATH": root}, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("begins") == 1 and ran.stderr == ""
    return ran.stdout.removeprefix("begins\n")


def test_what_can_be_told_at_once() -> None:
    assert toolkit.judge("7", "so \\boxed{7.0}") == Judgement("accepted", "7.0", None)
    assert toolkit.judge(7, "so \\boxed{8}") == Judgement("rejected", "8", None)
    assert toolkit.judge("9.8 m/s^2", "\\boxed{980 cm/s^2}", "numeric").verdict == "accepted"
    assert toolkit.judge("10 m", "\\boxed{11 m}", "numeric", tolerance=0.2).verdict == "accepted"
    assert toolkit.judge("B", "The answer is (B).", "choice").verdict == "accepted"
    assert toolkit.judge("7", "#### 7", pattern=r"####\s*(.+)").extracted == "7"
    assert toolkit.judge("7", "\\boxed{7}", finish_reason="length").verdict == "truncated"


def test_wrong_requests_are_named() -> None:
    with pytest.raises(ValueError, match="'blue' is not a number"):
        toolkit.judge("blue", "", "numeric")
    with pytest.raises(ValueError, match="answer_kind is 'poetry': input should be 'mathematics', 'numeric' or"):
        toolkit.judge("1", "", "poetry")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="gold is None: it must be a text or a number"):
        toolkit.judge(None, "")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="response is True"):
        toolkit.judge("1", True)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="finish_reason is 'tired'"):
        toolkit.judge("1", "", finish_reason="tired")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="tolerance is 2: input should be less than 1"):
        toolkit.judge("1", "", tolerance=2)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, toolkit; print(sorted({HEAVY} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_script_without_a_guard_compares_formulas_from_threads_and_forks(tmp_path: Path) -> None:
    said = script(
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
    assert said == "3 3\nchild accepted\nparent accepted\n"


def test_an_interpreter_that_ended_is_said_and_started_anew(tmp_path: Path) -> None:
    said = script(
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
    assert said == "accepted\nthe process that compares formulas ended by itself; call again\naccepted\n"


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
    while Path(f"/proc/{helper}/stat").exists() and Path(f"/proc/{helper}/stat").read_text().split()[2] != "Z":
        pass  # the test's own time limit ends this where the interpreter lives on
