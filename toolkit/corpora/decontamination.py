"""Held-out questions in other texts: exact copies, near copies by shared word 8-grams, and the same numbers reordered.

Texts are compared as words: Unicode NFKC, case folded, white space and punctuation dropped, each run of digits one
word. Arithmetic signs are words too, so that 3 + 4 and 3 - 4 differ. One pass over the texts; memory grows with the
held-out questions only.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

GRAM = 8  # words, as is usual for overlap with test sets; a shorter question counts as one gram
NEAR = 0.5  # share of a held-out question's grams in one text
MIN_NUMBERS = 3  # fewer numbers are often equal by chance
SHOWN = 5  # leaks that an error message quotes

# A parenthesis next to a number, and a hyphen that stands before no letter, are arithmetic and count as words.
WORD = re.compile(r"\d+|[^\W\d_]+|[+*/=<>^%]|-(?![^\W\d_])|\((?=\d)|(?<=\d)\)")
CONTINUES = frozenset("+-*/^%")
SIGNS = str.maketrans("×·÷−–", "**/--")

Kind = Literal["exact", "near", "numbers"]
Words = tuple[str, ...]


class Leak(NamedTuple):
    """A held-out question found in a text: its id, the text's beginning, and the text's place in the stream, from 0."""

    kind: Kind
    held_out_id: str
    text: str
    where: int


class LeakError(ValueError):
    """Held-out questions are in texts that must not have them."""


class _Question(NamedTuple):
    held_out_id: str
    sequence: Words
    numbers: Words
    words: frozenset[str]  # other than numbers
    grams: int


@dataclass
class _Index:
    exact: dict[Words, list[_Question]] = field(default_factory=lambda: defaultdict(list))
    grams: dict[int, dict[Words, list[_Question]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    numbers: dict[Words, list[_Question]] = field(default_factory=lambda: defaultdict(list))


def find_leaks(held_out: Mapping[str, str], texts: Iterable[str], *, procedural: bool = False) -> list[Leak]:
    """Find the held-out questions that are in `texts`: for each question and kind, the first text that has it.

    A text is *exact* when it is the question in the same words, and *near* when it has at least half of the question's
    word 8-grams (up to 8 words, a question is one gram). From 23 words on, no single changed word hides a question.
    `procedural` is for wordings filled with numbers, where the numbers identify the question: a near text must state
    all of them, and a text with exactly the same three or more numbers, in any order, is a leak of kind *numbers* when
    at least half of the words of both are the same.

    Args:
        held_out: id -> question.
        texts: any number of texts, read once. With `procedural`, questions must be apart from their solutions.

    Raises:
        ValueError: for a held-out question without a word.
    """
    index = _index(held_out)
    first: dict[tuple[Kind, str], Leak] = {}
    for where, text in enumerate(texts):
        for kind, held_out_id in _matches(index, words_of(text), procedural):
            first.setdefault((kind, held_out_id), Leak(kind, held_out_id, text[:200], where))
    return list(first.values())


def leak_finder(held_out: Mapping[str, str], *, procedural: bool = False) -> Callable[[str], bool]:
    """Give a function that says whether a text contains any held-out question (id -> question); see `find_leaks`.

    Raises:
        ValueError: for a held-out question without a word.
    """
    index = _index(held_out)
    return lambda text: any(_matches(index, words_of(text), procedural))


def assert_clean(held_out: Mapping[str, str], texts: Iterable[str], name: str, *, procedural: bool = False) -> None:
    """Make sure that no held-out question is in `texts`; `name` says in the message what the texts are.

    Raises:
        LeakError: naming the held-out questions found and the texts that have them.
    """
    leaks = find_leaks(held_out, texts, procedural=procedural)
    if leaks:
        count = len({leak.held_out_id for leak in leaks})
        quotes = "; ".join(
            f"{leak.held_out_id} ({leak.kind}) in text {leak.where}: {leak.text!r}" for leak in leaks[:SHOWN]
        )
        raise LeakError(
            f"{name}: {count} held-out questions are in it, so scores would not count; remove them. {quotes}"
        )


def words_of(text: str) -> Words:
    """Give the words by which texts are compared: numbers, arithmetic signs and case-folded words."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(SIGNS)
    return tuple(WORD.findall(text.casefold()))


def _grams(words: Words, length: int) -> set[Words]:
    return set(zip(*(words[start:] for start in range(length)), strict=False))


def _others(words: Words) -> frozenset[str]:
    return frozenset(word for word in words if not word.isdecimal())


def _numbers(words: Words) -> Words:
    return tuple(sorted(word for word in words if word.isdecimal()))


def _index(held_out: Mapping[str, str]) -> _Index:
    index = _Index()
    for held_out_id, text in held_out.items():
        words = words_of(text)
        if not words:
            raise ValueError(f"held-out question {held_out_id!r} has no words to compare: {text!r}")
        length = min(GRAM, len(words))
        grams = _grams(words, length)
        question = _Question(held_out_id, words, _numbers(words), _others(words), len(grams))
        index.exact[words].append(question)
        index.numbers[question.numbers].append(question)
        for gram in grams:
            index.grams[length][gram].append(question)
    return index


def _matches(index: _Index, words: Words, procedural: bool) -> Iterator[tuple[Kind, str]]:
    """Yield each question that the text leaks once, with the first kind that applies."""
    kinds: dict[str, Kind] = {}
    if procedural:
        kinds |= {question.held_out_id: "numbers" for question in _same_numbers(index, words)}
    kinds |= {question.held_out_id: "near" for question in _near(index, words, procedural)}
    kinds |= {question.held_out_id: "exact" for question in index.exact.get(words, [])}
    for held_out_id, kind in kinds.items():
        yield kind, held_out_id


def _near(index: _Index, words: Words, procedural: bool) -> list[_Question]:
    shared: Counter[_Question] = Counter()
    for length, grams in index.grams.items():
        for gram in _grams(words, length):
            if gram in grams:
                shared.update(grams[gram])
    near = [question for question, count in shared.items() if count >= NEAR * question.grams]
    near = [question for question in near if question.grams > 1 or _stands_alone(question.sequence, words)]
    if procedural and near:
        stated = Counter(_numbers(words))
        return [question for question in near if Counter(question.numbers) <= stated]
    return near


def _stands_alone(question: Words, words: Words) -> bool:
    """Say whether the words hold the question and do not go on calculating: 1 + 2 is not in 1 + 2 + 3."""
    size = len(question)
    places = [start for start in range(len(words) - size + 1) if words[start : start + size] == question]
    return any(not {*words[max(start - 1, 0) : start], *words[start + size :][:1]} & CONTINUES for start in places)


def _same_numbers(index: _Index, words: Words) -> list[_Question]:
    numbers = _numbers(words)
    if len(numbers) < MIN_NUMBERS or numbers not in index.numbers:
        return []
    others = _others(words)
    return [
        question
        for question in index.numbers[numbers]
        if 2 * len(question.words & others) >= max(len(question.words), len(others))
    ]
