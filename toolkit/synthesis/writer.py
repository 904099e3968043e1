"""The one writer of a run: rows into the journal, at once; flushes, reports and verdicts beside it, in threads."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from toolkit.prompt import Messages
from toolkit.synthesis.journal import AGAIN, Journal, Response
from toolkit.synthesis.spending import Prices
from toolkit.synthesis.tally import Tally
from toolkit.teachers.completion import Completion, TeacherError, Transient

Judge = Callable[[Sequence[Response]], int]  # how many of some responses are accepted

NOTHING_BUT_ERRORS = 32  # responses that came to nothing, and none that came to something, that end a run
PUBLISH_SECONDS = 0.25  # between flushes to the disk, each with a report
JUDGED_AT_ONCE = 256  # responses kept for the next look of the judge; it does not see what comes beyond them


class Writer:
    """Writes and counts what comes.

    What each try took is booked as it comes, whatever becomes of it. Rows without a response are held back until the
    first one with: a teacher that brings nothing but errors is not set up well, and its failures say nothing about the
    rows, which must then be asked for again.
    """

    def __init__(
        self, journal: Journal, report: Callable[[Tally], None], judge: Judge | None, prices: Prices | None
    ) -> None:
        self.tally = Tally()
        self._journal, self._report, self._judge, self._prices = journal, report, judge, prices
        self._begun = time.monotonic()
        self._failures: list[Response] | None = []  # held back; None once a response has come
        self._unjudged: list[Response] = []

    def book(self, messages: Messages, used: Completion | Transient, *, is_free: bool = False) -> float:
        """Count what a try at a prompt took; returns its cost, 0 without prices or where it `is_free`."""
        self.tally.prompt_tokens += used.prompt_tokens
        self.tally.completion_tokens += used.completion_tokens
        self.tally.requests += isinstance(used, Completion)
        if not self._prices or is_free:
            return 0.0
        counted = self._prices.of(used.prompt_tokens, used.completion_tokens)
        cost = self._prices.most(messages) if used.uncounted else counted
        self.tally.cost += cost
        return cost

    def note(self, row: Response) -> None:
        """Write a try that took tokens and is to be followed by another: it stands for no row."""
        self._journal.write(row._replace(error=f"{AGAIN}{row.error}"))

    def step(self, row: Response) -> None:
        """Write a step of a response that goes on."""
        self._write_failures()
        self._journal.write(row)

    def write(self, row: Response) -> None:
        """Write `row` before anything else is asked for.

        Raises:
            TeacherError: when nothing but errors has come.
            OSError: when the disk is full.
        """
        if self._failures is None:
            self._write(row)
        elif row.finish_reason != "error":
            self._write_failures()
            self._write(row)
        else:
            self._failures.append(row)
            if len(self._failures) >= NOTHING_BUT_ERRORS:
                raise _nothing_but_errors(self._failures)

    def end(self) -> None:
        """Write what was held back, and see that every row that was begun is written.

        Raises:
            TeacherError: when no response has ever come, in this run or before.
            RuntimeError: when a row is missing.
        """
        if self._failures and not self._journal.responses:
            raise _nothing_but_errors(self._failures)
        self._write_failures()
        if self.tally.sampled != self.tally.asked:
            raise RuntimeError(f"{self.tally.asked:,} rows were asked for and {self.tally.sampled:,} came back")

    def _write_failures(self) -> None:
        failures, self._failures = self._failures or [], None
        for row in failures:
            self._write(row)

    def _write(self, row: Response) -> None:
        self._journal.write(row)
        tally = self.tally
        tally.sampled += 1
        if row.finish_reason == "error":
            tally.errors[row.error.partition(":")[0]] += 1
            self._refuse_nothing_but_errors(row)
            return
        if self._judge and len(self._unjudged) < JUDGED_AT_ONCE:
            self._unjudged.append(row)

    def _refuse_nothing_but_errors(self, row: Response) -> None:
        """End a run whose steps come and whose responses never do: each would be paid for in vain."""
        count = self.tally.errors.total()
        if count >= NOTHING_BUT_ERRORS and not self._journal.responses:
            raise TeacherError(
                f"none of the first {count} responses came about, though steps of them did; the last: {row.error}. "
                "What came is kept. Correct what is named and run again: an edited protocol or another option is "
                "another source, whose responses are sampled anew; --retry-errors asks again in the same source"
            )

    async def publish(self) -> None:
        """Report what is written by now, once it is safe on the disk."""
        tally = self.tally
        tally.seconds = time.monotonic() - self._begun
        written = tally.snapshot()
        await asyncio.to_thread(self._journal.sync)
        self._report(written)

    async def judge(self) -> None:
        """Have the judge look at what came since its last look."""
        rows, self._unjudged = self._unjudged, []
        if rows and self._judge:
            self.tally.accepted += await asyncio.to_thread(self._judge, rows)
            self.tally.judged += len(rows)


async def often(act: Callable[[], Awaitable[None]]) -> None:
    """Do it again and again, with pauses, until cancelled."""
    while True:
        await asyncio.sleep(PUBLISH_SECONDS)
        await act()


def _nothing_but_errors(failures: Sequence[Response]) -> TeacherError:
    first = failures[0]
    if first.final and not first.step:  # it is the protocol's doing
        return TeacherError(
            f"none of the first {len(failures)} responses came about; the first: {first.error}. "
            "Nothing was recorded: correct the protocol and run again"
        )
    return TeacherError(
        f"{first.model} answered none of the first {len(failures)} requests; the first: {first.error}. "
        "Nothing was recorded: correct the teacher or the recipe and run again"
    )
