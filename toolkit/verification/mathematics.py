"""Compares two mathematical answers: takes them apart into lists, tuples, matrices and quantities, and compares these.

The rules, and the reasons for some of them:

- Values are exact: `0.333` is not `1/3`, and a decimal is never a radical. (`numeric` has a tolerance.)
- A gold answer that is a finished number requires a finished number: `12` is neither `3+9` nor `\\sqrt{144}`, or an
  echo of the question would be right. A gold answer that is a formula may be written in any way that has its value.
- A mixed number is a number: `5\\frac{1}{2}` is `11/2`. `1e3` is 1000.
- Per cent is treated as by MATH's own graders, which drop the sign: `50` is `50\\%`; and so is its value, `0.5`.
- A unit that is left out is implied. Two that are written must convert: `5\\text{ m}` is `500\\text{ cm}`, and is not
  `5\\text{ s}`.
- `x = 5` is `5`, not `y = 5`. Any other equation can only be the same as an equation.
- `(1,2)` and `[1,2]` are ordered and differ; `\\{1,2\\}` and a bare `1, 2` have no order and are the same.
- An inequality is its interval: `x \\ge 3` is `[3,\\infty)`.
- A numeral in a base keeps its base: `1010_2` is neither `1010` nor `10`.

- An equation may be multiplied by a factor: `2x + 4y = 12` is `x + 2y = 6`.
- A chain is each of its members if they are equal: `\\frac14 = 0.25` is `0.25` and `\\frac14`, `6\\cdot 8 = 42` is
  nothing. Behind `\\approx` the rounded value may stand.
- A label only names the result: `AB:CD = 7:32` is `7:32`, `a+b = 12` is `12`; but in a gold answer small letters are
  variables, and `x+y = 12` is an equation.
- Names give an order to values without names: `x = 1, y = 2` is `1, 2` and `(1,2)`, not `2, 1`.
- Semicolons divide like commas, and `1;2` between them is a tuple. `1 \\pm x` is two values.
- Several boxes are one list where they have exactly the parts of a gold list.

Some forms are not read, and count as different unless the text is the same: `|x| > 1` for its interval, set-builder
notation, and two units in one quantity (`7 feet 6 inches`).
"""

import re
from fractions import Fraction
from itertools import accumulate, pairwise

from toolkit.boxed import all_boxed, extract_boxed
from toolkit.recipe.sections import Verification
from toolkit.verification.chains import Chain, chains_of, comes_near, rounds_to
from toolkit.verification.expressions import differ
from toolkit.verification.latex import plain, tight, unwrap_text, words
from toolkit.verification.quantities import Quantity, in_radians, quantity_of, split_name, unit_ratio
from toolkit.verification.structure import Parts, alone, as_interval, is_relation, matrix, sequence, union
from toolkit.verification.values import decimal_of, is_float_of

Pairs = tuple[tuple[str, str], ...]
SAME: Pairs = ()
COMPARED = "compared with the known answer as text, as an exact number, and as a formula (math-verify)"

_LONGEST = 1000  # characters of an answer that is taken apart; a longer one must be the same text
_DEEPEST = 40  # brackets inside brackets
_LONG_FLOAT = 16  # characters, at least, of a float that misses a decimal by its last bit
_MOST_ITEMS = 50
_ROUNDING = Fraction(1, 10**9)  # relative error of conversion factors
_APPROXIMATION = r"\approx"
_LETTER = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]")
_AND = re.compile(r"(?<=[^,\s]),?\s*(?:\\text\s*\{\s*(?:and|or)\s*\}|\b(?:and|or)\b)\s*(?=\S)")
_BASE = re.compile(r"[\dA-Za-z.]*\d[\dA-Za-z.]*\s*_\s*\{\s*\d+\s*\}")


def extract(text: str) -> str | None:
    """Give the last box of a response."""
    return extract_boxed(text)


def answer_to(gold: str, text: str) -> str | None:
    """Give the last box, or all boxes as a list where they have exactly the parts of the gold one."""
    last = extract_boxed(text)
    if last is None or text.find("box") == text.rfind("box"):
        return last
    return joined(gold, all_boxed(text)) or last


def compare_by(settings: Verification, gold: str, answer: str) -> Pairs | None:
    """Compare the answers; see `compare`, which no setting changes."""
    return compare(gold, answer)


def compare(gold: str, answer: str) -> Pairs | None:
    """Give None when the answers differ, `SAME` when they are the same, else pairs of formulas.

    The answers are then the same if the formulas of each pair are.
    """
    if gold == answer:
        return SAME
    first, second = decimal_of(gold), decimal_of(answer)
    if first is not None and second is not None:
        return SAME if first == second or (len(gold) > _LONG_FLOAT and is_float_of(gold, second)) else None
    if not _is_bounded(gold) or not _is_bounded(answer):
        return None
    return _compare(_spelled(gold), _spelled(answer))


