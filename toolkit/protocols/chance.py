"""Choices of a protocol that depend on nothing but a key: the same in every run, whatever came first."""

import hashlib
import itertools


def chosen(key: str, number: int) -> int:
    """Choose one of `number` places, from 0 on, at equal odds over keys."""
    digest = hashlib.sha256(key.encode(errors="replace")).digest()
    return int.from_bytes(digest[:8], "big") % number


def chosen_places(key: str, number: int, count: int) -> list[int]:
    """Choose `count` different ones of `number` places in a random order; all of them where there are fewer."""
    places: dict[int, None] = {}
    for attempt in itertools.count():
        if len(places) == min(count, number):
            return list(places)
        places[chosen(f"{key}:{attempt}", number)] = None
    raise AssertionError("counting has an end")
