"""What the physics base reads beside bare workings: one- and two-step stories with units, worded unlike the questions.

They are families of the same kind as in mathematics: an expression, its ranges, and wordings with the work in them.
"""

import random
from collections.abc import Mapping

from toolkit.nano.stories import FACTS, story
from toolkit.nano.workings import worked
from toolkit.questions.mathematics import Family
from toolkit.questions.physics import FAMILIES, draw_numbers, open_paths
from toolkit.questions.stream import split_of

STORIES = (
    Family("a * b", {"a": (2, 20), "b": (2, 20)}, (
        "At {a} m/s for {b} s: {work} m.",
        "{a} kg that gain {b} m/s each second need {work} N.",
        "A wave of {a} m with {b} Hz goes {work} m/s.",
        "{a} A through {b} ohm need {work} V.",
        "{a} V and {b} A are {work} W.",
        "{a} W for {b} s are {work} J.",
        "A force of {a} N over {b} m does {work} J.",
        "{a} kg at {b} m/s have {work} Ns.",
    )),
    Family("a / b", {"b": (2, 20), "each": (2, 20)}, (
        "{a} m in {b} s are {work} m/s.",
        "{a} N drive {b} kg by {work} m/s^2.",
        "{a} V on {b} ohm send {work} A.",
        "{a} J in {b} s are {work} W.",
        "{a} kJ in {b} kg are {work} kJ/kg.",
        "{a} J over {b} m are {work} N.",
    ), {"a": "b * each"}),
    Family("a + b", {"a": (2, 99), "b": (2, 99)}, (
        "{a} ohm in series with {b} ohm: {work} ohm.",
        "{a} kg and {b} kg are {work} kg.",
        "{a} A join {b} A: {work} A.",
        "From {a} °C by {b} K up: {work} °C.",
    )),
    Family("a - b", {"a": (4, 99), "b": (2, 60)}, (
        "From {b} m/s to {a} m/s: {work} m/s.",
        "From {b} °C to {a} °C: {work} K.",
        "Of {a} J it loses {b} J. {work} J are left.",
        "{a} N against {b} N leave {work} N.",
    )),
)
LONG_STORIES = (
    Family("(a + b) * c", {"a": (2, 20), "b": (2, 20), "c": (2, 9)}, (
        "A force of {a} N and one of {b} N over {c} m: {work} J.",
        "{c} A through {a} ohm and {b} ohm in series need {work} V.",
    )),
    Family("a * b - c", {"a": (2, 20), "b": (2, 9), "c": (2, 40)}, (
        "{a} N over {b} m less {c} J of friction: {work} J.",
        "A pump of {a} W for {b} s loses {c} J. It gives {work} J.",
    )),
    Family("a * b + c", {"a": (2, 20), "b": (2, 9), "c": (2, 40)}, (
        "It had {c} m behind it, then {b} s at {a} m/s: {work} m.",
        "{b} kg that gain {a} m/s each second against {c} N need {work} N.",
    )),
    Family("(a - b) * c", {"a": (4, 40), "b": (2, 30), "c": (2, 9)}, (
        "{a} N against {b} N for {c} s: {work} Ns.",
        "{a} A and {b} A back for {c} s: {work} C.",
    )),
    Family("a * b / c", {"c": (2, 9), "each": (2, 12), "b": (2, 9)}, (
        "{a} N over {b} m in {c} equal parts: {work} J each.",
        "{b} boxes of {a} J last {c} s at {work} W.",
    ), {"a": "c * each"}),
    Family("a * b * c", {"a": (2, 9), "b": (2, 12), "c": (2, 9)}, (
        "Each of {a} lamps takes {b} W, and all burn for {c} s. The energy is {work} J.",
        "A train of {a} wagons with {b} kg each gains {c} m/s each second. The force is {work} N.",
    )),
    Family("(a - b) / c", {"b": (2, 30), "c": (2, 9), "each": (2, 9)}, (
        "A boat slows from {a} m/s to {b} m/s in {c} s. It loses {work} m/s each second.",
        "The water cools from {a} °C to {b} °C in {c} s. It loses {work} K each second.",
    ), {"a": "b + c * each"}),
    Family("a * b + c * d", {"a": (2, 20), "b": (2, 9), "c": (2, 20), "d": (2, 9)}, (
        "A heater gives {a} W for {b} s, a lamp {c} W for {d} s. Together it is {work} J.",
        "A wagon goes on at {a} m/s for {b} s, then for {d} s at {c} m/s. It goes {work} m.",
    )),
)
SOURCES: Mapping[str, tuple[Family, ...]] = {"stories": STORIES, "long stories": LONG_STORIES, "facts": FACTS}


def page(kind: str, families: tuple[str, ...], random_: random.Random, largest: int | None = None) -> str:
    """A text of one kind: `chains` (workings of the questions without them), `facts` or either kind of `stories`."""
    if kind == "chains":
        return working(random_.choice(families or tuple(FAMILIES)), random_, largest)
    return story(random_.choice(SOURCES[kind]), random_, largest)


def working(family: str, random_: random.Random, largest: int | None = None) -> str:
    """A path of `family` on numbers of the `train` split: no question, no box."""
    given = draw_numbers(FAMILIES[family], random_, largest)
    while split_of(tuple(given.values())) != "train":
        given = draw_numbers(FAMILIES[family], random_, largest)
    path = random_.choice(open_paths(FAMILIES[family], given))
    # On lines, too: else no symbol would ever begin one, and a student cannot learn a token that its base never read.
    return random_.choice((". ", "\n")).join(worked(path, given, random_, bare=random_.random() < 0.5))
