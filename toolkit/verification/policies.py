"""The policy of each kind of answer: how it is cut out of a response, and when it equals the gold answer."""

from collections.abc import Callable
from functools import cache
from typing import Protocol, cast

from toolkit.doors import ANSWER_KINDS, open_door
from toolkit.patterns import Pattern
from toolkit.recipe.sections import Verification
from toolkit.verification.mathematics import Pairs


class AnswerKind(Protocol):
    """A module of a kind of answer; it stands in `toolkit.doors.ANSWER_KINDS`."""

    def extract(self, text: str) -> str | None:
        """Give the answer in a response; None where it has none."""

    def answer_to(self, gold: str, text: str) -> str | None:
        """Give the answer to compare with a gold one: as `extract` does, but several boxes may be parts of a list."""

    def compare_by(self, settings: Verification, gold: str, answer: str) -> Pairs | None:
        """Give None where the answers differ, SAME, or pairs of formulas that are all the same if the answers are.

        Raises:
            ValueError: for a gold answer that is not of this kind.
        """

    @property
    def COMPARED(self) -> str:
        """Say how answers are compared, in words for a card, with `{tolerance}` where one is read."""


@cache
def answer_kind(name: str) -> AnswerKind:
    """Import the module of a name in `ANSWER_KINDS`."""
    return cast(AnswerKind, open_door(ANSWER_KINDS, name, "extract", "answer_to", "compare_by", "COMPARED"))


def extractor(settings: Verification) -> Callable[[str], str | None]:
    """Give the function that cuts the answer out of a response, by the recipe's pattern or the kind of answer.

    Raises:
        PatternError: for a pattern that is not a regular expression with one group; and, when the function is called,
            for a text on which the pattern takes too long.
    """
    if settings.response_pattern is not None:
        return Pattern(settings.response_pattern, "response_pattern").last
    return answer_kind(settings.answer_kind).extract


def answerer(settings: Verification) -> Callable[[str, str], str | None]:
    """Give the function that finds the answer to compare with a gold one, by the recipe's pattern or the kind.

    Raises:
        ValueError: as `extractor` does.
    """
    if settings.response_pattern is None:
        return answer_kind(settings.answer_kind).answer_to
    extract = extractor(settings)
    return lambda gold, text: extract(text)


def compare(gold: str, answer: str, settings: Verification) -> Pairs | None:
    """Compare two answers by the policy of their kind; see `AnswerKind.compare_by`."""
    return answer_kind(settings.answer_kind).compare_by(settings, gold, answer)
