"""Reads `\\boxed{}`, for gold answers and responses alike."""

import re

# A box with its brace or without, an escaped sign, a brace.
_MARK = re.compile(r"\\{1,2}(?P<box>boxed|f(?:rame)?box)(?![a-zA-Z])\s{0,8}\{?|\\[^a-zA-Z]|[{}]", re.DOTALL)
# Where the content of a box without braces may end: with the formula, the sentence, or before a word.
_STOP = re.compile(
    r"\\[{}]|[{}]|\$|\\[)\]\\]|\n|\\(?:boxed|f(?:rame)?box|end)(?![a-zA-Z])|[.;:!?]+(?=\s|\*|$)|,(?=\s*$|\s+[^\d(\\-])|\s(?=[a-zA-Z]{2}|\*\*)|\*\*$"
)
_SIMPLE = re.compile(r"\\boxed\{([^{}\\]*)\}")  # the usual box, found without looking for braces
_BARE = re.compile(
    r"[-+.\d(|]|\\(?!boxed|fbox|framebox)[a-zA-Z{]|[a-zA-Z](?![a-zA-Z])"
)  # how a box without braces may begin
_LONGEST_BARE = 200

Span = tuple[int, int]


def extract_boxed(text: str) -> str | None:
    """Give the content of the last closed box, with nested braces and without outer space, or None; in linear time.

    Boxes are `\\boxed{...}`, `\\fbox{...}` and `\\framebox{...}`, each also without braces: `$\\boxed 2$`,
    `\\boxed\\text{7}`.
    """
    last = text.rfind("\\", 0, text.rfind("box") + 1)
    if last < 0:
        return None
    if simple := _SIMPLE.match(text, last):
        return simple[1].strip() or None
    spans = _spans(text, last) or _spans(text, 0)
    start, end = max(spans, default=(0, 0))
    return text[start:end].strip() or None


def all_boxed(text: str) -> list[str]:
    """Give the contents, in order, of all closed boxes that are not empty and hold no other box; in linear time."""
    spans = sorted(_spans(text, 0))
    starts = [start for start, _ in spans[1:]] + [len(text)]
    inner = (span for span, following in zip(spans, starts, strict=False) if span[1] <= following)
    return [content for start, end in inner if (content := text[start:end].strip())]


def _spans(text: str, place: int) -> list[Span]:
    """Say where the contents of the closed boxes begin and end, from `place` on."""
    opened: list[tuple[bool, int]] = []  # for each open brace: whether it is a box's, and where its content starts
    spans: list[Span] = []
    for mark in _MARK.finditer(text, place):
        is_box = mark["box"] is not None
        if mark[0].endswith("{") and mark[0] != "\\{":
            opened.append((is_box, mark.end()))
        elif is_box and (end := _end_of_bare(text, mark.end())):
            spans.append((mark.end(), end))
        elif mark[0] == "}" and opened:
            was_box, begin = opened.pop()
            if was_box:
                spans.append((begin, mark.start()))
    return spans


def _end_of_bare(text: str, start: int) -> int | None:
    """Say where the content of a box without braces ends; None without content (`write it in a \\boxed form`)."""
    if not _BARE.match(text, start):
        return None
    end = _first_stop(text, start, start + _LONGEST_BARE)
    return end if end is not None and any(mark.isalnum() for mark in text[start:end]) else None


def _first_stop(text: str, start: int, limit: int) -> int | None:
    depth = 0
    for stop in _STOP.finditer(text, start, limit):
        if stop[0] == "{":
            depth += 1
        elif stop[0] == "}" and depth:
            depth -= 1
        elif depth == 0 and stop[0] not in ("\\{", "\\}"):
            return stop.start()
    return len(text) if depth == 0 and len(text) <= limit else None
