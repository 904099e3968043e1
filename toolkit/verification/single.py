"""One answer judged at a time, from any script, notebook or thread.

Formulas are compared in a process that can be killed. Processes that Python's multiprocessing spawns run the caller's
script again, which is why a script with a `Judge` needs `if __name__ == "__main__":`. Here a separate interpreter
spawns that process. It is started once, when the first formula has to be compared, reads a line of JSON for each
comparison, and ends with this process. Simple comparisons are made in this process.
"""

import atexit
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import IO, Literal

from pydantic import TypeAdapter, ValidationError

from toolkit.recipe.sections import Verification
from toolkit.verification.golds import gold_problem
from toolkit.verification.judge import Judge
from toolkit.verification.verdicts import Judgement

_SETTINGS = TypeAdapter(Verification)
_POLICIES = 32  # judges that this process keeps, one per policy
_SERVED = 4  # judges that the separate interpreter keeps


def judge(
    gold: str | float,
    response: str,
    kind: Literal["mathematics", "numeric", "choice"] = "mathematics",
    *,
    pattern: str | None = None,
    tolerance: float | None = None,
    finish_reason: Literal["stop", "length", "error"] = "stop",
) -> Judgement:
    """Judge one response against the gold answer, by the policy of a recipe with this kind of answer.

    It may be called from any script, notebook or thread, without `if __name__ == "__main__":`. Formulas are compared in
    a process that ends with this one; the first of them costs a second or two. `fss judge` is for whole files.

    Args:
        gold: the right answer.
        response: the whole text; the answer is cut out of it.
        kind: the kind of answer: a formula or number, a quantity with or without unit, or the letter of a choice.
        pattern: regular expression with one group around the answer, of which the last match counts; None takes the
            last closed `\\boxed{}`, and for a choice also the letter that is named as the answer.
        tolerance: relative tolerance of a numeric answer; None takes the default of recipes.
        finish_reason: `length` makes the verdict `truncated`, `error` makes it `failed`.

    Returns:
        A named tuple of `verdict` (failed, truncated, unparsable, rejected or accepted), the `extracted` answer or
        None, and `wrong_step`, here always None.

    Raises:
        ValueError: for a gold answer that is not of this kind, or a setting that recipes do not accept.
    """
    return judge_one(gold, response, finish_reason, policy(kind, pattern, tolerance))


def policy(kind: str, pattern: str | None, tolerance: float | None) -> Verification:
    """Make a policy of this kind; None takes a default. Raises ValueError for a setting that no recipe accepts."""
    settings = {"answer_kind": kind, "response_pattern": pattern, "tolerance": tolerance}
    try:
        return _SETTINGS.validate_python({name: value for name, value in settings.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{first['loc'][0]} is {first['input']!r}: {first['msg'].lower()}") from error


def judge_one(gold: object, response: object, finish_reason: str, settings: Verification) -> Judgement:
    """Judge one response, as `toolkit.judge` describes it.

    Raises:
        ValueError: for a gold answer that is not of the policy's kind, or an unknown finish reason.
        RuntimeError: where the process that compares formulas ended by itself; the next call starts another.
    """
    row = (_text("gold", gold), _text("response", response), finish_reason)
    if problem := gold_problem(row[0], settings):
        raise ValueError(problem)
    judge = _judge(settings)
    if judge.quick(*row) is None:
        return _HELPER.judge(row, settings)
    return next(judge.judge([row]))


def _text(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{name} is {value!r}: it must be a text or a number")
    return str(value)


@lru_cache(_POLICIES)
def _judge(settings: Verification) -> Judge:
    return Judge(settings)


class _Helper:
    """The separate interpreter, which answers one question at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def forget(self) -> None:
        """Forget the interpreter in the child of a fork: it and the lock belong to the parent."""
        self._lock, self._process = threading.Lock(), None

    def judge(self, row: tuple[str, str, str], settings: Verification) -> Judgement:
        with self._lock:
            self._process = process = self._process or _start()
            try:
                print(json.dumps([row, asdict(settings)]), file=process.stdin, flush=True)
                answer = process.stdout.readline() if process.stdout else ""
            except BaseException:  # interrupted: this answer may still come, and would be taken for the next one
                self._stop(kill=True)
                raise
            if not answer:
                self._stop(kill=True)
                raise RuntimeError("the process that compares formulas ended by itself; call again")
        return Judgement(*json.loads(answer))

    def _stop(self, *, kill: bool = False) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        process.wait()

    def close(self) -> None:
        """End the interpreter, if it runs."""
        with self._lock:
            self._stop()


def _start() -> "subprocess.Popen[str]":
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    # A killed worker cannot report to the resource tracker, which then warns while it frees the worker's resources.
    calm = {"PYTHONWARNINGS": "ignore:resource_tracker:UserWarning", "PYTHONPATH": path}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "toolkit.verification.single"],  # -P: nothing of the caller's folder is imported
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | calm,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C is for the caller; when that ends, the pipe closes
    )


_HELPER = _Helper()
atexit.register(_HELPER.close)
os.register_at_fork(after_in_child=_HELPER.forget)


def _serve(questions: IO[str], answers: IO[str]) -> None:
    """Answer each line until the caller closes the pipe or ends."""
    judges: dict[Verification, Judge] = {}
    try:
        for line in questions:
            row, settings = json.loads(line)
            judge = _of(judges, Verification(**settings))
            print(json.dumps(next(judge.judge([tuple(row)]))), file=answers, flush=True)
    finally:
        for judge in judges.values():
            judge.close()


def _of(judges: dict[Verification, Judge], settings: Verification) -> Judge:
    """Give the judge of a policy, and close the oldest beyond `_SERVED`: each has a worker of its own."""
    if settings not in judges:
        if len(judges) >= _SERVED:
            judges.pop(next(iter(judges))).close()
        judges[settings] = Judge(settings)
    return judges[settings]


if __name__ == "__main__":
    _serve(sys.stdin, sys.stdout)
