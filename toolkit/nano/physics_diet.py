"""What the physics base reads beside answers: workings, facts, drills, and stories with units.

Stories are worded unlike the questions, of one or two steps. They are families of the same kind as in mathematics: an
expression, its ranges, and wordings with the work in them.
"""

import random
from collections.abc import Mapping

from toolkit.nano.exercises import exercise
from toolkit.nano.stories import story
from toolkit.nano.workings import any_style
from toolkit.questions.mathematics import Family
from toolkit.questions.physics import FAMILIES, draw_numbers, open_paths
from toolkit.questions.stream import split_of

# Share of the base model's documents, in hundredths; `answers` are questions with nothing but their answer.
SHARES: Mapping[str, int] = {
    "chains": 25, "exercises": 25, "facts": 20, "stories": 12, "long stories": 13, "answers": 5
}  # fmt: skip

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
FACTS = (
    Family("a + b", {"a": (2, 400), "b": (2, 200)}, ("{work}",)),
    Family("a - b", {"a": (4, 500), "b": (2, 300)}, ("{work}",)),
    Family("a * b", {"a": (2, 20), "b": (2, 60)}, ("{work}",)),
    Family("a / b", {"b": (2, 40), "each": (2, 30)}, ("{work}",), {"a": "b * each"}),
)
SOURCES: Mapping[str, tuple[Family, ...]] = {"stories": STORIES, "long stories": LONG_STORIES, "facts": FACTS}
# Short texts are read several at once: padding to the longest of a batch would be most of the work.
TOGETHER: Mapping[str, int] = {"stories": 3, "long stories": 2, "facts": 6}


def page(kind: str, families: tuple[str, ...], random_: random.Random, largest: int | None = None) -> str:
    """A text of one kind: `chains` (workings of the questions without them), `exercises`, `facts`, either `stories`."""
    if kind == "chains":
        return working(random_.choice(families or tuple(FAMILIES)), random_, largest)
    if kind == "exercises":
        return exercise(random_, largest)
    return "\n".join(story(random_.choice(SOURCES[kind]), random_, largest) for _ in range(TOGETHER[kind]))


def working(family: str, random_: random.Random, largest: int | None = None) -> str:
    """A path of `family` on numbers of the `train` split, in any style: a solution without its question."""
    given = draw_numbers(FAMILIES[family], random_, largest)
    while split_of(tuple(given.values())) != "train":
        given = draw_numbers(FAMILIES[family], random_, largest)
    return any_style(random_.choice(open_paths(FAMILIES[family], given)), given, random_)
