"""The tokens of formulas in plain LaTeX, and which of them are variables."""

import re
from functools import lru_cache

_TOKEN = re.compile(r"\s*(\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d*)?|\d+\.?\d*|\.\d+|\\[a-zA-Z]+|[a-zA-Z+\-*/^_(){}\[\]|!°])")
_SIGNS = {r"\cdot": "*", r"\times": "*", r"\div": "/", r"\lvert": "|", r"\rvert": "|", r"\vert": "|", r"\ast": "*"}
_GREEK = re.compile(
    r"\\(?:alpha|beta|gamma|delta|(?:var)?epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|rho|sigma|tau|(?:var)?phi|chi|psi"
    r"|omega|Gamma|Delta|Theta|Lambda|Phi|Psi|Omega)"
)


class Undefined(Exception):
    """Raised where a formula cannot be read, or has no value in the reals at the point."""


@lru_cache(maxsize=4096)
def tokens_of(text: str) -> tuple[str, ...]:
    """Give the tokens of a formula in reverse, to be popped from the end.

    Raises:
        Undefined: for a character that belongs to no token.
    """
    tokens, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise Undefined
        tokens.append(_SIGNS.get(match[1], match[1]))
        place = match.end()
    return tuple(tokens[::-1])


def is_letter(token: str) -> bool:
    """Say whether a token is a variable: a Latin letter other than e and i, or a Greek one other than pi."""
    return (len(token) == 1 and token.isalpha() and token not in "ei") or _GREEK.fullmatch(token) is not None


def is_number(token: str) -> bool:
    """Say whether a token is a number in digits."""
    return token[:1].isdigit() or (token[:1] == "." and len(token) > 1)


@lru_cache(maxsize=8192)
def letters_in(text: str) -> frozenset[str]:
    """Give the letters that are variables in a formula."""
    try:
        return frozenset(token for token in tokens_of(text) if is_letter(token))
    except Undefined:
        return frozenset()
