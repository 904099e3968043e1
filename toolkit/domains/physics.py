"""Procedural physics: 13 families with units, exact answers of at most three digits, and several solution paths.

The paths of a family use different physics, such as energy or kinematics, and always agree; the first one is open in
every question. Units are those of the SI, with L and kPa (kPa L = J), cm in optics, and °C; `J/kg` stands for m^2/s^2,
and 1 for no unit.

Tolerance policy: a gold answer is exact and its whole number is below 1,000, so a relative tolerance of .0005
(`answer_kind: numeric`) forgives rounding after a conversion of units and still distinguishes any two answers.
"""

import random
from collections.abc import Iterator, Mapping

from toolkit.domains import formulas
from toolkit.domains.domain import Domain, Page
from toolkit.domains.formulas import Family, draw_question, draw_training_numbers, path, solve_given
from toolkit.domains.stream import Question, stream
from toolkit.domains.word_problems import Story, story

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

# What the embedded base reads, in hundredths; `answers` are questions with nothing but their answer. Stories are worded
# unlike the questions. Drills (`exercises`) are short questions of other set-ups and in other words: they make the form
# of an answer cheap to learn, so that all that students still have to learn is which steps a question asks for.
SHARES: Mapping[str, int] = {
    "chains": 25, "exercises": 25, "facts": 20, "stories": 12, "long stories": 13, "answers": 5
}  # fmt: skip

# fmt: off
STORIES = (
    Story("a * b", {"a": (2, 20), "b": (2, 20)}, (
        "At {a} m/s for {b} s: {work} m.",
        "{a} kg that gain {b} m/s each second need {work} N.",
        "A wave of {a} m with {b} Hz goes {work} m/s.",
        "{a} A through {b} ohm need {work} V.",
        "{a} V and {b} A are {work} W.",
        "{a} W for {b} s are {work} J.",
        "A force of {a} N over {b} m does {work} J.",
        "{a} kg at {b} m/s have {work} Ns.",
    )),
    Story("a / b", {"b": (2, 20), "each": (2, 20)}, (
        "{a} m in {b} s are {work} m/s.",
        "{a} N drive {b} kg by {work} m/s^2.",
        "{a} V on {b} ohm send {work} A.",
        "{a} J in {b} s are {work} W.",
        "{a} kJ in {b} kg are {work} kJ/kg.",
        "{a} J over {b} m are {work} N.",
    ), {"a": "b * each"}),
    Story("a + b", {"a": (2, 99), "b": (2, 99)}, (
        "{a} ohm in series with {b} ohm: {work} ohm.",
        "{a} kg and {b} kg are {work} kg.",
        "{a} A join {b} A: {work} A.",
        "From {a} °C by {b} K up: {work} °C.",
    )),
    Story("a - b", {"a": (4, 99), "b": (2, 60)}, (
        "From {b} m/s to {a} m/s: {work} m/s.",
        "From {b} °C to {a} °C: {work} K.",
        "Of {a} J it loses {b} J. {work} J are left.",
        "{a} N against {b} N leave {work} N.",
    )),
)
LONG_STORIES = (
    Story("(a + b) * c", {"a": (2, 20), "b": (2, 20), "c": (2, 9)}, (
        "A force of {a} N and one of {b} N over {c} m: {work} J.",
        "{c} A through {a} ohm and {b} ohm in series need {work} V.",
    )),
    Story("a * b - c", {"a": (2, 20), "b": (2, 9), "c": (2, 40)}, (
        "{a} N over {b} m less {c} J of friction: {work} J.",
        "A pump of {a} W for {b} s loses {c} J. It gives {work} J.",
    )),
    Story("a * b + c", {"a": (2, 20), "b": (2, 9), "c": (2, 40)}, (
        "It had {c} m behind it, then {b} s at {a} m/s: {work} m.",
        "{b} kg that gain {a} m/s each second against {c} N need {work} N.",
    )),
    Story("(a - b) * c", {"a": (4, 40), "b": (2, 30), "c": (2, 9)}, (
        "{a} N against {b} N for {c} s: {work} Ns.",
        "{a} A and {b} A back for {c} s: {work} C.",
    )),
    Story("a * b / c", {"c": (2, 9), "each": (2, 12), "b": (2, 9)}, (
        "{a} N over {b} m in {c} equal parts: {work} J each.",
        "{b} boxes of {a} J last {c} s at {work} W.",
    ), {"a": "c * each"}),
    Story("a * b * c", {"a": (2, 9), "b": (2, 12), "c": (2, 9)}, (
        "Each of {a} lamps takes {b} W, and all burn for {c} s. The energy is {work} J.",
        "A train of {a} wagons with {b} kg each gains {c} m/s each second. The force is {work} N.",
    )),
    Story("(a - b) / c", {"b": (2, 30), "c": (2, 9), "each": (2, 9)}, (
        "A boat slows from {a} m/s to {b} m/s in {c} s. It loses {work} m/s each second.",
        "The water cools from {a} °C to {b} °C in {c} s. It loses {work} K each second.",
    ), {"a": "b + c * each"}),
    Story("a * b + c * d", {"a": (2, 20), "b": (2, 9), "c": (2, 20), "d": (2, 9)}, (
        "A heater gives {a} W for {b} s, a lamp {c} W for {d} s. Together it is {work} J.",
        "A wagon goes on at {a} m/s for {b} s, then for {d} s at {c} m/s. It goes {work} m.",
    )),
)
FACTS = (
    Story("a + b", {"a": (2, 400), "b": (2, 200)}, ("{work}",)),
    Story("a - b", {"a": (4, 500), "b": (2, 300)}, ("{work}",)),
    Story("a * b", {"a": (2, 20), "b": (2, 60)}, ("{work}",)),
    Story("a / b", {"b": (2, 40), "each": (2, 30)}, ("{work}",), {"a": "b * each"}),
)
# fmt: on
SOURCES: Mapping[str, tuple[Story, ...]] = {"stories": STORIES, "long stories": LONG_STORIES, "facts": FACTS}
# Short texts are joined into one page: otherwise most of the work would be padding to the longest text of a batch.
TOGETHER: Mapping[str, int] = {"stories": 3, "long stories": 2, "facts": 6}


