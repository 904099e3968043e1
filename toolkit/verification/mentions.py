"""Whether a text mentions a known answer anywhere, not only as its own final answer."""

import re
from itertools import chain

from toolkit.boxed import all_boxed
from toolkit.verification.judge import Judge
from toolkit.verification.latex import plain
from toolkit.verification.numeric import is_quantity
from toolkit.verification.values import number_of

# A number that no letter or digit continues: `12` stands in `= 12.`, not in `112`, `12.5` or `x12`.
_NUMBER = re.compile(r"(?<![\w.,])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\w|[.,]\d)")
_FRACTION = re.compile(r"[-+]?\\frac\{\d+\}\{\d+\}|(?<![\w.,/])[-+]?\d+/\d+(?![\w/]|[.,]\d)")


def mentions(judge: Judge, gold: str, text: str) -> bool:
    """Say whether a text holds the gold answer, by the judge's own comparison.

    Compared are its boxes, the answer that the judge would cut out of it and, where the gold answer is a number or a
    quantity, every number and fraction between word boundaries. A formula is also looked for letter by letter, between
    word boundaries; a letter of multiple choice is not, since `A` is a word.

    Raises:
        ValueError: for a gold answer that is not of the judge's kind.
    """
    extracted = judge.extract(text)
    found = [*all_boxed(text), *([extracted] if extracted else [])]
    if judge.settings.answer_kind != "choice":
        if number_of(plain(gold)) is not None or is_quantity(gold):
            matches = chain(_NUMBER.finditer(text), _FRACTION.finditer(text))
            found += [match[0] for match in matches]
        elif re.search(rf"(?<!\w){re.escape(gold)}(?!\w)", text):
            return True
    return any(judge.same(gold, answer) for answer in dict.fromkeys(found))
