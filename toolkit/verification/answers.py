"""Where a response's answer stands: in its last closed box, or where the recipe's pattern matches last."""

import re

from toolkit.boxed import all_boxed, extract_boxed

__all__ = ["all_boxed", "compile_pattern", "extract_boxed", "extract_match"]


def extract_match(text: str, pattern: re.Pattern[str]) -> str | None:
    """The one group of the pattern's last match in `text`, outer space dropped, or None."""
    found = None
    for match in pattern.finditer(text):
        found = match[1]
    return found.strip() or None if found else None


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A recipe's `response_pattern`.

    Raises:
        ValueError: unless it is a regular expression with exactly one group.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"response_pattern: {pattern!r} is no regular expression: {error}") from error
    if compiled.groups != 1:
        raise ValueError(f"response_pattern: {pattern!r} has {compiled.groups} groups; put one around the answer")
    return compiled
