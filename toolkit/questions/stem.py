"""Mathematics and physics in one pool, by turns."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TypeVar

from toolkit.questions import mathematics, physics
from toolkit.questions.stream import Question

T = TypeVar("T")
DOMAINS = {"mathematics": mathematics, "physics": physics}


def by_turns(make: Callable[[str, tuple[str, ...]], Iterator[T]], families: tuple[str, ...] = ()) -> Iterator[T]:
    """One of each domain at a time from what `make` gives for a domain and those of `families` that are its own.

    A domain without any of the `families` asked for is left out; none asked for takes all. It ends with the shortest.
    Raises ValueError on an unknown family.
    """
    own = {domain: tuple(name for name in families if name in DOMAINS[domain].FAMILIES) for domain in DOMAINS}
    unknown = sorted(set(families).difference(*own.values()))
    if unknown:
        raise ValueError(f"families holds {unknown}: only families of {' and '.join(DOMAINS)} exist")
    made = (make(domain, own[domain]) for domain in DOMAINS if own[domain] or not families)
    return chain.from_iterable(zip(*made, strict=False))


def generate(split: str, seed: int, families: tuple[str, ...] = (), largest: int | None = None) -> Iterator[Question]:
    """An endless stream of questions of one split; see `toolkit.questions.stream.stream`."""
    return by_turns(lambda domain, own: DOMAINS[domain].generate(split, seed, own, largest), families)
