"""The verdicts there are: failed > truncated > unparsable > rejected / accepted, the first that applies."""

from typing import Literal, NamedTuple

Verdict = Literal["failed", "truncated", "unparsable", "rejected", "accepted"]
VERDICTS: tuple[Verdict, ...] = ("failed", "truncated", "unparsable", "rejected", "accepted")


class Judgement(NamedTuple):
    """A verdict, the answer cut out, and whether an accepted response shows a wrong step (None: not checked)."""

    verdict: Verdict
    extracted: str | None
    wrong_step: bool | None
