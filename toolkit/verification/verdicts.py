"""The verdict on one response: failed > truncated > unparsable > rejected / accepted, the first that applies."""

from typing import Literal, NamedTuple

from toolkit.verification.answers import extract_answer, same_answer
from toolkit.verification.steps import wrong_step

Verdict = Literal["failed", "truncated", "unparsable", "rejected", "accepted"]
VERDICTS: tuple[Verdict, ...] = ("failed", "truncated", "unparsable", "rejected", "accepted")


class Judgement(NamedTuple):
    """A verdict, the answer cut out, and whether an accepted response shows a wrong step (None: not checked)."""

    verdict: Verdict
    extracted: str | None
    wrong_step: bool | None


def judge(gold: str, text: str, finish_reason: str, *, check_steps: bool = False) -> Judgement:
    """Judge a response against the gold answer.

    Args:
        gold: the question's answer.
        text: the response, untrusted.
        finish_reason: `stop`, `length` (truncated) or `error` (failed).
        check_steps: also check the arithmetic of accepted responses; for solutions made of integer equalities.

    Raises:
        ValueError: for a finish reason that is none of these.
    """
    if finish_reason not in ("stop", "length", "error"):
        raise ValueError(f"finish_reason is {finish_reason!r}; known: stop, length, error")
    if finish_reason != "stop":
        return Judgement("failed" if finish_reason == "error" else "truncated", None, None)
    extracted = extract_answer(text)
    if extracted is None:
        return Judgement("unparsable", None, None)
    if not same_answer(gold, extracted):
        return Judgement("rejected", extracted, None)
    return Judgement("accepted", extracted, wrong_step(text, extracted) if check_steps else None)
