"""The families of physics questions: what is drawn, how it is worded, and every path to the answer.

A path is worked steps `symbol = expression unit` over the stated numbers and earlier symbols; the last one is the
answer. Paths of a family are different physics, such as energy against kinematics, and always agree. A path is open
where all its values are positive integers up to `LARGEST_VALUE`; the first one is open in every question. Units are
those of the SI, with L and kPa (kPa L = J), cm in optics, and °C; `J/kg` stands for m^2/s^2, and 1 for no unit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from string import Formatter
from typing import NamedTuple

LARGEST_VALUE = 999
# What fills the places of a wording that are no numbers.
WORDS: Mapping[str, tuple[str, ...]] = {
    "body": ("cart", "sled", "boat", "wagon"),
    "part": ("lamp", "heater", "coil", "wire"),
    "gas": ("gas", "mix of gases"),
    "wave": ("rope", "cable"),
    "liquid": ("water", "oil", "milk", "juice"),
    "thing": ("candle", "doll", "card", "flower"),
}


class Step(NamedTuple):
    """`symbol` is `expression` (of + - * /, integers, stated numbers and earlier symbols), in `unit` (1: none)."""

    symbol: str
    expression: str
    unit: str


Path = tuple[Step, ...]


def path(*steps: str) -> Path:
    """Steps written as `symbol = expression unit`."""
    parts = (re.fullmatch(r"(\w+) = (\w+(?: [-+*/] \w+)*) (.+)", step) for step in steps)
    return tuple(Step(*part.groups()) for part in parts if part)


@dataclass(frozen=True)
class Family:
    """`draws` are inclusive ranges, `derived` follow from them; a wording states what stands in it in braces."""

    topic: str
    draws: Mapping[str, tuple[int, int]]
    paths: tuple[Path, ...]
    wordings: tuple[str, ...]
    derived: Mapping[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """The unit of the answer."""
        return self.paths[0][-1].unit

    @cached_property
    def stated(self) -> tuple[str, ...]:
        """The sorted names of the numbers that a question states."""
        slots = {name for _, name, _, _ in Formatter().parse(self.wordings[0]) if name}
        return tuple(sorted(slots - set(WORDS)))


FAMILIES: dict[str, Family] = {
    "speeding_up": Family(
        "kinematics",
        {"u": (2, 30), "k": (1, 10), "t": (2, 9)},
        (
            path("w = u + v m/s", "m = w / 2 m/s", "s = m * t m"),
            path("w = v - u m/s", "g = w / 2 m/s", "m = u + g m/s", "s = m * t m"),
            path("b = u * t m", "w = v - u m/s", "h = w * t m", "q = h / 2 m", "s = b + q m"),
        ),
        ("A {body} speeds up evenly from {u} m/s to {v} m/s in {t} s. How far does it go?",),
        {"v": "u + 2 * k"},
    ),
    "meeting": Family(
        "kinematics",
        {"u": (2, 20), "v": (2, 20), "t": (2, 9)},
        (
            path("w = u + v m/s", "t = d / w s", "s = u * t m"),
            path("w = u + v m/s", "t = d / w s", "q = v * t m", "s = d - q m"),
        ),
        ("Two {body}s {d} m apart meet at {u} m/s and {v} m/s. How far does the first one go?",),
        {"d": "(u + v) * t"},
    ),
    "momentum": Family(
        "dynamics",
        {"m": (2, 9), "u": (2, 20), "a": (2, 5), "t": (2, 6)},
        (
            path("g = v - u m/s", "a = g / t m/s^2", "F = m * a N"),
            path("p = m * u Ns", "q = m * v Ns", "d = q - p Ns", "F = d / t N"),
            path("g = v - u m/s", "d = m * g Ns", "F = d / t N"),
        ),
        ("A {m} kg {body} speeds up from {u} m/s to {v} m/s in {t} s. What force drives it?",),
        {"v": "u + a * t"},
    ),
    "towing": Family(
        "dynamics",
        {"m": (2, 30), "n": (2, 30), "a": (2, 6)},
        (
            path("M = m + n kg", "F = M * a N"),
            path("f = m * a N", "g = n * a N", "F = f + g N"),
        ),
        ("A {m} kg {body} tows a {n} kg {body}. Both gain {a} m/s each second. What force drives them?",),
    ),
    "braking": Family(
        "energy",
        {"m": (2, 99), "a": (2, 5), "t": (2, 8)},
        (
            path("h = v / 2 m/s", "t = s / h s", "a = v / t m/s^2", "F = m * a N"),
            path("b = v * v / 2 J/kg", "E = m * b J", "F = E / s N"),
            path("b = v * v / 2 J/kg", "a = b / s m/s^2", "F = m * a N"),
        ),
        ("A {m} kg {body} at {v} m/s brakes and stops after {s} m. What is the braking force?",),
        {"v": "a * t", "s": "v * t / 2"},
    ),
    "power": Family(
        "energy",
        {"F": (2, 40), "v": (2, 9), "t": (2, 9)},
        (
            path("v = s / t m/s", "P = F * v W"),
            path("W = F * s J", "P = W / t W"),
        ),
        ("A motor pulls a {body} with {F} N over {s} m in {t} s. What is its power?",),
        {"s": "v * t"},
    ),
    "divider": Family(
        "circuits",
        {"r": (2, 20), "s": (2, 20), "I": (2, 9)},
        (
            path("R = r + s ohm", "I = U / R A", "V = I * s V"),
            path("R = r + s ohm", "I = U / R A", "W = I * r V", "V = U - W V"),
            path("R = r + s ohm", "k = R / s 1", "V = U / k V"),
        ),
        ("A {r} ohm and then a {s} ohm {part} are in series on {U} V. What is the voltage over the second?",),
        {"U": "(r + s) * I"},
    ),
    "lamps": Family(
        "circuits",
        {"a": (2, 6), "b": (2, 6), "U": (2, 15), "t": (2, 9)},
        (
            path("I = a + b A", "P = U * I W", "E = P * t J"),
            path("p = U * a W", "q = U * b W", "P = p + q W", "E = P * t J"),
            path("I = a + b A", "Q = I * t C", "E = U * Q J"),
        ),
        ("Two {part}s take {a} A and {b} A from {U} V for {t} s. What energy do they use?",),
    ),
    "compression": Family(
        "gases",
        {"p": (10, 60), "k": (2, 9), "w": (2, 9)},
        (
            path("k = v / w 1", "q = p * k kPa"),
            path("E = p * v J", "q = E / w kPa"),
        ),
        ("A {gas} at {p} kPa is squeezed from {v} L to {w} L, as warm as before. What is its pressure?",),
        {"v": "w * k"},
    ),
    "travelling_wave": Family(
        "waves",
        {"w": (2, 12), "f": (2, 20), "t": (2, 12)},
        (
            path("v = f * w m/s", "t = d / v s"),
            path("n = d / w 1", "t = n / f s"),
        ),
        ("A {wave} wave of {w} m and {f} Hz travels {d} m. How long does it take?",),
        {"d": "f * w * t"},
    ),
    "warming": Family(
        "heat",
        {"m": (2, 5), "c": (2, 3), "a": (5, 40), "D": (2, 30)},
        (
            path("D = b - a K", "C = c * m kJ/K", "Q = C * D kJ"),
            path("D = b - a K", "q = c * D kJ/kg", "Q = m * q kJ"),
            path("C = c * m kJ/K", "x = C * a kJ", "y = C * b kJ", "Q = y - x kJ"),
        ),
        ("{m} kg of {liquid} with {c} kJ per kg and K is warmed from {a} °C to {b} °C. What heat does it take?",),
        {"b": "a + D"},
    ),
    "mixing": Family(
        "heat",
        {"m": (2, 6), "n": (2, 6), "a": (5, 40), "k": (1, 3)},
        (
            path("D = b - a K", "M = m + n kg", "k = D / M K/kg", "g = n * k K", "T = a + g °C"),
            path("p = m * a kg °C", "q = n * b kg °C", "h = p + q kg °C", "M = m + n kg", "T = h / M °C"),
        ),
        ("{m} kg of {liquid} at {a} °C and {n} kg at {b} °C are mixed. What is the temperature?",),
        {"b": "a + (m + n) * k"},
    ),
    "lens": Family(
        "optics",
        {"f": (2, 20), "x": (2, 9), "h": (2, 40)},
        (
            path("x = g - f cm", "p = h * f cm^2", "H = p / x cm"),
            path("x = g - f cm", "k = f / x 1", "H = h * k cm"),
            path("x = g - f cm", "q = f * g cm^2", "b = q / x cm", "p = h * b cm^2", "H = p / g cm"),
        ),
        ("A {h} cm {thing} stands {g} cm from a lens of {f} cm. How tall is the image?",),
        {"g": "f + x"},
    ),
}
