"""The verdicts there are: failed > truncated > unparsable > rejected > leaked / accepted, the first that applies.

`leaked` is a right response with a held-out question in it; it is kept out of what trains.
"""

from typing import Literal, NamedTuple

Verdict = Literal["failed", "truncated", "unparsable", "rejected", "leaked", "accepted"]
VERDICTS: tuple[Verdict, ...] = ("failed", "truncated", "unparsable", "rejected", "leaked", "accepted")


class Judgement(NamedTuple):
    """A verdict, the answer cut out, and whether an accepted response shows a wrong step (None: not checked)."""

    verdict: Verdict
    extracted: str | None
    wrong_step: bool | None
