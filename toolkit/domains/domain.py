"""A domain: the functions that make its questions, solve them, and write the texts that embedded models read."""

import random
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple, TypeVar

from toolkit.domains.mistakes import Mistake
from toolkit.domains.stream import Question

T = TypeVar("T")
Page = str | tuple[str, str]  # a text, or a question and its answer as in a chat


class Learner(NamedTuple):
    """What a domain needs so that its embedded teacher can learn more than solving.

    Attributes:
        fail: `(question, rng)` -> a worked solution with a mistake, beside the right one.
        vary: `(question, family, rng, largest)` -> a question of the `train` split of a family, alike in its words.
        parse: `text` -> the question that it is, with its exact answer, or None for another text: a solver from text.
    """

    fail: Callable[[Question, random.Random], Mistake]
    vary: Callable[[Question, str, random.Random, int | None], Question]
    parse: Callable[[str], Question | None]


class Domain(NamedTuple):
    """A domain of procedural questions, with a file of its own and a line in `toolkit.domains`.

    Attributes:
        families: its families of questions, by name.
        generate: `(split, seed, families, largest)` -> an endless stream of questions; see `toolkit.domains.stream`.
        solve: `(question, rng)` -> a random, fully right worked solution that ends in the boxed answer.
        page: `(kind, families, rng, largest)` -> a page of one of the kinds of `shares`, for the embedded base model.
        shares: kind of page -> its share of the base model's texts, in hundredths. The kind `answers` (questions with
            nothing but their boxed answer) is not one of `page`.
        texts: gives every wording and every form of a solution at least once; the vocabulary is derived from them.
        facts: how often the embedded teacher reads a page of kind `facts` before a solution, 0 to 1.
        learner: what lets an embedded teacher learn more formats than solving, where the domain has it.
    """

    families: Mapping[str, object]
    generate: Callable[..., Iterator[Question]]
    solve: Callable[[Question, random.Random], str]
    page: Callable[[str, tuple[str, ...], random.Random, int | None], Page]
    shares: Mapping[str, int]
    texts: Callable[[], Iterator[str]]
    facts: float = 0.0
    learner: Learner | None = None


class Mixture(NamedTuple):
    """Several domains in one pool, whose questions alternate; `parts` are the domains by name."""

    parts: Mapping[str, Domain]

    def generate(
        self, split: str, seed: int, families: tuple[str, ...] = (), largest: int | None = None
    ) -> Iterator[Question]:
        """Yield the questions of one split without end; see `toolkit.domains.stream.stream`."""
        return self.interleave(lambda name, own: self.parts[name].generate(split, seed, own, largest), families)

    def interleave(
        self, make: Callable[[str, tuple[str, ...]], Iterator[T]], families: tuple[str, ...] = ()
    ) -> Iterator[T]:
        """Yield from each domain in turn what `make` gives for its name and those `families` that belong to it.

        A domain with none of the `families` is left out; no `families` at all means every domain. It ends with the
        shortest stream. Raises ValueError on an unknown family.
        """
        own = {
            name: tuple(family for family in families if family in part.families) for name, part in self.parts.items()
        }
        unknown = sorted(set(families).difference(*own.values()))
        if unknown:
            raise ValueError(f"families holds {unknown}: only families of {' and '.join(self.parts)} exist")
        streams = (make(name, own[name]) for name in self.parts if own[name] or not families)
        return chain.from_iterable(zip(*streams, strict=False))

    def texts(self) -> Iterator[str]:
        """Yield the texts of every part; see `Domain`."""
        return chain.from_iterable(part.texts() for part in self.parts.values())
