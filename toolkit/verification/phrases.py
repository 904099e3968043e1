"""Removes what people write around a number with a unit: names and chains of `=`, "about", directions, commas."""

import re
from typing import NamedTuple

from toolkit.verification.latex import plain, split_top
from toolkit.verification.unit_spellings import spell_out, without_fonts
from toolkit.verification.vocabulary import words_of

_FONT = re.compile(r"\\(?:boldsymbol|bm|mathtt|texttt|textsf|emph|ensuremath|underline|mathbb|ce|textup)\s*\{")
_AROUND = re.compile(r"\([^()]*\)")
_BREAK = re.compile(
    r"\\q?quad(?![a-zA-Z])|\\\\(?![a-zA-Z])|(?<!\\)&|\n|\b(?:and|or)\b|\\(?:begin|land|lor|text\s*\{\s*,)"
)
_RULES = [
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\\hat\s*(?:\{\s*(?:\\?[a-zA-Z]+)?\s*\}|\\?[ijkxyz](?![a-zA-Z]))(?!\s*(?:_|=))", " "),
        (r"(?<!\\)\{\s*\}|\\(?:(?:math|text)?(?:rm|bf|it|sf|tt)|text)(?![a-zA-Z])", " "),
        (r"[℃℉]", lambda match: "°C" if match[0] == "℃" else "°F"),
        (r"(?<![\d.,])(-?)0(?:,|\{,\})(?=\d)", r"\g<1>0."),
        (r"(?<=\d)\{,\}(?=\d)", "."),
        (r"(?<=\()\s+|\s+(?=\))", ""),
        (r"\(?(?:to )?\d ?(?:s\.? ?f\b|sig\.? ?figs?\b|significant figures|d\.? ?p\b|decimal places)\.?\)?$", ""),
        (r"(?<![\d.,])(\d{1,15}),(\d{1,2}|\d{4,15})(?![\d.,])", r"\1.\2"),
    )
]
_LEAD = re.compile(
    r"(?i)\s*(?:(?:the\s+)?(?:final\s+)?answer\s*(?:is|:)|\\(?:approx|simeq|sim|cong|doteq)(?![a-zA-Z])|[=≃≅~]"
    r"|(?:approximately|approx\b\.?|about|roughly|around|circa|ca\.)\s)\s*"
)
_EQUAL = re.compile(r":?=|\\(?:approx|simeq|sim|cong|equiv|doteq)(?![a-zA-Z])|≃|≅|≡")
_RELATION = re.compile(r"[<>≠≈!]|\\(?:l[et]|g[et]|neq?|leq|geq|ll|gg|not|in|pm|mp)(?![a-zA-Z])|±|∓")
_ANCHORS = words_of(
    "east west north south northeast northwest southeast southwest eastward westward northward southward eastwards"
    " westwards northwards southwards up down upward upwards downward downwards left right leftward rightward forward"
    " forwards backward backwards inward inwards outward outwards radially horizontally vertically clockwise"
    " counterclockwise anticlockwise counter-clockwise anti-clockwise direction x-direction y-direction z-direction"
    " x-axis y-axis z-axis axis horizontal vertical approximately approx about"
)
_LINKS = words_of(
    "due to toward towards in from of with respect the a above below along x y z +x +y +z positive horizontal vertical"
    " direction"
)
_SUBSCRIPT = re.compile(r"_\s*(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\?[a-zA-Z0-9]+)")
_MARK = re.compile(r"\^\s*\{?\s*(?:\*|\\(?:prime|circ|ominus|ast|dagger|star))\s*\}?|[°'*]")
_ARGUMENT = re.compile(r"(?<=[a-zA-Z}|])\s*\([^()=]*\)")
_NAME = re.compile(
    r"(?:\\(?:[aA]lpha|[bB]eta|[gG]amma|[dD]elta|(?:var)?epsilon|zeta|eta|(?:var)?[tT]heta|iota|kappa|[lL]ambda|mu|nu"
    r"|[xX]i|[pP]i|(?:var)?rho|[sS]igma|tau|[uU]psilon|(?:var)?[pP]hi|chi|[pP]si|[oO]mega|ell|hbar|nabla|partial|vec"
    r"|hat|bar|d{1,4}ot|tilde|overline|overrightarrow|mathcal|mathscr|frac|cdot|text|[lr]?[vV]ert|mathring|colon"
    r")(?![a-zA-Z])|[a-zA-Z|/ {},()]|:\s*$)+"
)
_NO_NAMES = words_of(
    "log ln lg exp sqrt sin cos tan not no never half twice double minus negative less more greater than least most if"
    " min max is or and"
)


class EquationParts(NamedTuple):
    """The parts of an equation without its name, and whether it has one at its front."""

    parts: list[str]
    is_named: bool


def chain_of(text: str) -> EquationParts:
    """Give the parts of `F = ma = 5 N` that may be quantities, without its name; none if it states more than one.

    Each part is plain text, with no `\\text{}`, no "about", no direction at its end, and points for decimal commas.
    """
    text = _FONT.sub(r"\\text{", spell_out(text))
    flat = without_fonts(plain(text))
    for rule, by in _RULES:
        flat = rule.sub(by, flat)
    flat = without_direction(_lead(flat))
    flat = flat[1:-1] if _AROUND.fullmatch(flat) else flat
    parts = [part.strip() for part in _EQUAL.split(flat)]
    if _RELATION.search(flat) or "" in parts or (len(parts) > 2 and _states_several(text, parts)):
        return EquationParts([], False)
    if len(parts) > 1 and is_name(parts[0]):
        return EquationParts([_lead(part) for part in parts[1:]], True)
    return EquationParts(parts[:1] if len(parts) == 2 and is_name(parts[1]) else parts, False)


def _states_several(text: str, parts: list[str]) -> bool:
    """Say whether something separates one equation from the next: a comma, a line, "or"."""
    return bool(_BREAK.search(text)) or any(len(split_top(part, "[,;]")) > 1 for part in parts)


def _lead(text: str) -> str:
    """Remove an "about" or an equals sign from the front of a text."""
    while match := _LEAD.match(text):
        text = text[match.end() :]
    return text


def is_name(text: str) -> bool:
    """Say whether plain text names a quantity (`v_{avg}`, `\\Delta x`, `|F|`, `V_1/V_2`): no number, no power."""
    bare = _ARGUMENT.sub("", _MARK.sub("", _SUBSCRIPT.sub("", text)))
    if not _NAME.fullmatch(bare) or not re.search(r"[a-zA-Z]", bare):
        return False
    return _NO_NAMES.isdisjoint(re.findall(r"[a-z]+", bare.lower())) and len(split_top(bare, "[,;]")) == 1


def without_direction(text: str) -> str:
    """Remove from the end of a text which way (`east`, `to the left`, `30° north of east`) or how nearly."""
    words = text.split()
    count = len(words)
    while count > 1:
        word = words[count - 1].strip("(),.;:").lower()
        is_inch = word == "in" and (count == len(words) or words[count].strip("(").lower() not in ("the", "a"))
        if is_inch or not (word in _ANCHORS or (count < len(words) and word in _LINKS)):
            break
        count -= 1
    return " ".join(words[:count])
