"""Answers to multiple choice: one letter from A to J, in a box or named in the text, never a word (`A dog`)."""

import re

_LETTER = re.compile(r"\s*(?:\\(?:text|math)[a-z]*\s*\{\s*|\*\*)?\(?\s*([A-Ja-j])\s*(?:[).:}*]|$)")
# `(C)`, or a letter behind "answer is"; `A` and `I` are words too and must not have another word behind them
_NAMED = re.compile(
    r"(?i:\b(?:answer|choice|option)\b\s*(?:is\b)?\s*:?)\s*\**\s*(?:([B-HJ])\b|([AI])\b(?!\s*[\w'’]))|\(([A-J])\)"
)


def letter_of(text: str) -> str | None:
    """The letter that `text` is: `C`, `(c)`, `C.`, `\\textbf{(C) } 12`, `C: a dog`; None for `A dog` and `K`."""
    match = _LETTER.match(text)
    return match[1].upper() if match else None


def extract_named(text: str) -> str | None:
    """The letter that stands last in parentheses or behind "answer is", "choice" or "option", or None."""
    found = None
    for match in _NAMED.finditer(text):
        found = match[1] or match[2] or match[3]
    return found
