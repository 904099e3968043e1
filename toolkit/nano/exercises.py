"""Drills of the physics base: short questions of other set-ups and in other words than the pool's, worked and boxed.

They make the form of an answer cheap to learn: students are left with which steps a question asks for.
"""

import random
from collections.abc import Mapping

from toolkit.nano.tokenizer import ASSISTANT, USER
from toolkit.nano.workings import any_style
from toolkit.questions.physics import draw_numbers, open_paths
from toolkit.questions.physics_families import Family, path
from toolkit.questions.stream import split_of

EXERCISES: Mapping[str, Family] = {
    "stretches": Family(
        "kinematics",
        {"u": (2, 20), "t": (2, 9), "v": (2, 20), "n": (2, 9)},
        (path("h = u * t m", "q = v * n m", "s = h + q m"),),
        ("{u} m/s for {t} s, then {v} m/s for {n} s. Which distance?",),
    ),
    "start": Family(
        "kinematics",
        {"b": (2, 90), "v": (2, 20), "t": (2, 9)},
        (path("q = v * t m", "s = b + q m"),),
        ("{b} m behind it, then {t} s at {v} m/s. Which distance?",),
    ),
    "slowing": Family(
        "kinematics",
        {"v": (2, 20), "a": (2, 9), "t": (2, 9)},
        (path("g = a * t m/s", "w = u - g m/s"),),
        ("From {u} m/s it loses {a} m/s each second for {t} s. Which speed is left?",),
        {"u": "v + a * t"},
    ),
    "friction": Family(
        "dynamics",
        {"m": (2, 30), "a": (2, 9), "f": (2, 90)},
        (path("g = m * a N", "F = f + g N"),),
        ("Friction is {f} N. Which pull speeds {m} kg up by {a} m/s each second?",),
    ),
    "net": Family(
        "dynamics",
        {"m": (2, 20), "a": (2, 9), "f": (2, 90)},
        (path("g = F - f N", "a = g / m m/s^2"),),
        ("{F} N against {f} N drive {m} kg. Which gain each second?",),
        {"F": "m * a + f"},
    ),
    "push": Family(
        "dynamics",
        {"m": (2, 20), "v": (2, 9), "t": (2, 9)},
        (path("p = F * t Ns", "v = p / m m/s"), path("a = F / m m/s^2", "v = a * t m/s")),
        ("{F} N drive {m} kg for {t} s. Which speed?",),
        {"F": "m * v"},
    ),
    "loss": Family(
        "energy",
        {"F": (2, 40), "s": (2, 20), "q": (2, 90)},
        (path("W = F * s J", "E = W - q J"),),
        ("{F} N over {s} m, less {q} J of friction. Which energy is left?",),
    ),
    "shared": Family(
        "energy",
        {"P": (2, 20), "n": (2, 9), "t": (2, 9)},
        (path("P = E / t W", "p = P / n W"), path("k = n * t s", "p = E / k W")),
        ("{E} J in {t} s from {n} equal motors. Which power of one?",),
        {"E": "P * n * t"},
    ),
    "series": Family(
        "circuits",
        {"r": (2, 20), "s": (2, 20), "I": (2, 9)},
        (path("R = r + s ohm", "U = I * R V"), path("V = I * r V", "W = I * s V", "U = V + W V")),
        ("{I} A through {r} ohm and {s} ohm. Which voltage?",),
    ),
    "charge": Family(
        "circuits",
        {"I": (2, 9), "t": (2, 9), "R": (2, 30)},
        (path("I = Q / t A", "V = I * R V"),),
        ("{Q} C in {t} s through {R} ohm. Which voltage?",),
        {"Q": "I * t"},
    ),
    "pump": Family(
        "gases",
        {"p": (5, 60), "q": (5, 60), "v": (2, 9)},
        (path("P = p + q kPa", "E = P * v J"),),
        ("{p} kPa and {q} kPa more on {v} L. Which energy?",),
    ),
    "ripples": Family(
        "waves",
        {"w": (2, 12), "k": (2, 9), "t": (2, 12)},
        (path("d = n * w m", "v = d / t m/s"), path("f = n / t Hz", "v = f * w m/s")),
        ("{n} waves of {w} m pass in {t} s. Which speed?",),
        {"n": "k * t"},
    ),
    "tanks": Family(
        "heat",
        {"m": (2, 20), "n": (2, 20), "c": (2, 9)},
        (path("M = m + n kg", "Q = c * M kJ"), path("p = c * m kJ", "q = c * n kJ", "Q = p + q kJ")),
        ("{m} kg and {n} kg take {c} kJ per kg. Which heat?",),
    ),
    "cooling": Family(
        "heat",
        {"T": (2, 60), "k": (2, 9), "t": (2, 9)},
        (path("D = k * t K", "T = b - D °C"),),
        ("Oil of {b} °C loses {k} K each second for {t} s. Which temperature is left?",),
        {"b": "T + k * t"},
    ),
    "slide": Family(
        "optics",
        {"h": (2, 40), "k": (2, 9), "x": (2, 40)},
        (path("p = h * k cm", "H = p + x cm"),),
        ("A {h} cm image grows by {k} and then by {x} cm more. Which height?",),
    ),
}


def exercise(random_: random.Random, largest: int | None = None) -> str:
    """A drill on numbers of the `train` split with its worked answer, as in a chat."""
    family = random_.choice(tuple(EXERCISES.values()))
    given = draw_numbers(family, random_, largest)
    while split_of(tuple(given.values())) != "train":
        given = draw_numbers(family, random_, largest)
    question = random_.choice(family.wordings).format(**given)
    return f"{USER}{question}{ASSISTANT}{any_style(random_.choice(open_paths(family, given)), given, random_)}"
