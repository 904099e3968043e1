"""Brings units as people write them to one spelling: siunitx macros, fractions, words, hyphens, and odd letters."""

import re

from toolkit.verification.latex import plain
from toolkit.verification.vocabulary import words_of

LONGEST = 300  # characters of a text that is read as a quantity
_DEEPEST = 4  # fractions inside fractions
_FLAT = r"((?:[^{}]|\{[^{}]*\})*)"  # what stands in braces, with braces of one more level
_QUANTITY = re.compile(rf"\\(?:qty|SI)\s*(?:\[[^\[\]]*\])?\s*\{{([^{{}}]*)\}}\s*\{{{_FLAT}\}}")
_OLD_QUANTITY = re.compile(rf"\\unit\s*\[([^\[\]]*)\]\s*\{{{_FLAT}\}}")
_UNIT = re.compile(rf"\\(?:unit|si)\s*(?:\[[^\[\]]*\])?\s*\{{{_FLAT}\}}")
_ANGLE = re.compile(r"\\ang\s*\{([^{};]*)\}")
_NUMBER = re.compile(r"\\num\s*(?:\[[^\[\]]*\])?\s*\{([^{}]*)\}")
_MACRO = re.compile(r"\\([a-zA-Z]+)\s*")
_BRACE = re.compile(r"\\text\s*\{|\\[^a-zA-Z]|[{}]")
_PREFIXES = words_of("pico nano micro milli centi deci deca hecto kilo mega giga tera peta femto atto")
_MACROS = {
    "per": " / ", "squared": "^2 ", "cubed": "^3 ", "tothe": "^", "square": "square ", "cubic": "cubic ", "of": " ",
    "degreeCelsius": "°C ", "celsius": "°C ", "degree": "° ", "percent": "% ",
}  # fmt: skip
_KEPT = words_of("mu Omega circ cdot times frac text mathrm AA")
_FRACTION = re.compile(r"\\(?:frac|nicefrac|sfrac|unitfrac)\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_RULES = [
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\\hat\s*(?:\{\s*(?:\\?[a-zA-Z]+)?\s*\}|\\?[a-zA-Z]+)|\\[ij]math(?![a-z])", " "),
        (r"\\(?:rm|bf|it|sf)(?![a-zA-Z])|\{\s*\}", " "),
        (r"(?:\\(?:up)?mu(?![a-z])|\\micro(?![a-zA-Z])|µ)[\s{]*", "µ"),
        (r"\*\*", "^"),
        (r"℃", "°C"),
        (r"℉", "°F"),
        (r"(?:(?<![a-zA-Z])([kKMGmµn])\s*)?(?:\\(?:Omega|ohm)(?![a-z])|Ω)", r" \1ohm "),
        (r"\\(?:AA|r\s*\{?A\}?|mathring\s*\{\s*A\s*\}|text\s*\{\s*\\AA\s*\})(?![a-z])|Å", " angstrom "),
        (r"\b([MRL])\s*_\s*\{?\s*(?:\\odot|☉|⊙)\s*\}?", r" \1_sun "),
        (r"\\hbar(?![a-zA-Z])", " hbar "),
        (r"\\(?:cdot|times|ast)(?![a-z])|[·⋅∙•]", "*"),
        (r"\\\$|\$", " dollar "),
        (r"\^\s*\{\s*([-+]?[\d./]+)\s*\}", r"^\1 "),
        (r"\[([^\[\]]*)\]", r"(\1)"),
    )
]
_WORDS = [
    (re.compile(pattern), by)
    for pattern, by in (
        (r"(?i)\bper\b", "/"),
        (r"(?i)\b([ap])\.\s?m\b\.?", r"\1m"),
        (r"(?i)\b(?:sq|square)\b\.?\s+([a-zA-Z]+)", r"\1^2 "),
        (r"(?i)\b(?:cu|cubic)\b\.?\s+([a-zA-Z]+)", r"\1^3 "),
        (r"(?i)([a-zA-Z])\s+squared\b", r"\1^2 "),
        (r"(?i)([a-zA-Z])\s+cubed\b", r"\1^3 "),
        (r"(?i)\b(?:(kilo|mega|giga|milli)[- ]?)?electron[- ]?volts?\b", r"\1electron_volt"),
        (r"\b(mm|cm|in)\s+(?:of\s+)?Hg\b", r"\1Hg"),
        (r"(?i)\b(milli|centi)met(?:er|re)s?\s+(?:of\s+)?mercury\b", r"\1meter_Hg"),
        (r"(?i)\binch(?:es)?\s+(?:of\s+)?mercury\b", r"inch_Hg"),
        (r"(?i)\b(kilo|mega|giga|milli|micro|nano|pico)[- ](?=[a-z]{3})", r"\1"),
        (r"(?i)\b(?:pounds?|lbs?)[- ]force\b", "lbf"),
        (r"(?i)\blight[- ]years?\b", "light_year"),
        (r"(?i)\bastronomical\s+units?\b", "astronomical_unit"),
        (r"(?i)\b(?:unified\s+)?atomic\s+mass\s+units?\b", "amu"),
        (r"(?i)\bparts\s*/\s*million\b", "ppm"),
        (r"(?i)\b(?:lbs?|pounds?)\s*/\s*(?:inch|in)\s*\^2", "psi"),
        (r"(?i)\b(ft|foot|feet|in|inch)\s*[-* ]\s*(?:lbs?|pounds?)\b", r"\1*lbf"),
        (r"(?i)\b(?:lbs?|pounds?)\s*[-* ]\s*(ft|foot|feet|in|inch)\b", r"lbf*\1"),
        (r"(?i)\bdeg(?:ree)?s?\.?\s+(?=(?:[CFK]|celsius|fahrenheit|kelvin)\b)", "°"),
        (r"(?i)°\s*celsius\b", "°C"),
        (r"(?i)°\s*fahrenheit\b", "°F"),
        (r"(?<=[a-zA-Z)])[-.](?=[a-zA-Z(])|(?<=[a-zA-Z]\d)\.(?=[a-zA-Z])", "*"),
        (r"\.(?=\s|$)|[,;:]\s*$|\b(?:of|the|a|an)\b", " "),
    )
]


