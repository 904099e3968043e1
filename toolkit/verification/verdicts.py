"""The verdicts: failed > truncated > unparsable > rejected > leaked / accepted, of which the first that applies counts.

`leaked` is a right response that contains a held-out question; it does not train.
"""

from typing import Literal, NamedTuple

Verdict = Literal["failed", "truncated", "unparsable", "rejected", "leaked", "accepted"]
VERDICTS: tuple[Verdict, ...] = ("failed", "truncated", "unparsable", "rejected", "leaked", "accepted")


class Judgement(NamedTuple):
    """A verdict, the extracted answer, and whether an accepted response shows a wrong step (None: not checked)."""

    verdict: Verdict
    extracted: str | None
    wrong_step: bool | None
