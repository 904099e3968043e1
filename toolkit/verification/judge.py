"""Judges responses against gold answers: simple comparisons at once, those of formulas in worker processes."""

from collections.abc import Iterable, Iterator
from concurrent.futures import TimeoutError as Late
from functools import lru_cache
from itertools import islice
from threading import Lock
from types import TracebackType

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from toolkit.recipe.sections import Verification
from toolkit.verification.formulas import open_pool, schedule
from toolkit.verification.mathematics import Pairs
from toolkit.verification.policies import answerer, compare, extractor
from toolkit.verification.steps import wrong_step
from toolkit.verification.verdicts import Judgement

_CHUNK = 256  # rows whose formulas are compared side by side
_CACHE = 1 << 16  # pairs of gold and answer
_REASONS = ("stop", "length", "error")


class Judge:
    """One policy, its cache of comparisons, and its worker processes, which start when a formula needs one.

    A context manager; its methods may be called from any thread. A script that uses it needs the usual
    `if __name__ == "__main__":`, since workers are spawned.

    Args:
        settings: kind of answer, pattern, tolerance, and whether steps are checked.
        workers: most processes.
        seconds: processor time that one comparison may take; after it the worker is killed and the answer rejected.

    Attributes:
        extract: cuts the answer out of a response's text; None where it has none.
        killed: responses rejected because their comparison was killed.

    Raises:
        ValueError: for a response pattern that is not a regular expression with one group.
    """

    def __init__(self, settings: Verification, workers: int = 1, seconds: float = 5.0) -> None:
        self.settings, self.killed = settings, 0
        self._workers, self._seconds = workers, seconds
        self.extract, self._answer, self._lock = extractor(settings), answerer(settings), Lock()
        self._pool: ProcessPool | None = None
        self._same = lru_cache(_CACHE)(self._start_comparison)

    def judge(self, rows: Iterable[tuple[str, str, str]]) -> Iterator[Judgement]:
        """Yield a judgement for each (gold answer, response, finish reason), in order; holds a few hundred rows.

        A finish reason is `stop`, `length` (the verdict is truncated) or `error` (failed).

        Raises:
            ValueError: for another finish reason, or a gold answer that is not of the policy's kind.
        """
        source = iter(rows)
        while chunk := list(islice(source, _CHUNK)):
            answers = [self._answer_from(gold, text, reason) for gold, text, reason in chunk]
            same = [
                self._same(gold, answer) if answer else False
                for (gold, _, _), answer in zip(chunk, answers, strict=True)
            ]
            for (_, text, reason), answer, outcome in zip(chunk, answers, same, strict=True):
                yield self._judgement(text, reason, answer, outcome)

    def quick(self, gold: str, text: str, finish_reason: str) -> bool | None:
        """Say whether a response is accepted, where that is known at once; None where it takes a worker process."""
        answer = self._answer_from(gold, text, finish_reason)
        pairs = self._compare(gold, answer) if answer else None
        return None if pairs else pairs is not None

    def same(self, gold: str, answer: str) -> bool:
        """Say whether an answer, without a text around it, equals a gold one.

        Raises:
            ValueError: for a gold answer that is not of the policy's kind.
        """
        outcome = self._same(gold, answer)
        return outcome if isinstance(outcome, bool) else self._settled(outcome)

    def close(self) -> None:
        """Stop the workers."""
        if self._pool:
            self._pool.stop()
            self._pool.join()
            self._pool = None

    def __enter__(self) -> "Judge":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _answer_from(self, gold: str, text: str, finish_reason: str) -> str | None:
        if finish_reason not in _REASONS:
            raise ValueError(f"finish_reason is {finish_reason!r}; known: {', '.join(_REASONS)}")
        return self._answer(gold, text) if finish_reason == "stop" else None

    def _compare(self, gold: str, answer: str) -> Pairs | None:
        return compare(gold, answer, self.settings)

    def _start_comparison(self, gold: str, answer: str) -> "bool | ProcessFuture[bool]":
        """Give the outcome, or its future where it takes math-verify; either one is cached."""
        pairs = self._compare(gold, answer)
        if not pairs:
            return pairs is not None
        with self._lock:
            self._pool = self._pool or open_pool(self._workers)
        return schedule(self._pool, pairs, self._seconds)

    def _judgement(
        self, text: str, finish_reason: str, answer: str | None, same: "bool | ProcessFuture[bool]"
    ) -> Judgement:
        if finish_reason != "stop":
            return Judgement("failed" if finish_reason == "error" else "truncated", None, None)
        if answer is None:
            return Judgement("unparsable", None, None)
        if not (same if isinstance(same, bool) else self._settled(same)):
            return Judgement("rejected", answer, None)
        return Judgement("accepted", answer, wrong_step(text, answer) if self.settings.check_steps else None)

    def _settled(self, future: "ProcessFuture[bool]") -> bool:
        try:
            return future.result()
        except (Late, ProcessExpired, MemoryError):
            with self._lock:
                self.killed += 1
            return False
