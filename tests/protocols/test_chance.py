"""Choices by hash: the same each time, different places, even odds."""

from collections import Counter
from math import sqrt

from toolkit.protocols.chance import chosen, chosen_places

DRAWS = 4_000


def test_places_are_different_and_follow_from_the_key():
    assert chosen_places("key", 10, 4) == chosen_places("key", 10, 4) != chosen_places("other", 10, 4)
    assert sorted(chosen_places("key", 5, 9)) == [0, 1, 2, 3, 4] and chosen_places("key", 0, 3) == []


def test_each_place_is_as_likely():
    counts = Counter(place for draw in range(DRAWS) for place in chosen_places(str(draw), 8, 2))
    spread = 4 * sqrt(DRAWS / 4 * 3 / 4)
    assert len(counts) == 8 and all(abs(count - DRAWS / 4) < spread for count in counts.values())
    assert {chosen(str(draw), 3) for draw in range(50)} == {0, 1, 2}
