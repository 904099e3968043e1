"""Regular expressions of recipes: anybody may write them, for anybody's text, so they run under a limit of time.

Their syntax is that of Python's `re`; the package `regex` runs them, which can time out and be interrupted by Ctrl-C.
"""

import re

import regex

LONGEST = 1_000  # characters of an expression
SECONDS = 2.0  # time that the search of one text may take; a sound expression takes microseconds


class PatternError(ValueError):
    """An expression that cannot be used; the message names the recipe's key, the expression and the remedy."""


class Pattern:
    """A recipe's regular expression with its one group.

    Args:
        text: the expression.
        key: the recipe's key, which errors name.
        seconds: time that the search of one text may take.

    Raises:
        PatternError: unless it is a regular expression with exactly one group, and of ordinary length.
    """

    def __init__(self, text: str, key: str, seconds: float = SECONDS) -> None:
        self._named, self._seconds = f"{key}: {text[:200]!r}", seconds
        groups = self._groups(text)
        if groups != 1:
            raise PatternError(f"{self._named} has {groups} groups; put one around the answer")
        self._compiled = self._compile(text)

    def last(self, text: str) -> str | None:
        """Give the group of the last match in `text` without outer space; None where nothing matches or it is blank.

        Raises:
            PatternError: when it takes too long, as with an expression that backtracks for ever.
        """
        group = None
        try:
            for match in self._compiled.finditer(text, timeout=self._seconds):
                group = match[1]
        except TimeoutError as error:
            raise PatternError(
                f"{self._named} takes longer than {self._seconds:g} s on one text ({len(text):,} characters, "
                f"{text[:60]!r}); write it without repeats inside repeats, such as (a+)+"
            ) from error
        return group.strip() or None if group else None

    def _groups(self, text: str) -> int:
        if len(text) > LONGEST:
            raise PatternError(f"{self._named}... has {len(text):,} characters; write it with {LONGEST:,} at most")
        try:
            return re.compile(text).groups
        except (re.error, OverflowError, RecursionError) as error:
            raise PatternError(f"{self._named} is not a regular expression: {error}") from error

    def _compile(self, text: str) -> "regex.Pattern[str]":
        try:
            return regex.compile(text)
        except (regex.error, RecursionError) as error:
            raise PatternError(f"{self._named} is not a regular expression: {error}; write it more simply") from error
