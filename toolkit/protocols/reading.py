"""Reads questions out of completions: numbered, or in tags. What cannot be read is given with a reason, not guessed."""

import re
from collections.abc import Iterator, Sequence

from toolkit.teachers.completion import Completion

CUT, UNREADABLE = "cut", "unreadable"  # why a completion has no question in it: ended by its length, or built otherwise
PARAGRAPH = re.compile(r"\n\s*\n")


def collapsed(text: str) -> str:
    """Give a text with each run of white space as one space, and none around it; nothing else is changed."""
    return " ".join(text.split())


def numbered(texts: Sequence[str]) -> str:
    """Write texts as a numbered list from 1 on, each on one line without a colon at its end."""
    return "\n".join(f"{number}. {collapsed(text).removesuffix(':')}" for number, text in enumerate(texts, 1))


def numbered_items(text: str, first: int) -> list[str]:
    """Give the items of a list that goes on from number `first`, each up to a blank line; none where it does not.

    Only the number that must come next begins an item, so that a question may have numbered lines of its own.
    """
    return [collapsed(PARAGRAPH.split(item)[0]) for item in _items(text, first)]


def _items(text: str, number: int) -> Iterator[str]:
    begin = _beginning(text, number, 0)
    while begin:
        number += 1
        following = _beginning(text, number, begin.end())
        yield text[begin.end() : following.start() if following else None].strip()
        begin = following


def _beginning(text: str, number: int, start: int) -> re.Match[str] | None:
    """Find the number of an item at the beginning of a line."""
    return re.compile(rf"^[ \t]*{number}[.)](?!\d)", re.MULTILINE).search(text, start)


def tagged(completion: Completion, tag: str) -> tuple[str, str]:
    """Give the text between `<tag>` and `</tag>`, and why there is none.

    A text that was cut, or has either tag not exactly once, is given as a whole, with the reason.
    """
    text = completion.text.strip()
    if completion.finish_reason != "stop":
        return text, CUT
    inner = re.fullmatch(rf".*<{tag}>(.*)</{tag}>.*", text, re.DOTALL)
    if inner is None or not inner[1].strip() or text.count(f"<{tag}>") != 1 or text.count(f"</{tag}>") != 1:
        return text, UNREADABLE
    return inner[1].strip(), ""
