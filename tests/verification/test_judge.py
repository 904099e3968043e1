"""The judge: order, streaming, what is killed, hostile text, threads, and workers that outlive nobody."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from toolkit.recipe.sections import Verification
from toolkit.verification.judge import Judge
from toolkit.verification.verdicts import Judgement

MATHEMATICS = Verification()
ENDLESS = "10^{10^{10}}"  # one bignum operation without end, which no signal handler interrupts


def boxed(answer: str) -> str:
    return f"so \\boxed{{{answer}}}."


@pytest.mark.parametrize(
    ("text", "reason", "judgement"),
    [
        ("\\boxed{7}", "stop", Judgement("accepted", "7", None)),
        ("\\boxed{7.0}", "stop", Judgement("accepted", "7.0", None)),
        ("\\boxed{8}", "stop", Judgement("rejected", "8", None)),
        ("7", "stop", Judgement("unparsable", None, None)),
        ("\\boxed{}", "stop", Judgement("unparsable", None, None)),
        ("\\boxed{7}", "length", Judgement("truncated", None, None)),
        ("\\boxed{7}", "error", Judgement("failed", None, None)),
    ],
)
def test_the_first_verdict_that_applies(text: str, reason: str, judgement: Judgement) -> None:
    with Judge(MATHEMATICS) as judge:
        assert list(judge.judge([("7", text, reason)])) == [judgement]
        assert judge.quick("7", text, reason) is (judgement.verdict == "accepted")


def test_steps_are_checked_of_accepted_responses_only() -> None:
    rows = [
        ("3", "1 + 1 = 3. \\boxed{3}", "stop"),
        ("3", "1 + 2 = 3. \\boxed{3}", "stop"),
        ("4", "1 = 3 \\boxed{3}", "stop"),
    ]
    with Judge(Verification(check_steps=True)) as judge:
        assert [judged.wrong_step for judged in judge.judge(rows)] == [True, False, None]


def test_unknown_reasons_and_golds_of_another_kind_are_refused() -> None:
    with (
        Judge(MATHEMATICS) as judge,
        pytest.raises(ValueError, match="finish_reason is 'stopped'; known: stop, length"),
    ):
        list(judge.judge([("1", "", "stopped")]))
    with Judge(Verification(answer_kind="numeric")) as judge, pytest.raises(ValueError, match="'blue' is not a number"):
        list(judge.judge([("blue", boxed("1"), "stop")]))
    with (
        Judge(Verification(answer_kind="choice")) as judge,
        pytest.raises(ValueError, match="'12' is not a letter from A"),
    ):
        list(judge.judge([("12", boxed("A"), "stop")]))


def test_the_policy_of_the_recipe_is_used() -> None:
    with Judge(Verification(answer_kind="numeric", tolerance=0.1)) as judge:
        assert judge.quick("9.8 m/s^2", boxed("1000 cm/s^2"), "stop") is True
        assert judge.quick("9.8 m/s^2", boxed("1000 m/s^2"), "stop") is False
    with Judge(Verification(answer_kind="choice")) as judge:
        assert judge.quick("C", "The answer is (C).", "stop") is True
    with Judge(Verification(response_pattern=r"#### (.+)")) as judge:
        assert judge.quick("7", "\\boxed{8} #### 7", "stop") is True


def test_rows_are_read_as_judgements_are_taken_and_come_in_order() -> None:
    read = 0

    def rows() -> Iterator[tuple[str, str, str]]:
        nonlocal read
        for read in itertools.count(1):
            formula = f"{read}+x" if read % 50 == 0 else f"{read}"
            yield (f"x+{read}" if read % 50 == 0 else "7"), boxed(formula), "stop"

    with Judge(MATHEMATICS) as judge:
        judged = list(itertools.islice(judge.judge(rows()), 600))
    assert [each.extracted for each in judged] == [f"{n}+x" if n % 50 == 0 else f"{n}" for n in range(1, 601)]
    assert [n for n, each in enumerate(judged, 1) if each.verdict == "accepted"] == [7, *range(50, 601, 50)]
    assert read < 1200


def test_no_process_starts_unless_a_formula_needs_one() -> None:
    with Judge(MATHEMATICS) as judge:
        list(judge.judge([("7", boxed("8"), "stop"), ("\\frac12", boxed("0.5"), "stop"), ("x", boxed("x"), "stop")]))
        assert judge._pool is None
        list(judge.judge([("x+1", boxed("1+x"), "stop")]))
        assert judge._pool is not None
    assert judge._pool is None


def test_a_comparison_without_end_is_killed_rejected_and_counted() -> None:
    rows = [
        ("\\sqrt{2}x", boxed(ENDLESS), "stop"),
        ("x+1", boxed("1+x"), "stop"),
        ("\\sqrt{2}x", boxed(ENDLESS), "stop"),
    ]
    with Judge(MATHEMATICS, seconds=1.0) as judge:
        assert [judged.verdict for judged in judge.judge(rows)] == ["rejected", "accepted", "rejected"]
        assert judge.killed == 2  # responses; the one comparison is cached


def test_several_boxes_are_the_parts_of_one_answer_and_no_guesses() -> None:
    rows = [
        ("1, -2", "\\boxed{1} and \\boxed{-2}", "accepted", "1, -2"),
        ("1, -2", "\\boxed{1}, then \\boxed{1, -2}", "accepted", "1, -2"),
        ("1, -2", "\\boxed{3} or \\boxed{1} or \\boxed{-2}", "rejected", "-2"),
        ("(1,2)", "x = \\boxed{1}, y = \\boxed{2}", "rejected", "2"),
        ("5", "\\boxed{5} or \\boxed{6}", "rejected", "6"),
        ("5", "$\\boxed 5$, $\\fbox{5}$", "accepted", "5"),
    ]
    with Judge(MATHEMATICS) as judge:
        judged = list(judge.judge((gold, text, "stop") for gold, text, *_ in rows))
        assert [(each.verdict, each.extracted) for each in judged] == [(verdict, found) for *_, verdict, found in rows]
        assert judge.quick("1, -2", "\\boxed{1} and \\boxed{-2}", "stop") is True
        assert judge.extract("\\boxed{1} and \\boxed{-2}") == "-2"


HOSTILE = {
    "tower": ENDLESS,
    "python tower": "9**9**9**9",
    "tower of braces": "9^{9^{9^{9}}}",
    "factorials": "((9!)!)!",
    "huge angle": "\\sin 10^{1000000}",
    "powers of powers": "2^{1000000}" + "^{1000000}" * 60,
    "sums": "\\sum_{k=1}^{10^{9}} \\frac{1}{k!}",
    "chain": "1=" * 300 + "1",
    "chains in tuples": "=".join(["(1=1,1=1)"] * 30),
    "semicolons": "1;" * 450,
    "nested tuples": "(1," * 200 + "1" + ")" * 200,
    "nested brackets": "(" * 200 + "1" + ")" * 200,
    "nested braces": "{" * 400 + "}" * 400,
    "nested roots": "\\sqrt{" * 200 + "x" + "}" * 200,
    "digits": "9" * 1_000_000,
    "factorial": "100000000!",
    "null bytes": "\x003\x00" * 100,
    "right to left": "‮3‬" * 100,
    "commas": "1," * 450,
    "code": "__import__('os').system('false')",
    "surrogate": "\ud800x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_gets_a_verdict(name: str) -> None:
    with Judge(MATHEMATICS, seconds=0.5) as judge:
        rows = [(gold, boxed(HOSTILE[name]), "stop") for gold in ("3", "\\sqrt{2}x+1", "(1,2)", "x=y")]
        assert [judged.verdict for judged in judge.judge(rows)] == ["rejected"] * 4
        assert judge.killed <= 4
    with Judge(Verification(answer_kind="numeric")) as judge:
        assert judge.quick("3 m", boxed(HOSTILE[name]), "stop") is False


def test_marks_that_print_nothing_change_no_answer() -> None:
    with Judge(MATHEMATICS) as judge:
        assert judge.quick("3", boxed("\x003‏"), "stop") is True


def test_several_threads_share_a_judge() -> None:
    """Compare in threads, where math-verify itself says False for everything."""
    with Judge(MATHEMATICS) as judge, ThreadPoolExecutor(6) as threads:

        def verdicts(start: int) -> list[str]:
            rows = [(f"x+{n}", boxed(f"{n + n % 2}+x"), "stop") for n in range(start, start + 12)]
            return [judged.verdict for judged in judge.judge(rows)]

        for results in threads.map(verdicts, range(0, 24, 4)):
            assert results == ["accepted", "rejected"] * 6


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.verification.judge._CACHE", 16)
    with Judge(MATHEMATICS) as judge:
        verdicts = [judged.verdict for judged in judge.judge((f"{n}", boxed(f"{n}.0"), "stop") for n in range(1000))]
        assert verdicts == ["accepted"] * 1000
        assert judge._same.cache_info().currsize == 16


SCRIPT = f"""
from toolkit.recipe.sections import Verification
from toolkit.verification.judge import Judge

if __name__ == "__main__":
    with Judge(Verification(), seconds=2.0) as judge:
        list(judge.judge([("x+1", "\\\\boxed{{1+x}}", "stop")]))
        print(*(worker.pid for worker in __import__("multiprocessing").active_children()), flush=True)
        list(judge.judge([("x+1", "\\\\boxed{{{ENDLESS}}}", "stop")] * 2))
"""


def test_a_busy_worker_is_gone_after_its_parent_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "judge.py"
    script.write_text(SCRIPT)
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        time.sleep(0.3)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 120  # the worker's limit is 2 s of processor time, however busy the machine
    while is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(worker)


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
