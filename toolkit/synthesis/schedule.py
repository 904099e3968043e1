"""Which responses to ask for next, given what came back: rounds of draws, by the recipe's counting.

Nothing here reads a file, a clock or a teacher. A round asks for ranges of indices, one per question; the next is known
once all of a round has come. So the set of draws depends on the responses alone, never on which of them came first, and
a run that was killed asks for the same draws again.

A path is whatever the caller takes for one, any hashable; two accepted responses of the same path count once.
"""

import json
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from toolkit.recipe.sections import Ladder

Integers = NDArray[np.int64]
PathOf = Callable[[int, int], Hashable | None]  # question position, index -> path; None where it was not accepted


@dataclass(frozen=True)
class Round:
    """Draws to be made before the next ones are known: of question q the indices `start[q] <= index < stop[q]`.

    Attributes:
        budget: the rung that they serve. All rounds of a rung come before those of the next.
        start, stop: (questions,) draws of each question before and after. After the last round, `stop` is how many
            draws of each question the corpus is made of; whatever else a journal holds is none of it.
    """

    budget: int
    start: Integers
    stop: Integers

    @property
    def total(self) -> int:
        """How many responses the round asks for."""
        return int((self.stop - self.start).sum())

    def pairs(self) -> Iterator[tuple[int, int]]:
        """(question position, index) of each, index by index."""
        for index in range(int(self.start.min()), int(self.stop.max())):
            for position in np.flatnonzero((self.start <= index) & (index < self.stop)).tolist():
                yield position, index


@dataclass(frozen=True)
class StopDecision:
    """Whether a question, or the whole pool, was worth another round, and by which numbers.

    Attributes:
        position: of the question; None where the pool was decided on.
        draws, accepted, distinct: responses, accepted ones, and different paths that the decision rests on.
        expected_new_per_draw: new distinct accepted paths expected of the next round, per draw; in [0, 1].
        threshold: the recipe's `stop_below`.
        stopped: whether the first lies below the second.
    """

    scope: Literal["question", "pool"]
    position: int | None
    draws: int
    accepted: int
    distinct: int
    expected_new_per_draw: float
    threshold: float
    stopped: bool


def rounds(
    ladder: Ladder,
    questions: int,
    budget: int,
    path: PathOf,
    record: Callable[[StopDecision], None],
    most: Integers | None = None,
) -> Iterator[Round]:
    """The rounds that fill `questions` questions up to `budget`, by the ladder's `counting`.

    - `sampled`: a round per rung, the same number of draws for every question.
    - `accepted`: a question that still lacks k distinct accepted paths gets k more draws, at most `max_draws` in all.
    - `adaptive`: 4 draws each, then as many again, up to `budget`, as long as it pays; see `expected_per_draw`.

    Args:
        questions: how many, at least 1; they are named by position.
        budget: the largest rung to be filled, one of `ladder.budgets`.
        path: asked only for draws of rounds that were yielded before; by then they must have been made.
        record: called with every decision of `adaptive`, in order.
        most: (questions,) draws of each at most, where counting is `sampled`; None for `budget` of each.

    Raises:
        ValueError: for an adaptive rule that could never stop anything.
    """
    if ladder.counting == "adaptive":
        refuse_idle(ladder, questions, budget)
        return _adaptive(ladder, questions, budget, path, record)
    rungs = [rung for rung in ladder.budgets if rung <= budget]
    if ladder.counting == "accepted":
        return _accepted(rungs, ladder.max_draws, questions, path)
    return _sampled(rungs, np.full(questions, budget) if most is None else most)


def _sampled(rungs: Sequence[int], most: Integers) -> Iterator[Round]:
    drawn = np.zeros_like(most)
    for rung in rungs:
        stop = np.minimum(rung, most)
        yield Round(rung, drawn, stop)
        drawn = stop


def _accepted(rungs: Sequence[int], max_draws: int, questions: int, path: PathOf) -> Iterator[Round]:
    drawn = np.zeros(questions, int)
    found: list[set[Hashable]] = [set() for _ in range(questions)]
    for rung in rungs:
        while True:
            lacking = np.array([max(rung - len(paths), 0) for paths in found])
            # Never more than it lacks: even if all were new, none would go beyond the rung.
            round_ = Round(rung, drawn, np.minimum(drawn + lacking, max_draws))
            if not round_.total:
                break
            yield round_
            for position, index in round_.pairs():
                found[position] |= {path(position, index)} - {None}
            drawn = round_.stop


