"""New questions from seeds: a question-making protocol is called round by round until enough of them are kept.

Calls are rows of the journal as responses are, by the same engine, under the reserved question id `synthesis`. A round
is a fixed number of calls, which all read what earlier rounds kept: the result depends on no order of arrival. It is
sifted again from the journal in every run, so that another threshold asks nobody again for what is there.
"""

import functools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from toolkit.protocols.calls import call_protocol, read_questions
from toolkit.protocols.contract import NewQuestion, Question, QuestionProtocol, Seeds
from toolkit.recipe.sections import MOST_DRAWS
from toolkit.synthesis.candidates import Candidates, DroppedQuestion, RoundCounts, SynthesisedQuestion
from toolkit.synthesis.journal import REMEDY, Journal, JournalError, Response, read_journal
from toolkit.synthesis.sampler import missing, sample
from toolkit.synthesis.spending import Prices
from toolkit.synthesis.tally import Tally
from toolkit.teachers.completion import Teacher

SYNTHESIS = "synthesis"  # the question id of calls, which no seed may have
MOST_CALLS = MOST_DRAWS  # of one journal
BARREN = 32  # calls at least, whole rounds of them, that end the synthesis where they bring nothing


class SynthesisError(RuntimeError):
    """New questions that do not come about; the message names the counts and what to change."""


class FailedCall(NamedTuple):
    """A call without a result, and why."""

    call: int
    error: str


@dataclass(frozen=True)
class Synthesised:
    """What a synthesis came to.

    Attributes:
        questions: the ones kept, in order of round, call and place: those of a smaller number are its prefix.
        dropped: every other question that a call brought, with its reason.
        counts: one per round.
        stopped: why it ended before all were there (the largest cost); empty where they are.
        cost: what was asked for now has cost, in the currency of the prices.
    """

    questions: Sequence[SynthesisedQuestion]
    dropped: Sequence[DroppedQuestion]
    counts: Sequence[RoundCounts]
    failed: Sequence[FailedCall]
    stopped: str = ""
    cost: float = 0.0


def synthesise_questions(
    journal: Journal,
    seeds: Sequence[Question],
    teacher: Teacher,
    protocol: QuestionProtocol,
    *,
    wanted: int,
    held_out: Callable[[str], bool],
    sampling_seed: int,
    report: Callable[[Tally], None],
    attempts: int = 8,
    prices: Prices | None = None,
    max_cost: float | None = None,
    errors: bool = False,
) -> Synthesised:
    """Make new questions until `wanted` are kept; a call that the journal has is not made again.

    Args:
        journal: open for writing.
        seeds: in pool order.
        teacher: entered and left in each round that lacks a call.
        wanted: how many new questions, at least 1.
        held_out: says whether a text has a test or dev question in it, from `corpora.decontamination.leak_finder`.
        report: as in `sample`, with the counts of the round alone.
        attempts, prices, max_cost, errors: as in `sample`, for all rounds together.

    Returns:
        The questions, those dropped, and the counts. A round that the largest cost left unfinished is in none of them.

    Raises:
        SynthesisError: when what is kept of the last rounds is nothing, or so little that it would never be enough.
        ProtocolFault: for a filter that raises.
        ValueError: for no seeds, a seed with the reserved id, or `wanted` below 1.
        TeacherError, OSError, RuntimeError: as `sample` does.
    """
    _refuse(seeds, wanted)
    ask = functools.partial(
        sample,
        journal,
        teacher=teacher,
        sampling_seed=sampling_seed,
        report=report,
        attempts=attempts,
        prices=prices,
    )
    calls, candidates = _Calls(journal), Candidates(protocol, seeds, held_out, wanted)
    per_round, spent, stopped = protocol.calls_per_round or len(seeds), 0.0, ""
    while len(candidates.kept) < wanted and not stopped:
        indices = _next_round(candidates, per_round)
        if draws := list(missing(journal, ((SYNTHESIS, "", index) for index in indices), errors)):
            asked = call_protocol(protocol, Seeds(seeds, candidates.made()))
            left = None if max_cost is None else max_cost - spent
            tally = ask(draws=draws, protocol=asked, total=len(draws), max_cost=left, errors=errors)
            spent, stopped = spent + tally.cost, tally.stopped
        if not stopped:
            calls.sift(indices, candidates)
    return Synthesised(candidates.kept, candidates.dropped, candidates.counts, calls.failed, stopped, spent)


