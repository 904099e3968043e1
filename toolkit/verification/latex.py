"""Brings the many ways to write the same LaTeX to one plain spelling, without ever changing a value."""

import re
import unicodedata

_SIGNS = str.maketrans(
    {
        "−": "-", "–": "-", "×": r"\times ", "⋅": r"\cdot ", "·": r"\cdot ", "÷": "/", "∕": "/", "⁄": "/",
        "π": r"\pi ", "∞": r"\infty ", "√": r"\sqrt ", "°": r"^\circ ", "º": r"^\circ ", "±": r"\pm ",
        "≤": r"\le ", "≥": r"\ge ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "≈": r"\approx ", "θ": r"\theta ",
        "½": r"\frac{1}{2}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "′": "'", "″": "''", "％": "%", "＝": "=",
        "μ": "µ", "Ω": "Ω", "Å": "Å", "（": "(", "）": ")", "，": ",", "：": ":",
    }
)  # fmt: skip
_POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_RULES = [
    (re.compile(pattern), by)
    for pattern, by in (
        (r">=", r"\\ge "),
        (r"<=", r"\\le "),
        (r"\\lbrack(?![a-zA-Z])", "["),
        (r"\\rbrack(?![a-zA-Z])", "]"),
        (
            r"\\(?:math(?:rm|bf|it|sf)|operatorname)\s*\{\s*(sin|cos|tan|cot|sec|csc|ln|log|lg|exp)\s*\}",
            r"\\\1 ",
        ),
        (r"\\math(?:rm|bf|it|sf)\s*\{\s*([ei])\s*\}", r"\1 "),
        (r"\\left\s*\\\{|\\bigl?\s*\\\{|\\lbrace(?![a-zA-Z])", r"\\{"),
        (r"\\right\s*\\\}|\\bigr?\s*\\\}|\\rbrace(?![a-zA-Z])", r"\\}"),
        (r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|textstyle|limits)(?![a-zA-Z])\s*", ""),
        (r"(?<![\d.,])(0|\d+(?=\{,\}(?!\d{3}(?!\d))))\{,\}(?=\d)", r"\1."),
        (r"(?<=\d)\s*(?:,\s?\\!|\{,\}|\\,|\\;|\\ |,\\,|,\\ |[\u202f\u2009\u00a0])\s*(?=\d{3}(?!\d))", ","),
        (r"(?<!\\)\\!", ""),
        (r"(?<![\d.,])(\d{1,3})((?: \d{3})+)(?![\d/,])", lambda match: match[1] + match[2].replace(" ", ",")),
        (r"\\\\\s*\[[^\]]{0,9}\]", r"\\\\"),
        (r"(?<!\\)\\(?:[,;: >]|q?quad(?![a-zA-Z])|hspace\{[^{}]*\})|~|[\u202f\u2009\u00a0]", " "),
        (r"\\(?:math(?:rm|bf|it|sf)|text(?:bf|it|rm|normal)|[mh]box|operatorname)\s*\{", r"\\text{"),
        (r"\\varnothing(?![a-zA-Z])|\\\{\s*\\\}", r"\\emptyset"),
        (r"\\(?:text)?color\s*\{[^{}]*\}|\\therefore(?![a-zA-Z])", ""),
        (r"\\langle(?![a-zA-Z])", "("),
        (r"\\rangle(?![a-zA-Z])", ")"),
        (r"\\(?:[dtc]|nice|s)frac(?![a-zA-Z])", r"\\frac"),
        (r"\\mathbb\s+([A-Z])", r"\\mathbb{\1}"),
        (r"\\[dt]binom(?![a-zA-Z])", r"\\binom"),
        (r"\\leq(?![a-zA-Z])", r"\\le"),
        (r"\\geq(?![a-zA-Z])", r"\\ge"),
        (r"\\(?:lt)(?![a-zA-Z])", "<"),
        (r"\\(?:gt)(?![a-zA-Z])", ">"),
        (r"\\%", "%"),
        (r"\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z]))|\\degree(?![a-zA-Z])", "°"),
        (r"\\frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}"),
        (r"\\frac\s*(\d)\s*(?=\{)", r"\\frac{\1}"),
        (r"(\\frac\s*\{[^{}]*\})\s*(\d|[a-z])", r"\1{\2}"),
        (r"\\frac\s+\{", r"\\frac{"),
        (r"\\sqrt\s*(\d|[a-zA-Z])", r"\\sqrt{\1}"),
        (r"\^\s*([-+]?\d+)", r"^{\1}"),
        (r"([\^_])\s*([^\s{\\])", r"\1{\2}"),
    )
]
_ASCII = re.compile(  # but not within a word or a `\\text{}`
    r"\\(?:text|math|operatorname|mbox)[a-z]*\s*\{[^{}]*\}|(?<![\\a-zA-Z])(?:(sqrt|pi|sin|cos|tan|ln|log|exp|theta|infty)|(infinity|inf|oo))(?![a-zA-Z])"
)
_BEFORE_PARENTHESIS = re.compile(r"(\\sqrt\s*(?:\[[^\[\]]*\])?|\^)\s*\(")
_MOST_PARENTHESES = 50
_TIGHT = re.compile(r"\s*([^\w\s.])\s*|(?<=[a-zA-Z])\s+(?=\d)|(?<=[\d)])\s+(?=[a-zA-Z])")
_TEXT = re.compile(r"\\text\s*\{((?:[^{}]|\{[^{}]*\})*)\}")