def matched_rounds(
    total: int, budget: int, shape: tuple[int, int], costs: Callable[[], Integers], guess: int, *, whole: bool
) -> Iterator[Round]:
    """The rounds that spend `total`, index by index and in each question by question: a larger total goes on.

    Args:
        total: samples or tokens, what the draws may take together.
        budget: the rung that they serve.
        shape: (questions, draws of each at most).
        costs: gives (questions, draws) what each response took, of those that the rounds so far asked for.
        guess: what a response takes at most, before any is there; so that few are asked for that are not needed.
        whole: whether the response that reaches the total is the last of the corpus, even if it goes beyond (tokens);
            else one that goes beyond is none of it (samples).
    """
    questions, begun, spent = shape[0], 0, np.zeros(0, np.int64)
    while begun < questions * shape[1] and (not begun or spent[-1] < total):
        left = total - int(spent[-1] if begun else 0)
        more = max(left // max(guess, 1), 1)
        until = min(begun + more, questions * shape[1])
        yield Round(budget, first_draws(begun, questions), first_draws(until, questions))
        begun, took = until, costs().T.reshape(-1)[:until]
        spent, guess = np.cumsum(took), max(guess, int(took.max()))
    kept = min(int(np.searchsorted(spent, total)) + 1, begun)
    kept -= int(not whole and spent[kept - 1] > total)
    yield Round(budget, first_draws(kept, questions), first_draws(kept, questions))


def first_draws(count: int, questions: int) -> Integers:
    """Give (questions,) draws of each question among the first `count`, index by index."""
    return np.full(questions, count // questions) + (np.arange(questions) < count % questions)


def _adaptive(
    ladder: Ladder, questions: int, cap: int, path: PathOf, record: Callable[[StopDecision], None]
) -> Iterator[Round]:
    drawn = np.zeros(questions, int)
    active = np.arange(questions)
    for draws, more in _doublings(cap):
        stop = drawn.copy()
        stop[active] = draws
        yield Round(cap, drawn, stop)
        drawn = stop
        if more:
            decisions = _decide(ladder, active.tolist(), draws, more, path)
            for decision in decisions:
                record(decision)
            stopped = np.array([decision.stopped for decision in decisions])
            active = active[np.broadcast_to(~stopped, active.shape)]  # the pool's one decision is every question's
        if not active.size:
            return


def refuse_idle(ladder: Ladder, questions: int, cap: int) -> None:
    """Refuse an adaptive rule that could never stop anything.

    The last decision comes before the last round; a rate that the draws until then cannot tell is never met.

    Raises:
        ValueError: naming `stop_below` and what it must be above.
    """
    together = questions if ladder.stop_scope == "pool" else 1
    least = min((1 / (draws * together + 2) for draws, more in _doublings(cap) if more), default=1.0)
    if ladder.stop_below <= least:
        raise ValueError(
            f"stop_below: {ladder.stop_below:g} can stop nothing within {cap} draws per question: before the last of "
            f"them no expectation lies below {least:.3g}. Raise it or the budget, or set stop_scope: pool"
        )


def _doublings(cap: int) -> Iterator[tuple[int, int]]:
    """(draws, how many more the next round brings): 4, 8, 16, ..., `cap`."""
    from toolkit.laws.coverage.forecast import FEWEST_DRAWS

    draws = min(FEWEST_DRAWS, cap)
    while draws < cap:
        more = min(draws, cap - draws)
        yield draws, more
        draws += more
    yield cap, 0


def expected_per_draw(frequencies: Integers, draws: int, more: int, responses: int) -> NDArray[np.float64]:
    """New distinct accepted paths expected of a further draw, on average over the next `more` draws of a question.

    Never less than 1 / (responses + 2), the chance of what was not seen in that many (Laplace's rule of succession).
    Good-Toulmin expects nothing where no path was seen exactly once, so 4 rejected responses would condemn a question
    that is merely hard. With the floor a threshold t is not met before 1/t - 2 responses: fewer cannot tell the rate.

    Args:
        frequencies: (..., draws) numbers of paths seen 1, 2, ..., draws times, of one question or summed over several.
        draws: so far, per question.
        more: 1 <= more <= draws.
        responses: that the frequencies were counted from.
    """
    from toolkit.laws.coverage.forecast import expected_new

    expected = expected_new(frequencies, draws, more) / (more * responses / draws)
    return np.maximum(expected, 1 / (responses + 2))


def _decide(ladder: Ladder, positions: Sequence[int], draws: int, more: int, path: PathOf) -> list[StopDecision]:
    from toolkit.laws.coverage.forecast import count_paths

    counts = count_paths([[path(position, index) for index in range(draws)] for position in positions])
    whole = ladder.stop_scope == "pool"
    parts = [counts.accepted, counts.distinct, counts.frequencies]
    accepted, distinct, frequencies = [part.sum(axis=0, keepdims=True) for part in parts] if whole else parts
    responses = draws * len(positions) if whole else draws
    expected = expected_per_draw(frequencies, draws, more, responses)
    names: list[int | None] = [None] if whole else [*positions]
    numbers = zip(names, accepted.tolist(), distinct.tolist(), expected.tolist(), strict=True)
    return [
        StopDecision(ladder.stop_scope, name, responses, kept, paths, rate, ladder.stop_below, rate < ladder.stop_below)
        for name, kept, paths, rate in numbers
    ]


def decision_lines(decisions: Sequence[StopDecision], question_ids: Sequence[str]) -> str:
    """The decisions as JSON lines, questions by their id; equal decisions give equal text."""
    lines = []
    for decision in decisions:
        row = asdict(decision)
        position = row.pop("position")
        name = {"question_id": None if position is None else question_ids[position]}
        lines.append(json.dumps({"scope": row.pop("scope")} | name | row, ensure_ascii=False) + "\n")
    return "".join(lines)
