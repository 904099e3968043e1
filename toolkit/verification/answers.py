"""Where a response's answer stands: in its last closed `\\boxed{}`."""

import re

_MARK = re.compile(r"\\boxed\s{0,8}\{|\\[^a-zA-Z]|[{}]", re.DOTALL)  # a box, an escaped sign, a brace


def extract_boxed(text: str) -> str | None:
    """Content of the last closed `\\boxed{...}` (nested braces kept, outer space dropped), or None; in linear time."""
    last = text.rfind("\\boxed")
    if last < 0:
        return None
    found = _last_closed(text[last:])
    return (_last_closed(text) if found is None else found) or None


def _last_closed(text: str) -> str | None:
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
    return text[start:end].strip() if start >= 0 else None