def plain(text: str) -> str:
    """Give `text` in one spelling: no dollar signs around it, no sizes, no spacing, optional braces written out.

    `\\text{...}` replaces every font, `°` every degree sign, `%` replaces `\\%`, and a comma every thousands mark.
    """
    text = "".join(mark for mark in text if (mark >= " " and unicodedata.category(mark) != "Cf") or mark in "\n\t")
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda match: "^{" + match[0].translate(_POWERS) + "}", text)
    text = _unwrap(" ".join(text.translate(_SIGNS).split()))
    text = _in_braces(_ASCII.sub(_command, text.replace("**", "^")))
    for rule, by in _RULES:
        text = rule.sub(by, text)
    return re.sub(r"(?<!\\)\.+$", "", " ".join(text.split())).strip()


def _command(word: re.Match[str]) -> str:
    return f"\\{word[1]} " if word[1] else r"\infty " if word[2] else word[0]


def _in_braces(text: str) -> str:
    """Give `\\sqrt(2+(x))^(1/2)` as `\\sqrt{2+(x)}^{1/2}`."""
    for _ in range(_MOST_PARENTHESES):
        match = _BEFORE_PARENTHESIS.search(text)
        end = _closing(text, match.end()) if match else None
        if match is None or end is None:
            break
        text = f"{text[: match.start()]}{match[1]}{{{text[match.end() : end]}}}{text[end + 1 :]}"
    return text


def _closing(text: str, start: int) -> int | None:
    """Say where the parenthesis that is open at `start` closes; None where it does not."""
    depth = 1
    for mark in re.finditer(r"[()]", text[start:]):
        depth += 1 if mark[0] == "(" else -1
        if depth == 0:
            return start + mark.start()
    return None


def _unwrap(text: str) -> str:
    """Remove math delimiters, around the text or inside it."""
    text = text[2:-2] if re.fullmatch(r"\*\*.*[^*]\*\*", text) else text
    text = re.sub(r"\\[()\[\]]", " ", text) if re.match(r"\\[(\[]", text) else text
    return re.sub(r"(?<!\\)\$", " ", text).strip().removesuffix(".").strip()


def tight(text: str) -> str:
    """Remove the spaces of plain text that mean nothing; those between digits stay (`5 1/2` is not `51/2`)."""
    return _TIGHT.sub(lambda match: match[1] or "", text)


def unwrap_text(text: str) -> str:
    """Put the content of every `\\text{...}` of plain text in its place."""
    return _TEXT.sub(r" \1 ", text).strip()


def words(text: str) -> tuple[str, bool] | None:
    """Give the words of plain text, and whether they can be nothing but words; None for text with anything else in it.

    Words come in lower case; a single letter keeps its case. Three bare letters or fewer (`ab`) can also be a product;
    `\\text{ab}`, `(C)` and `Monday` cannot.
    """
    bare = unwrap_text(text)
    if not re.fullmatch(r"\(?\s*[^\W\d_]+(?:[ .,'-]+[^\W\d_]+)*\s*[.)]*", bare):
        return None
    runs = re.findall(r"[^\W\d_]+", bare)
    joined = " ".join(runs)
    return joined.lower() if len(joined) > 1 else joined, bare != text or bare.startswith("(") or max(
        map(len, runs)
    ) > 3


def split_top(text: str, separator: str) -> list[str]:
    """Split `text` at the separators that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for match in re.finditer(r"\\[{}]|[(\[{]|[)\]}]|" + separator, text):
        mark = match[0].removeprefix("\\") if match[0] in (r"\{", r"\}") else match[0]
        if mark in ("(", "[", "{"):
            depth += 1
        elif mark in (")", "]", "}"):
            depth -= 1
        elif depth == 0:
            parts.append(text[start : match.start()])
            start = match.end()
    return [part.strip() for part in (*parts, text[start:])]
