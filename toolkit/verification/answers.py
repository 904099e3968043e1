"""The answer of a response: the content of its last `\\boxed{}`, compared as normalised text and then as a number.

Not covered: LaTeX expressions, intervals, sets and units. Two answers that differ only there count as different.
"""

import re
from decimal import Decimal
from fractions import Fraction

_MARK = re.compile(r"\\boxed\s{0,8}\{|\\[^a-zA-Z]|[{}]", re.DOTALL)  # a box, an escaped sign, a brace
# Bounded digit counts: an answer of a million digits must not cost a quadratic conversion.
_NUMBER = re.compile(r"[+-]?(?:\d{1,60}(?:\.\d{0,60})?|\.\d{1,60})")
_THOUSANDS = re.compile(r"(?<![\d.,])[+-]?\d{1,3}(?:,\d{3})+(?![\d,])")
_RATIO = re.compile(r"([+-]?\d{1,60})\s*/\s*(\d{1,60})")
_MARKS = str.maketrans({"−": "-", "–": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\x00": None})


def extract_answer(text: str) -> str | None:
    """Content of the last closed `\\boxed{...}` (nested braces kept, outer space dropped), or None."""
    opened: list[tuple[bool, int]] = []  # of every brace not closed yet: is it a box, and where does its content start
    start, end = -1, -1
    for mark in _MARK.finditer(text):
        is_box = mark[0].startswith("\\boxed")
        if is_box or mark[0] == "{":
            opened.append((is_box, mark.end()))
        elif mark[0] == "}" and opened:
            was_box, begin = opened.pop()
            if was_box and begin > start:
                start, end = begin, mark.start()
    return text[start:end].strip() or None if start >= 0 else None


def normalise_answer(answer: str) -> str:
    """`answer` without what never changes a value: outer space, dollar signs, a last full stop, thousands commas."""
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
    """Whether both are the same normalised text or exact number (`7.0` is `7`, `1,000` is `1000`, `2/4` is `0.5`)."""
    if normalise_answer(gold) == normalise_answer(answer):
        return True
    first = number_of(gold)
    return first is not None and first == number_of(answer)
