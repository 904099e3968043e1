"""Takes a mathematical answer apart: matrices, unions, tuples, intervals, sets and bare lists into their parts."""

import re

from toolkit.verification.latex import split_top
from toolkit.verification.quantities import quantity_of

Parts = tuple[str, list[str]]  # the kind (empty: the parts have no order) and the parts

_MATRIX = re.compile(
    r"([(\[]\s*)?\\begin\s*\{([pbB]?matrix|smallmatrix|array)\}(?:\s*\[[a-z]\])?(?:\{[^{}]*\})?(.*)"
    r"\\end\s*\{\2\}(\s*[)\]])?"
)
_COMMA = r",(?=\s)|,(?!\d{3}(?!\d))"  # in a bare list a comma before three digits is a thousands mark
_VARIABLE = (
    r"(?:[a-zA-Z]|\\(?!(?:pi|infty)(?![a-z]))[a-z]+)'?(?:\s*_\s*\{[^{}]*\})?"
    r"(?:\s*\(\s*[a-zA-Z](?:\s*,\s*[a-zA-Z])*\s*\))?"
)
_BETWEEN = re.compile(rf"([^<>=]+?)(<|\\le(?![a-z]))\s*{_VARIABLE}\s*(<|\\le(?![a-z]))([^<>=]+)")
_BETWEEN_TURNED = re.compile(rf"([^<>=]+?)(>|\\ge(?![a-z]))\s*{_VARIABLE}\s*(>|\\ge(?![a-z]))([^<>=]+)")
_BESIDE = re.compile(rf"{_VARIABLE}\s*(<|>|\\[lg]e(?![a-z]))([^<>=]+)")
_BEHIND = re.compile(rf"([^<>=]+?)(<|>|\\[lg]e(?![a-z]))\s*{_VARIABLE}")
_TURNED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le"}
_RELATION = re.compile(r"[=<>]|\\(?:le|ge|ne|neq|equiv)(?![a-zA-Z])")


def is_relation(text: str) -> bool:
    """Say whether `text` is an equation or inequality."""
    return _RELATION.search(text) is not None


def as_interval(text: str) -> str:
    """Give `1 < x \\le 2` as `(1,2]`, `x \\ge 3` and `3 \\le x` as `[3,\\infty)`, and other text unchanged."""
    if between := _BETWEEN.fullmatch(text):
        return _interval(between[1], between[2], between[3], between[4])
    if turned := _BETWEEN_TURNED.fullmatch(text):
        return _interval(turned[4], turned[3], turned[2], turned[1])
    if beside := _BESIDE.fullmatch(text):
        return _ray(beside[1], beside[2])
    behind = _BEHIND.fullmatch(text)
    return _ray(_TURNED[behind[2]], behind[1]) if behind else text


def _interval(low: str, after_low: str, before_high: str, high: str) -> str:
    return f"{'(' if after_low in '<>' else '['}{low.strip()},{high.strip()}{')' if before_high in '<>' else ']'}"


def _ray(sign: str, end: str) -> str:
    """Give the interval of all that stands in the relation `sign` to `end`."""
    if sign in (">", r"\ge"):
        return _interval(end, sign, "<", "\\infty")
    return _interval("-\\infty", "<", sign, end)


def alone(text: str) -> Parts:
    """Give a text without parts as a list of one."""
    return "", [text]


def matrix(text: str) -> Parts | None:
    """Give the cells of a matrix, row by row; parentheses and brackets are the same, a determinant is no matrix."""
    match = _MATRIX.fullmatch(text)
    if match is None or bool(match[1]) != bool(match[4]):
        return None
    rows = [split_top(row, "&") for row in re.split(r"\\\\", match[3].strip().removesuffix("\\\\"))]
    return f"matrix of {[len(row) for row in rows]}", [cell for row in rows for cell in row]


def union(text: str) -> Parts | None:
    """Give the parts between `\\cup`, or the inequalities of a list of nothing else (`x < -1` or `x > 1`)."""
    parts = split_top(text, r"\\cup(?![a-zA-Z])")
    if len(parts) == 1:
        parts = split_top(text, ",")
        parts = parts if all(as_interval(part) != part for part in parts) else []
    return ("", parts) if len(parts) > 1 else None


def sequence(text: str) -> Parts | None:
    """Give the items of a tuple, interval, set or bare list, divided by commas or semicolons.

    An item with one `\\pm` stands for two, except in a tuple. Between semicolons `1,2` is the tuple `(1,2)`.
    """
    match = re.fullmatch(r"(\\\{|[(\[])(.*)(\\\}|[)\]])", text)
    if match and _closes_last(text):
        items = split_top(match[2], ";")
        items = items if len(items) > 1 else split_top(match[2], ",")
        if match[1] == "\\{":
            return "", _both_signs(items)
        return (match[1] + match[3], items) if len(items) > 1 else None
    items = [_as_tuple(item) for item in split_top(text, ";") if item]
    items = items if len(items) > 1 else split_top(text, _COMMA)
    signed = _both_signs(items)
    return ("", signed) if len(signed) > 1 and (len(signed) > len(items) or quantity_of(text).value is None) else None


def _as_tuple(item: str) -> str:
    """Give an item between semicolons: `1,2` as `(1,2)`, and `p=1,q=2` unchanged."""
    return f"({item})" if len(split_top(item, ",")) > 1 and not is_relation(item) else item


def _both_signs(items: list[str]) -> list[str]:
    return [value for item in items for value in (_signed(item) if item.count(r"\pm") == 1 else [item])]


def _signed(item: str) -> list[str]:
    """Give `1 \\pm x` with each of the two signs."""
    opposite = item.replace(r"\mp", "\0")
    return [
        opposite.replace(r"\pm", sign).replace("\0", other).removeprefix("+").strip()
        for sign, other in (("+", "-"), ("-", "+"))
    ]


def _closes_last(text: str) -> bool:
    """Say whether the bracket that opens `text` is closed by its last sign: `(1,2)`, not `(1),(2)`."""
    depth = 0
    marks = list(re.finditer(r"\\?[{}]|[(\[)\]]", text))
    for mark in marks:
        depth += 1 if mark[0][-1] in "([{" else -1
        if depth == 0:
            return mark.end() == len(text)
    return False
