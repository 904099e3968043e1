"""Reads units, in LaTeX or plain, as a factor to base units and their powers. Names and prefixes are pint's.

A word that pint does not know (`apples`) is a unit of its own, so that equal words agree and others do not.

- All that follows `/` is in the denominator, up to the next parenthesis: `J/mol·K` is `J/(mol K)`.
- Capital letters matter in short names (`mW` is not `MW`, `Nm` is not `nm`), except where only one unit can be meant:
  `KPa`, `HZ`, `Kg`.
- The radian is a unit where the gold answer has none, and may be left out where it has one: `60 Hz` is not `60 rad/s`,
  `3 rad/s` is `3 s^{-1}`. A cycle (hertz), a count (becquerel), a gray and a sievert are distinguished in the same way.
"""

import math
import re
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, NamedTuple

from toolkit.verification.unit_spellings import one_spelling
from toolkit.verification.vocabulary import words_of

_POWER = r"(?:\s*\^\s*([-+]?(?:\d{1,2}(?:/\d|\.\d)?|\.\d))|([-+]?\d{1,2})(?![\d.]))?"
_TOKEN = re.compile(  # a name with its power, a parenthesis with its power, a sign, or anything else
    rf"\s*(?:(\^?°(?:\s*[CFK](?![a-zA-Z]))?|%|[^\W\d_]+(?:_[^\W\d_]+)*|\)){_POWER}|(1(?=\s*/)|[*/(])|(.))", re.DOTALL
)
_NO_UNITS = words_of(  # words that turn what stands before them into something else
    "and or nor not no but if plus minus times more less least most than to into at by on with without when where is"
    " are either neither between versus vs from half twice double above below over under up"
)
_SPELLINGS = {
    "°": "degree", "°C": "degC", "°F": "degF", "°K": "kelvin", "%": "percent", "Å": "angstrom", "mins": "min",
    "Min": "min", "pa": "Pa", "PA": "Pa", "EV": "eV", "AU": "astronomical_unit", "kmph": "kph", "kmh": "kph",
    "G": "G_si", "mG": "mG_si", "kG": "kG_si", "gauss": "G_si", "Gauss": "G_si", "decibel": "dB", "decibels": "dB",
    "Amps": "ampere", "Amp": "ampere", "amps": "ampere", "henries": "henry", "Henries": "henry", "kj": "kJ",
    "kw": "kW", "kv": "kV", "Pas": "Pa*s", "eVs": "eV*s", "Cal": "kcal",
    "rev": "turn", "revs": "turn", "revolution": "turn", "revolutions": "turn", "micron": "micrometer",
    "u": "amu", "rads": "rad", "kgs": "kg", "gms": "g", "gm": "g", "cms": "cm", "kms": "km", "kilohm": "kohm",
    "kilohms": "kohm", "Kohm": "kohm",
}  # fmt: skip
_ANY_CASE = {  # where letters of either case can mean one unit only
    name.lower(): name
    for name in words_of(
        "Hz Pa eV kg cm km mol atm rad sec hr mph psi rpm ft lb torr bar deg cal kcal BTU Wh kWh ohm mmHg"
    )
}
_PRODUCT = re.compile(r"([kMGmµn]?)([NJWVAC])([ms])")  # `Nm` is not a nanometre
_MARKED = {"hertz": "cycle", "gray": "gray", "sievert": "sievert", "rem": "sievert"}
_LOOSE = frozenset({"radian", "cycle", "count", "gray", "sievert"})  # one of them may stand on one side alone
_OFFSETS = {"degC": 273.15, "degF": 459.67 * 5 / 9}  # kelvin at zero
_LONGEST = 160
_LARGEST_POWER = 12
_LARGEST_EXPONENT = 150  # largest power of ten in the factor of one name with its power
_UNCONVERTED = frozenset({"am", "pm", "AM", "PM", "dB", "cycle", "cycles"})  # times of day, logarithms, counts


class Unit(NamedTuple):
    """`value * factor + offset` is the quantity in base units, whose powers `base` holds."""

    factor: float
    base: tuple[tuple[str, float], ...]
    offset: float = 0.0


def is_unit(text: str) -> bool:
    """Say whether `text` can be read as a unit."""
    return bool(_parts(text))