def spell_out(text: str) -> str:
    """Write a text without siunitx: `\\qty{5}{\\meter\\per\\second}` becomes `5 \\text{meter / second}`."""
    if "\\" not in text:
        return text
    text = _ANGLE.sub(r"\1^\\circ ", _NUMBER.sub(r"\1", text))
    text = _OLD_QUANTITY.sub(lambda match: f"{match[1]} \\text{{{_named(match[2])}}}", text)
    text = _QUANTITY.sub(lambda match: f"{match[1]} \\text{{{_named(match[2])}}}", text)
    return _UNIT.sub(lambda match: f"\\text{{{_named(match[1])}}}", text)


def without_fonts(text: str) -> str:
    """Put the content of every `\\text{...}` of plain text in its place, however deep its braces."""
    opened = list[bool]()  # of every brace not closed yet: is it one of a font

    def replace(mark: re.Match[str]) -> str:
        if mark[0].endswith("{") and mark[0] != r"\{":
            opened.append(mark[0] != "{")
            return " " if opened[-1] else "{"
        return " " if mark[0] == "}" and opened and opened.pop() else mark[0]

    return _BRACE.sub(replace, text).strip()


def _named(macros: str) -> str:
    """Write a siunitx unit in words."""
    return _MACRO.sub(_name, macros.replace("~", " ")).strip()


def _name(match: re.Match[str]) -> str:
    name = match[1]
    if name in _KEPT:
        return match[0]
    return _MACROS.get(name, name if name in _PREFIXES else f"{name} ")


def one_spelling(text: str) -> str:
    """Write a unit as names, powers (`s^-2`, also broken), `*`, `/` and parentheses; other text stays unchanged."""
    text = without_fonts(plain(spell_out(text)))
    for rule, by in _RULES:
        text = rule.sub(by, text)
    for _ in range(_DEEPEST):
        text = re.sub(r"\\sqrt\s*\{([^{}]*)\}", r"(\1)^1/2 ", _FRACTION.sub(r"((\1)/(\2))", text))
    for rule, by in _WORDS:
        text = rule.sub(by, text)
    return text
