"""Sampling to a budget: every (question, index) of the budget that the journal lacks, in large batches."""

import hashlib
import itertools
from collections.abc import Callable, Sequence

from toolkit.synthesis.journal import Journal, Response
from toolkit.teachers.completion import Teacher


def response_seed(sampling_seed: int, question_id: str, index: int) -> int:
    """The seed of one response in [0, 2^63): a hash, so that it depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{sampling_seed}:{question_id}:{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def missing(journal: Journal, question_ids: Sequence[str], budget: int) -> list[tuple[int, int]]:
    """(index, question position) of every response still to be sampled, index by index."""
    pairs = itertools.product(range(budget), range(len(question_ids)))
    return [(index, at) for index, at in pairs if not journal.has(question_ids[at], index)]


def sample(
    journal: Journal,
    questions: Sequence[tuple[str, str]],
    budget: int,
    teacher: Teacher,
    *,
    sampling_seed: int,
    batch_size: int,
    progress: Callable[[int], None],
) -> int:
    """Fill `journal` up to `budget` responses per question and return how many were sampled.

    Args:
        journal: open for writing.
        questions: (question id, text) in pool order.
        budget: responses per question, at least 1.
        teacher: draws the completions.
        sampling_seed: of the source.
        batch_size: responses drawn and written together; what a kill can cost.
        progress: called with the number of responses written so far.

    Raises:
        RuntimeError: when the teacher returns another number of completions than was asked for.
    """
    todo = missing(journal, [question_id for question_id, _ in questions], budget)
    for start in range(0, len(todo), batch_size):
        batch = [(index, *questions[at]) for index, at in todo[start : start + batch_size]]
        seeds = [response_seed(sampling_seed, question_id, index) for index, question_id, _ in batch]
        completions = teacher.complete([text for _, _, text in batch], seeds)
        if len(completions) != len(batch):
            raise RuntimeError(f"the teacher returned {len(completions)} completions for {len(batch)} requests")
        journal.append(
            Response(question_id, index, *completion, seed)
            for (index, question_id, _), completion, seed in zip(batch, completions, seeds, strict=True)
        )
        progress(start + len(batch))
    return len(todo)