def _is_bounded(text: str) -> bool:
    """Say whether a text is short enough, and its brackets not too deep, to be taken apart."""
    if len(text) > _LONGEST:
        return False
    depths = accumulate(1 if mark in "([{" else -1 for mark in text if mark in "()[]{}")
    return max(depths, default=0) <= _DEEPEST


def joined(gold: str, answers: list[str]) -> str | None:
    """Join several answers into a list that has exactly as many parts as the gold answer; None where it has not.

    A tuple is not a list: its parts have to stand in one answer.
    """
    text = ", ".join(dict.fromkeys(answers))
    items = sequence(_spelled(gold)) if _is_bounded(gold) and _is_bounded(text) else None
    if items is None or items[0]:
        return None
    parts = sequence(_spelled(text))
    return text if parts and not parts[0] and len(parts[1]) == len(items[1]) else None


def _spelled(text: str) -> str:
    """Write commas for "and" and "or", and take a number out of its `\\text{}` (`\\text{10 apples}`)."""
    text = plain(text)
    whole = re.fullmatch(r"\\text\{([^{}]*\d[^{}]*)\}", text)
    return _AND.sub(", ", whole[1].strip() if whole else text)


def _compare(gold: str, answer: str) -> Pairs | None:
    if _same_text(gold, answer):
        return SAME
    known = _same_words(gold, answer)
    if known is not None:
        return SAME if known else None
    if _APPROXIMATION in gold or _APPROXIMATION in answer:
        return _compare_chains(gold, answer)
    if not any(sign in text for sign in ("=", "\\in") for text in (gold, answer)):
        return _compare_parts(gold, answer)
    pairs = _compare_named(gold, answer)
    return pairs if pairs is not None else _compare_chains(gold, answer)


def _compare_named(gold: str, answer: str) -> Pairs | None:
    """Compare `x = 5` with `5` or another `x = 5`, and equations with each other."""
    (name, one), (own_name, other) = _named(gold), _named(answer)
    if name and own_name and tight(name) != tight(own_name):
        return ((gold, answer),) if _LETTER.search(one) and _LETTER.search(other) else None
    if _same_text(one, other):
        return SAME
    if bool(name) != bool(own_name) and _is_equation(other if name else one):
        chained = _compare_chains(gold, answer)
        return ((gold, answer),) if chained is None else chained  # `y = 2x` and `2x - y = 0`
    return _compare_parts(one, other)


def _named(text: str) -> tuple[str, str]:
    """Give the name in front of a value and the value; no name where it is part of the value too (`x = x^2`)."""
    name, value = split_name(text)
    return ("", text) if len(name) == 1 and name in _LETTER.findall(value) else (name, value)


def _is_equation(text: str) -> bool:
    return is_relation(text) and as_interval(text) == text


def _compare_chains(gold: str, answer: str) -> Pairs | None:
    """Compare the results that both stand for, where one is a chain or has a label in front."""
    own, others = _readings(gold, True), _readings(answer, False)
    candidates = [
        (*known, *pairs, *more)
        for label, one, known in own
        for own_label, other, pairs in others
        if not (label and own_label and tight(label) != tight(own_label))
        and (gold, answer) != (one, other)
        and (more := _compare(one, other)) is not None
    ]
    return min(candidates, key=len, default=None)


def _readings(text: str, is_gold: bool) -> list[tuple[str, str, Pairs]]:
    """Give what a text may stand for: its label, a value, and the pairs of formulas that must then be the same."""
    chains = chains_of(text, is_gold)
    readings = [reading for chain in chains for reading in _readings_of(chain)]
    return readings if chains else [("", text, SAME)]


def _readings_of(chain: Chain) -> list[tuple[str, str, Pairs]]:
    """Give the members of a chain, the last first, and its approximation; none where they contradict each other."""
    links = [_either_way(one, other) for one, other in pairwise(chain.equal)]
    last = chain.equal[-1:]
    if None in links or not all(comes_near(one, other) for one in last for other in chain.near):
        return []
    pairs = tuple(pair for link in links if link for pair in link)
    rounded = [near for near in chain.near[-1:] if all(rounds_to(one, near) for one in last)]
    return [(chain.label, value, pairs) for value in (*chain.equal[::-1], *rounded)]


def _either_way(one: str, other: str) -> Pairs | None:
    pairs = _compare(one, other)
    return _compare(other, one) if pairs is None else pairs


