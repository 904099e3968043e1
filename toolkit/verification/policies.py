"""The policy of each kind of answer: how it is cut out of a response, and when it is the gold one."""

from collections.abc import Callable

from toolkit.boxed import all_boxed, extract_boxed
from toolkit.patterns import Pattern
from toolkit.recipe.sections import Verification
from toolkit.verification import mathematics
from toolkit.verification.choices import extract_choice, letter_of
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
    return extract_choice if settings.answer_kind == "choice" else extract_boxed


def answerer(settings: Verification) -> Callable[[str, str], str | None]:
    """What finds the answer to hold against a gold one: as `extractor` does, but several boxes may be parts of a list.

    Raises:
        ValueError: as `extractor` does.
    """
    extract = extractor(settings)
    if settings.answer_kind == "mathematics" and extract is extract_boxed:
        return _boxed_answer
    return lambda gold, text: extract(text)


def _boxed_answer(gold: str, text: str) -> str | None:
    last = extract_boxed(text)
    if last is None or text.find("box") == text.rfind("box"):
        return last
    return mathematics.joined(gold, all_boxed(text)) or last


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