def _refuse(seeds: Sequence[Question], wanted: int) -> None:
    if not seeds or wanted < 1:
        raise ValueError(f"{wanted} new questions of {len(seeds)} seeds: there must be at least one of each")
    if any(seed.question_id == SYNTHESIS for seed in seeds):
        raise ValueError(f"a seed question has the id {SYNTHESIS!r}, which is that of calls; give it another id")


def _next_round(candidates: Candidates, per_round: int) -> range:
    """Give the calls of the next round.

    Raises:
        SynthesisError: where the rounds before it leave no hope, or a journal no room.
    """
    counts = candidates.counts
    start, lately = len(counts) * per_round, math.ceil(BARREN / per_round)
    if len(counts) >= lately:
        accepted = sum(count.accepted for count in counts[-lately:])
        lacking = candidates.wanted - len(candidates.kept)
        ahead = lacking * lately * per_round / accepted if accepted else math.inf
        if start + ahead > MOST_CALLS:
            raise SynthesisError(_hopeless(candidates, counts[-lately:], ahead))
    if start + per_round > MOST_CALLS:
        raise SynthesisError(
            f"{start + per_round:,} calls are more than a journal holds ({MOST_CALLS:,}); ask for less"
        )
    return range(start, start + per_round)


def _hopeless(candidates: Candidates, lately: Sequence[RoundCounts], ahead: float) -> str:
    there, dropped = len(candidates.kept), Counter[str]()
    for count in lately:
        dropped.update(count.dropped)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in dropped.most_common() if count) or "none came"
    calls, failed, total, kept = (sum(column) for column in zip(*(count[1:5] for count in lately), strict=True))
    more = f"about {ahead:,.0f} more calls would be needed, of {MOST_CALLS:,} at most; " if kept else ""
    return (
        f"protocol {candidates.protocol.name}: {kept:,} of {total:,} candidates of the last {calls:,} calls were kept "
        f"(dropped: {reasons}; {failed:,} calls failed), and {there:,} of {candidates.wanted:,} new questions are "
        f"there; {more}loosen what drops most, give more seeds, or ask for {max(there, 1):,} at most"
    )


class _Calls:
    """The calls that a journal has.

    Attributes:
        failed: those without a result, of the rounds that were sifted.
    """

    def __init__(self, journal: Journal) -> None:
        self.failed: list[FailedCall] = []
        self._journal, self._read = journal, 0  # bytes of it
        self._rows: dict[int, Response] = {}  # of rounds that are not sifted yet

    def sift(self, indices: range, candidates: Candidates) -> None:
        """Hand what the calls of a round brought to `candidates`."""
        for row in read_journal(self._journal.path, self._read):
            if row.question_id == SYNTHESIS and not row.pending:
                self._rows[row.index] = row
        self._read = self._journal.size
        rows = [self._rows.pop(index) for index in indices]
        failed = [FailedCall(row.index, row.error) for row in rows if row.failed]
        brought = [(row.index, self._questions(row)) for row in rows if not row.failed]
        candidates.take(len(candidates.counts), brought, len(failed))
        self.failed += failed

    def _questions(self, row: Response) -> list[NewQuestion]:
        try:
            return read_questions(row.text)
        except ValueError as error:
            raise JournalError(f"{self._journal.path}: call {row.index}: {error}; {REMEDY}") from error
