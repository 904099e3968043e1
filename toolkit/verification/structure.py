"""Takes a mathematical answer apart: matrices, unions, tuples, intervals, sets and bare lists into their parts."""

import re

from toolkit.verification.latex import split_top
from toolkit.verification.quantities import quantity_of

Parts = tuple[str, list[str]]  # the kind (empty: the parts have no order) and the parts

_MATRIX = re.compile(r"\\begin\s*\{([pb]?matrix|array)\}(?:\{[^{}]*\})?(.*)\\end\s*\{\1\}")
_COMMA = r",(?=\s)|,(?!\d{3}(?!\d))"  # in a bare list a comma before three digits is a thousands mark
_BETWEEN = re.compile(r"([^<>=]+)(<|\\le(?![a-z]))\s*[a-zA-Z]\s*(<|\\le(?![a-z]))([^<>=]+)")
_BESIDE = re.compile(r"[a-zA-Z]\s*(<|>|\\[lg]e(?![a-z]))([^<>=]+)")
_RELATION = re.compile(r"[=<>]|\\(?:le|ge|ne|neq|equiv)(?![a-zA-Z])")


def is_relation(text: str) -> bool:
    """Whether `text` is an equation or inequality."""
    return _RELATION.search(text) is not None


def as_interval(text: str) -> str:
    """`1 < x \\le 2` as `(1,2]` and `x \\ge 3` as `[3,\\infty)`; other text as it is."""
    between, beside = _BETWEEN.fullmatch(text), _BESIDE.fullmatch(text)
    if between:
        left, right = "(" if between[2] == "<" else "[", ")" if between[3] == "<" else "]"
        return f"{left}{between[1].strip()},{between[4].strip()}{right}"
    if beside and beside[1] in (">", "\\ge"):
        return f"{'(' if beside[1] == '>' else '['}{beside[2].strip()},\\infty)"
    return f"(-\\infty,{beside[2].strip()}{')' if beside[1] == '<' else ']'}" if beside else text


def alone(text: str) -> Parts:
    """A text that is not made of parts: a list of one."""
    return "", [text]


def matrix(text: str) -> Parts | None:
    """The cells of a matrix, row by row; parentheses and brackets are the same, a determinant is no matrix."""
    match = _MATRIX.fullmatch(text)
    if match is None:
        return None
    rows = [split_top(row, "&") for row in re.split(r"\\\\", match[2].strip().removesuffix("\\\\"))]
    return f"matrix of {[len(row) for row in rows]}", [cell for row in rows for cell in row]


def union(text: str) -> Parts | None:
    """The parts between `\\cup`, or the inequalities of a list of nothing else (`x < -1` or `x > 1`)."""
    parts = split_top(text, r"\\cup(?![a-zA-Z])")
    if len(parts) == 1:
        parts = split_top(text, ",")
        parts = parts if all(as_interval(part) != part for part in parts) else []
    return ("", parts) if len(parts) > 1 else None


def sequence(text: str) -> Parts | None:
    """The items of a tuple, interval, set or bare list, or the two values behind one `\\pm`."""
    match = re.fullmatch(r"(\\\{|[(\[])(.*)(\\\}|[)\]])", text)
    if match and _closes_last(text):
        items = split_top(match[2], ",")
        if match[1] == "\\{":
            return "", items
        return (match[1] + match[3], items) if len(items) > 1 else None
    if r"\pm" in text and text.count(r"\pm") == 1:
        return "", [text.replace(r"\pm", sign).removeprefix("+") for sign in "+-"]
    items = split_top(text, _COMMA)
    return ("", items) if len(items) > 1 and quantity_of(text).value is None else None


def _closes_last(text: str) -> bool:
    """Whether the bracket that opens `text` is closed by its last sign: `(1,2)`, not `(1),(2)`."""
    depth = 0
    marks = list(re.finditer(r"\\?[{}]|[(\[)\]]", text))
    for mark in marks:
        depth += 1 if mark[0][-1] in "([{" else -1
        if depth == 0:
            return mark.end() == len(text)
    return False