@lru_cache(maxsize=4096)
def unit_of(text: str) -> Unit | None:
    """Give the unit that `text` spells: `m/s^2`, `\\mathrm{~kJ} \\mathrm{~mol}^{-1}`, `square inches`, `^\\circ C`.

    None for anything else. A temperature that stands alone has its own zero; in `J/°C` it is a difference.
    """
    parts = _parts(text)
    if not parts:
        return None
    if len(parts) == 1 and parts[0][1] == 1 and parts[0][0] in _OFFSETS:
        factor, base = _named(parts[0][0])
        return Unit(factor, base, _OFFSETS[parts[0][0]])
    total, powers = 1.0, dict[str, float]()
    for name, power in parts:
        factor, base = _named(name)
        if abs(math.log10(factor) * power) > _LARGEST_EXPONENT:
            return None
        total *= factor ** float(power)
        for dimension, exponent in base:
            powers[dimension] = powers.get(dimension, 0.0) + exponent * float(power)
    return Unit(total, tuple(sorted((name, power) for name, power in powers.items() if power)))


def converts(gold: Unit, answer: Unit) -> bool:
    """Say whether a value in `answer` converts to `gold`: equal base powers, except for one angle or count.

    An angle (radian) may be missing from the answer, never from the gold unit; a count may be missing from either.
    """
    one, other = dict(gold.base), dict(answer.base)
    apart = [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)]
    if len(apart) != 1 or apart[0] not in _LOOSE:
        return not apart
    return abs(one.get("radian", 0.0)) == 1 and "radian" not in other if apart == ["radian"] else True


@lru_cache(maxsize=4096)
def _parts(text: str) -> list[tuple[str, Fraction]] | None:
    """Give names with their powers, or None when something stands there that belongs in no unit."""
    if len(text) > _LONGEST:
        return None
    opened: list[tuple[list[tuple[str, Fraction]], int]] = []  # what stands before each open parenthesis, and its sign
    parts, sign = list[tuple[str, Fraction]](), 1
    for name, power, bare_power, mark, other in _TOKEN.findall(one_spelling(text)):
        exponent = sign * Fraction(power or bare_power or 1)
        if (other and other not in "{} ") or abs(exponent) > _LARGEST_POWER or name.lower() in _NO_UNITS:
            return None
        if name == ")":
            if not opened:
                return None
            inner, (parts, outer) = parts, opened.pop()
            parts += [(unit, own * outer * exponent * sign) for unit, own in inner]
            sign = 1
        elif name:
            parts.append((re.sub(r"[\^\s]", "", name), exponent))
        elif mark == "(":
            opened.append((parts, sign))
            parts, sign = [], 1
        elif mark == "/":
            sign = -1
    return None if opened else [unit for name, power in parts for unit in _spelled(name, power)]


def _spelled(name: str, power: Fraction) -> list[tuple[str, Fraction]]:
    """Give a name as pint knows it; two names where two units are written as one."""
    name = _SPELLINGS.get(name, name)
    product = _PRODUCT.fullmatch(name)
    if product:
        name = f"{product[1]}{product[2]}*{product[3]}"
    return [(unit, power) for unit in name.split("*")]


@lru_cache(maxsize=4096)
def _named(name: str) -> tuple[float, tuple[tuple[str, float], ...]]:
    """Give the factor and base powers of one name."""
    import pint

    if name not in _UNCONVERTED:
        for spelling in _readings(name):
            try:
                factor, unit = _registry().get_base_units(spelling)
                parsed = _registry().parse_unit_name(spelling)
            except (pint.UndefinedUnitError, pint.DefinitionSyntaxError, AssertionError):  # the last for some letters
                continue
            powers = {str(base): float(power) for base, power in unit._units.items()}
            if marked := _MARKED.get(parsed[0][1] if parsed else ""):
                powers[marked] = 1.0
            return float(factor), tuple(sorted(powers.items()))
    return 1.0, ((_singular(name.lower()), 1.0),)


def _readings(name: str) -> list[str]:
    """Give the ways to read a name: as written, a long one in lower case, a short one as the one unit it can mean."""
    lower, rest = name.lower(), name[1:].lower()
    names = [name, *([lower] if len(name) > 3 else [])]
    if lower in _ANY_CASE:
        names.append(_ANY_CASE[lower])
    if name[0] == "K":
        names.append(f"k{name[1:]}")
    if rest in _ANY_CASE and name[0] in "kKMGTmµun":
        names.append(name[0].replace("K", "k") + _ANY_CASE[rest])
    return names


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(cache_folder=None)
    registry.define("dollar = [money]")
    registry.define("cents = 0.01 dollar")
    registry.define("M_sun = 1.98841e30 kg")
    registry.define("R_sun = 6.957e8 m")
    registry.define("L_sun = 3.828e26 W")
    registry.define("gauss_si = 1e-4 tesla = G_si")
    return registry
