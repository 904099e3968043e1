"""What every teacher gives: completions, one per question, each drawn with its own seed."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Completion(NamedTuple):
    """One drawn answer; `finish_reason` is `stop` (the model ended it), `length` (cut) or `error` (none came)."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


class Teacher(Protocol):
    """Anything that completes questions."""

    def complete(self, questions: Sequence[str], seeds: Sequence[int]) -> Sequence[Completion]:
        """One completion per question, in their order; seeds lie in [0, 2^63)."""
