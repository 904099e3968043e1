"""The policy of each kind of answer: how it is cut out of a response, and when it is the gold one."""

from collections.abc import Callable

from toolkit.patterns import Pattern
from toolkit.recipe import Verification
from toolkit.verification import mathematics
from toolkit.verification.answers import extract_boxed
from toolkit.verification.choices import extract_named, letter_of
from toolkit.verification.mathematics import SAME, Pairs
from toolkit.verification.physics import is_quantity, same_quantity

Compare = Callable[[str, str, Verification], Pairs | None]


def extractor(settings: Verification) -> Callable[[str], str | None]:
    """What cuts the answer out of a response: the recipe's pattern, else the last box, or a named choice.

    Raises:
        PatternError: for a pattern that is no regular expression with one group; from what is returned, for a text on
            which the pattern takes too long.
    """
    if settings.response_pattern is not None:
        return Pattern(settings.response_pattern, "response_pattern").last
    return _extract_choice if settings.answer_kind == "choice" else extract_boxed


def _extract_choice(text: str) -> str | None:
    return extract_boxed(text) or extract_named(text)


def _compare_mathematics(gold: str, answer: str, settings: Verification) -> Pairs | None:
    return mathematics.compare(gold, answer)


def _compare_numeric(gold: str, answer: str, settings: Verification) -> Pairs | None:
    if not is_quantity(gold):
        raise ValueError(
            f"the gold answer {gold[:80]!r} is no number with or without unit, as answer_kind numeric needs"
        )
    return SAME if same_quantity(gold, answer, settings.tolerance) else None


def _compare_choice(gold: str, answer: str, settings: Verification) -> Pairs | None:
    wanted = letter_of(gold)
    if wanted is None:
        raise ValueError(f"the gold answer {gold[:80]!r} is no letter from A to J, as answer_kind choice needs")
    return SAME if letter_of(answer) == wanted else None


# None: the answers differ; SAME; or pairs of formulas, which are all the same if the answers are
COMPARE: dict[str, Compare] = {
    "mathematics": _compare_mathematics,
    "numeric": _compare_numeric,
    "choice": _compare_choice,
}
