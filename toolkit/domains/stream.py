"""Endless streams of procedural questions, in splits that share one distribution and no numbers.

The hash of a question's sorted numbers decides its split, whatever its domain and family, so the pool, the test set and
anything trained on the `train` split have no question in common.
"""

import hashlib
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

# Hundredths of the hash range: most numbers feed the endless training stream of the embedded models.
SPLITS = {"train": 70, "pool": 10, "test": 10, "dev": 10}
MISSES = 20_000  # draws without a new question after which a stream ends


@dataclass(frozen=True)
class Question:
    """One question: its wording, its exact answer (digits, and a unit in physics), its family and its numbers."""

    text: str
    answer: str
    family: str
    numbers: tuple[int, ...]


def question_id(text: str) -> str:
    """Give the first 16 hexadecimal digits of the SHA-256 of the question's text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def split_of(numbers: tuple[int, ...]) -> str:
    """Give the split (a key of `SPLITS`) of a set of numbers, by the SHA-256 of their sorted decimal forms."""
    digest = hashlib.sha256(",".join(map(str, sorted(numbers))).encode()).digest()
    place = int.from_bytes(digest[:8], "big") % 100
    for name, share in SPLITS.items():
        if place < share:
            return name
        place -= share
    raise AssertionError("the shares of SPLITS must add up to 100")


def stream(
    domain: str,
    known: Collection[str],
    draw: Callable[[str, random.Random], Question],
    split: str,
    seed: int,
    families: tuple[str, ...] = (),
) -> Iterator[Question]:
    """Yield without end the questions that `draw` makes for random `families` (empty: all `known`) of a domain.

    The same arguments give the same stream everywhere. No problem (a family with its numbers) comes twice, except in
    `train`. The stream ends when nothing new is left to find. Raises ValueError on an unknown split or family.
    """
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}: one of {', '.join(SPLITS)}")
    unknown = sorted(set(families) - set(known))
    if unknown:
        raise ValueError(f"families holds {unknown}: only {', '.join(known)} exist")
    names = families or tuple(known)
    rng = random.Random(f"{domain}:{split}:{seed}")
    problems: set[tuple[str, tuple[int, ...]]] = set()
    name, misses = rng.choice(names), 0
    while misses < MISSES:
        question = draw(name, rng)
        if split_of(question.numbers) != split or (name, question.numbers) in problems:
            misses += 1
            continue
        if split != "train":
            problems.add((name, question.numbers))
        yield question
        # The family changes only now, so that each keeps its share in every split, however its numbers hash.
        name, misses = rng.choice(names), 0
