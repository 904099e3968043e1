"""The answer of a response: the content of its last `\\boxed{}`, compared as normalised text and then as a number.

What is not covered: LaTeX expressions, intervals, sets and units. Two answers that differ only there count as different.
"""

import re
from decimal import Decimal
from fractions import Fraction

_BOX = re.compile(r"\\boxed\s*\{")
# Bounded digit counts: an answer of a million digits must not cost a quadratic conversion.
_NUMBER = re.compile(r"[+-]?(?:\d{1,60}(?:\.\d{0,60})?|\.\d{1,60})")
_THOUSANDS = re.compile(r"(?<![\d.,])[+-]?\d{1,3}(?:,\d{3})+(?![\d,])")
_RATIO = re.compile(r"([+-]?\d{1,60})\s*/\s*(\d{1,60})")
_MARKS = str.maketrans({"−": "-", "–": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\x00": None})


def extract_answer(text: str) -> str | None:
    """Content of the last closed `\\boxed{...}` of `text` (nested braces kept whole, outer space dropped), or None without one."""
    for opening in reversed(list(_BOX.finditer(text))):
        content = _until_closed(text, opening.end())
        if content is not None:
            return content.strip() or None
    return None


def _until_closed(text: str, start: int) -> str | None:
    depth = 1
    for match in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, start):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return text[start : match.start()]
    return None


def normalise_answer(answer: str) -> str:
    """`answer` without what never changes a value: outer space, dollar and percent-free decoration, thousands separators."""
    text = " ".join(answer.translate(_MARKS).split())
    text = text.strip("$").strip().removesuffix(".").strip()
    return _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)


def number_of(answer: str) -> Fraction | None:
    """The exact value of a plain integer, decimal or ratio of integers; None for anything else."""
    text = normalise_answer(answer)
    ratio = _RATIO.fullmatch(text)
    if ratio:
        return Fraction(int(ratio[1]), int(ratio[2])) if int(ratio[2]) else None
    return Fraction(Decimal(text)) if _NUMBER.fullmatch(text) else None


def same_answer(gold: str, answer: str) -> bool:
    """True when both are the same normalised text or the same exact number (`7.0` is `7`, `1,000` is `1000`, `2/4` is `0.5`)."""
    if normalise_answer(gold) == normalise_answer(answer):
        return True
    first = number_of(gold)
    return first is not None and first == number_of(answer)
