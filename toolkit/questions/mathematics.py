"""Procedural mathematics: word problems and equations with exact, positive integer answers.

A family is an expression over named numbers, the ranges these are drawn from, and its wordings. Splits share one
distribution and no numbers: a question belongs to the split that the hash of its sorted numbers names, whatever its
family, so the pool, the test set and anything trained on the `train` split cannot meet.
"""

import ast
import hashlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

# Hundredths of the hash range: most numbers feed the endless training stream of the embedded models.
SPLITS = {"train": 70, "pool": 10, "test": 10, "dev": 10}
# Smaller numbers are somewhat more common, as in schoolbooks: a draw is low + range * u ** SKEW, u uniform.
SKEW = 1.5
NAMES = ("Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Hugo")
THINGS = ("apples", "books", "cards", "coins", "pens", "shells", "stamps", "stones")
OPERATIONS: Mapping[type, Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a // b if a % b == 0 else 0,  # 0: no positive integer, refused below
}


@dataclass(frozen=True)
class Question:
    """One question: its wording, its exact answer (decimal digits), its family and the numbers it states."""

    text: str
    answer: str
    family: str
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Family:
    """`expression` over the numbers a question states; `draws` are inclusive ranges, `derived` follow from them."""

    expression: str
    draws: Mapping[str, tuple[int, int]]
    wordings: tuple[str, ...]
    derived: Mapping[str, str] = field(default_factory=dict)


FAMILIES: dict[str, Family] = {
    "sum3": Family(
        "a + b + c",
        {"a": (2, 40), "b": (2, 40), "c": (2, 40)},
        ("{name} has {a} {things}, {other} has {b} and {third} has {c}. How many {things} do they have together?",),
    ),
    "sum4": Family(
        "a + b + c + d",
        {"a": (2, 20), "b": (2, 20), "c": (2, 20), "d": (2, 20)},
        ("{name} found {a}, {b}, {c} and {d} {things} on four days. How many {things} did {name} find?",),
    ),
    "plus_minus": Family(
        "a + b - c",
        {"a": (2, 40), "b": (2, 40), "c": (2, 40)},
        ("{name} had {a} {things}, bought {b} more and gave {c} to {other}. How many {things} does {name} have now?",),
    ),
    "distribute": Family(
        "a * (b + c)",
        {"a": (2, 9), "b": (2, 30), "c": (2, 30)},
        ("Each of {a} boxes holds {b} red and {c} blue {things}. How many {things} are there together?",),
    ),
    "two_products": Family(
        "a * b + c * d",
        {"a": (2, 9), "b": (2, 20), "c": (2, 9), "d": (2, 20)},
        ("{name} buys {a} bags of {b} {things} and {c} boxes of {d}. How many {things} does {name} buy?",),
    ),
    "product_plus": Family(
        "a * b + c",
        {"a": (2, 9), "b": (2, 30), "c": (2, 40)},
        ("{name} had {a} bags of {b} {things} and got {c} {things} from {other}. How many {things} are there now?",),
    ),
    "sum_and_product": Family(
        "a + b + c * d",
        {"a": (2, 30), "b": (2, 30), "c": (2, 9), "d": (2, 20)},
        ("{name} has {a} {things}, {other} has {b} and {third} has {c} boxes of {d}. How many {things} do they have?",),
    ),
    "equation": Family(
        "(c - b) / a",
        {"a": (2, 9), "x": (2, 20), "b": (2, 50)},
        ("Solve {a} * x + {b} = {c}.",),
        {"c": "a * x + b"},
    ),
}


def question_id(text: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the question's text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def split_of(numbers: tuple[int, ...]) -> str:
    """The split (a key of `SPLITS`) of a set of numbers, from the SHA-256 of their sorted decimal forms."""
    digest = hashlib.sha256(",".join(map(str, sorted(numbers))).encode()).digest()
    place = int.from_bytes(digest[:8], "big") % 100
    for name, share in SPLITS.items():
        if place < share:
            return name
        place -= share
    raise AssertionError("the shares of SPLITS must add up to 100")


def evaluate(expression: str, values: Mapping[str, int]) -> int:
    """The value of an expression of + - * / over `values`.

    Raises ArithmeticError unless every intermediate value is a positive integer.
    """
    return _evaluate(parse(expression), values)


@cache
def parse(expression: str) -> ast.expr:
    """The syntax tree of an expression of + - * / over names."""
    return ast.parse(expression, mode="eval").body


def _evaluate(node: ast.expr, values: Mapping[str, int]) -> int:
    if isinstance(node, ast.Name):
        return values[node.id]
    if not isinstance(node, ast.BinOp):
        raise ValueError(f"an expression holds only + - * /, names and parentheses, not {ast.dump(node)}")
    value = OPERATIONS[type(node.op)](_evaluate(node.left, values), _evaluate(node.right, values))
    if value <= 0:
        raise ArithmeticError(f"{ast.unparse(node)} is no positive integer at {dict(values)}")
    return value


def draw_numbers(family: Family, random_: random.Random, largest: int | None = None) -> dict[str, int]:
    """Numbers for one question of `family`; `largest` caps every drawn range (for quick, easy pools)."""
    while True:
        values = {}
        for name, (low, high) in family.draws.items():
            top = high if largest is None else max(low, min(high, largest))
            values[name] = low + int((top - low + 1) * random_.random() ** SKEW)
        try:
            for name, expression in family.derived.items():
                values[name] = evaluate(expression, values)
            evaluate(family.expression, values)
        except ArithmeticError:  # a negative or broken intermediate value: draw again
            continue
        stated = {node.id for node in ast.walk(parse(family.expression)) if isinstance(node, ast.Name)}
        return {name: values[name] for name in sorted(stated)}


def word(family: Family, values: Mapping[str, object], random_: random.Random) -> str:
    """A random wording of `family` with these numbers, three distinct names and one kind of thing."""
    name, other, third = random_.sample(NAMES, 3)
    slots = {"name": name, "other": other, "third": third, "things": random_.choice(THINGS)}
    return random_.choice(family.wordings).format(**slots, **values)


def generate(split: str, seed: int, families: tuple[str, ...] = (), largest: int | None = None) -> Iterator[Question]:
    """An endless stream of questions of one split; the same arguments give the same stream everywhere.

    `families` empty means all. Raises ValueError on an unknown split or family. No problem (a family with its numbers)
    comes twice, except in `train`. The stream ends when nothing new is left to find.
    """
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}: one of {', '.join(SPLITS)}")
    unknown = sorted(set(families) - set(FAMILIES))
    if unknown:
        raise ValueError(f"families holds {unknown}: only {', '.join(FAMILIES)} exist")
    names = families or tuple(FAMILIES)
    random_ = random.Random(f"mathematics:{split}:{seed}")
    seen: set[tuple[str, tuple[int, ...]]] = set()
    name, misses = random_.choice(names), 0
    while misses < 20_000:
        values = draw_numbers(FAMILIES[name], random_, largest)
        numbers = tuple(values.values())
        text = word(FAMILIES[name], values, random_)
        if split_of(numbers) != split or (name, numbers) in seen:
            misses += 1
            continue
        if split != "train":
            seen.add((name, numbers))
        yield Question(text, str(evaluate(FAMILIES[name].expression, values)), name, numbers)
        # Only now another family: each keeps its share in every split, however its numbers hash.
        name, misses = random_.choice(names), 0