DRILLS: dict[str, Family] = {
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


def generate(split: str, seed: int, families: tuple[str, ...] = (), largest: int | None = None) -> Iterator[Question]:
    """Yield the questions of one split without end; see `toolkit.domains.stream.stream`.

    `largest` caps the drawn numbers. Raises ValueError on an unknown split or family.
    """

    def draw(name: str, rng: random.Random) -> Question:
        return draw_question(name, FAMILIES[name], rng, largest)

    return stream("physics", FAMILIES, draw, split, seed, families)


def solve(question: Question, rng: random.Random) -> str:
    """Write a random, fully right worked solution of a question, which ends in its boxed answer with the unit."""
    return formulas.solve(FAMILIES[question.family], question.numbers, rng)


def drill(rng: random.Random, largest: int | None = None) -> Page:
    """Write a drill on numbers of the `train` split, with its worked answer."""
    family = rng.choice(tuple(DRILLS.values()))
    given = draw_training_numbers(family, rng, largest)
    return rng.choice(family.wordings).format(**given), solve_given(family, given, rng)


def page(kind: str, families: tuple[str, ...], rng: random.Random, largest: int | None = None) -> Page:
    """Write a text of one kind: `chains` (solutions without their questions), `exercises`, `facts` or `stories`."""
    if kind == "exercises":
        return drill(rng, largest)
    if kind == "chains":
        family = FAMILIES[rng.choice(families or tuple(FAMILIES))]
        return solve_given(family, draw_training_numbers(family, rng, largest), rng)
    return "\n".join(story(rng.choice(SOURCES[kind]), rng, largest) for _ in range(TOGETHER[kind]))


def texts() -> Iterator[str]:
    """Yield every wording and every solution, with each word in every place that it can take."""
    families = FAMILIES | DRILLS
    for text in (text for family in (*STORIES, *LONG_STORIES) for text in family.wordings):
        yield from (text.format(a=1, b=1, c=1, d=1, work=work) for work in ("1", "(1"))
    yield from formulas.wordings(families)
    yield from formulas.solutions(families)


DOMAIN = Domain(FAMILIES, generate, solve, page, SHARES, texts, facts=0.2)
