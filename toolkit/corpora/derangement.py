"""Gives each row what belongs to another question: the pairing of a control that keeps the texts and mixes whose."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

Key = tuple[str, int]  # question id, response index


def deranged(rows: Iterable[Key], seed: int) -> dict[Key, Key]:
    """Give each row a row of another question, by the seed and the rows alone, whatever their order.

    Each row is given once, unless a question has more than half of all rows: its rows then share the others as evenly
    as can be. Questions lie in a random order, the one with the most rows, m, in front, and every row is given the one
    m places further on, which is never of its own question.

    Raises:
        ValueError: for the rows of a single question.
    """
    groups: dict[str, list[Key]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: _chance(seed, *row)):
        groups[row[0]].append(row)
    if len(groups) == 1:
        raise ValueError(f"all rows are of the question {min(groups)!r}")
    names = sorted(groups, key=lambda name: (-len(groups[name]), _chance(seed, name)))
    order = [row for name in names for row in groups[name]]
    most = len(groups[names[0]]) if names else 0
    others = len(order) - most
    return {
        row: order[most + place % others if place < most else (place + most) % len(order)]
        for place, row in enumerate(order)
    }


def _chance(*parts: object) -> bytes:
    return hashlib.sha256(":".join(map(str, parts)).encode(errors="replace")).digest()