def _same_text(gold: str, answer: str) -> bool:
    return tight(gold) == tight(answer) or tight(unwrap_text(gold)) == tight(unwrap_text(answer)) != ""


def _letters(text: str) -> str:
    """Give the text without case, spaces and full stops, so that `4:30 p.m.` is `4:30 PM`."""
    return re.sub(r"\s|(?<=[a-zA-Z])\.", "", unwrap_text(text)).lower()


def _same_words(gold: str, answer: str) -> bool | None:
    """Say whether two answers in words are the same; None where neither is surely made of words."""
    one, other = words(gold), words(answer)
    if one and other:
        return one[0] == other[0] if one[1] or other[1] else None
    return False if (one and one[1]) or (other and other[1]) else None


def _compare_parts(gold: str, answer: str) -> Pairs | None:
    """Compare two answers that are built alike, part by part; None when they are built differently."""
    if is_relation(gold) != is_relation(answer):
        gold, answer = as_interval(gold), as_interval(answer)
    for split in (matrix, union, sequence):
        one, other = split(gold), split(answer)
        if one is None and other is None:
            continue
        one, other = one or alone(gold), other or alone(answer)
        if _are_named_in_order(one, other) or (not one[0] and _are_named_in_order(other, one)):
            return _all_in_order(one[1], other[1])
        if one[0] != other[0] or len(one[1]) != len(other[1]) or len(one[1]) > _MOST_ITEMS:
            return None
        return _all_in_order(one[1], other[1]) if one[0] else _all_in_any_order(one[1], other[1])
    if any(":" in text or _BASE.fullmatch(text) for text in (gold, answer)):
        return SAME if _letters(gold) == _letters(answer) else None  # times of day, ratios, base numerals: as texts
    if is_relation(gold) or is_relation(answer):
        return ((gold, answer),) if is_relation(gold) and is_relation(answer) else None
    return _compare_quantities(quantity_of(gold), quantity_of(answer))


def _are_named_in_order(one: Parts, other: Parts) -> bool:
    """Say whether `p=1, q=2` stands beside `1, 2` or `(1,2)`, whose order is then that of the names."""
    if one[0] or other[0] not in ("", "()") or not 1 < len(one[1]) == len(other[1]) <= _MOST_ITEMS:
        return False
    names = {re.sub(r"\s*_.*", "", split_name(part)[0], flags=re.DOTALL) for part in one[1]}
    return "" not in names and len(names) == len(one[1]) and not any(map(is_relation, other[1]))


def _all_in_order(gold: list[str], answer: list[str]) -> Pairs | None:
    results = [_compare(one, other) for one, other in zip(gold, answer, strict=True)]
    return None if None in results else tuple(pair for pairs in results if pairs for pair in pairs)


def _all_in_any_order(gold: list[str], answer: list[str]) -> Pairs | None:
    """Match each gold part with an answer part that is the same, else with the first that may be."""
    free, open_pairs = list(answer), list[tuple[str, str]]()
    for part in gold:
        matches = [(place, pairs) for place, other in enumerate(free) if (pairs := _compare(part, other)) is not None]
        if not matches:
            return None
        place, pairs = min(matches, key=lambda match: len(match[1]))
        open_pairs.extend(pairs)
        del free[place]
    return tuple(open_pairs)


def _compare_quantities(gold: Quantity, answer: Quantity) -> Pairs | None:
    ratio = unit_ratio(gold.unit, answer.unit)
    if ratio is None:
        return None
    if ratio != 1 and None in (gold.value, answer.value):
        gold, answer = in_radians(gold), in_radians(answer)
        return _compare_formulas(gold, answer) if not gold.unit and not answer.unit else None
    if gold.value is None:
        return _compare_formulas(gold, answer)
    if answer.value is None:
        return None
    if ratio != 1:
        off = answer.value * Fraction(ratio) - gold.value
        return SAME if abs(off) <= _ROUNDING * abs(gold.value) else None
    if gold.value in _percentages(answer, gold.unit) or answer.value in _percentages(gold, answer.unit):
        return SAME
    return SAME if is_float_of(gold.number, answer.value) else None


def _percentages(quantity: Quantity, unit: str) -> set[Fraction]:
    """Give the values of a number next to one with `unit`: next to a plain number, a percentage is also its value."""
    value = quantity.value or Fraction(0)
    return {value, value / 100} if quantity.unit == "%" and not unit else {value}


def _compare_formulas(gold: Quantity, answer: Quantity) -> Pairs | None:
    if tight(gold.number) == tight(answer.number):
        return SAME
    return None if differ(gold.number, answer.number) else ((gold.number, answer.number),)
