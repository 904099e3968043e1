"""Worked texts of the base model's diet that are no questions: a family's wording with the work written out."""

import random

from toolkit.nano.traces import chain_of, rearrange, steps_of, tree_of
from toolkit.questions.expressions import evaluate
from toolkit.questions.mathematics import Family, draw_numbers, word
from toolkit.questions.stream import split_of

FACTS = (
    Family("a + b", {"a": (2, 99), "b": (2, 60)}, ("{work}",)),
    Family("a - b", {"a": (4, 99), "b": (2, 60)}, ("{work}",)),
    Family("a * b", {"a": (2, 9), "b": (2, 40)}, ("{work}",)),
    Family("a / b", {"b": (2, 9), "each": (2, 20)}, ("{work}",), {"a": "b * each"}),
)


def story(family: Family, random_: random.Random, largest: int | None = None) -> str:
    """A wording of `family` with its work and its answer written out, on numbers of the `train` split."""
    values = draw_numbers(family, random_, largest)
    while split_of(tuple(values.values())) != "train":
        values = draw_numbers(family, random_, largest)
    tree = rearrange(tree_of(family.expression, values), random_)
    work = chain_of(tree, random_) if random_.random() < 0.5 else ". ".join(steps_of(tree, random_))
    return word(family, {**values, "work": work, "answer": evaluate(family.expression, values)}, random_)
