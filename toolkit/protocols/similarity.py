"""How alike two questions are: ROUGE-L of their words, where digits and signs are words too, and Jaccard of word sets.

ROUGE's own words are letters and digits alone, so that 12 + 7 and 12 - 7 are the same question to it. Here they differ,
and by default two questions are only compared where all their numbers and signs are the same: another number makes
another question, as much as the wording may be alike. An operation in words (sum, product) is a word like any other.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import Indel

CACHED = 1 << 17  # personas whose words stay in memory
STOCK = re.compile(r"[a-z0-9]+")
# Numbers, words, LaTeX's commands, and signs without those of sentences. A hyphen within a compound is none, and `!` is
# a sign behind a number or bracket.
WORD = re.compile(r"\d+(?:[.,]\d+)*|\\?[^\W\d_]+|(?<=[\d)])!|(?<![^\W\d_]{2})-|-(?![^\W\d_]{2})|[^\w\s.,;:?!\"'`$\\-]")
SIGNS = str.maketrans("×·÷−–", "**/--")

Words = tuple[str, ...]
Split = Callable[[str], Words]


def words(text: str) -> Words:
    """Give the words of a question, its numbers and signs among them; case folded."""
    return tuple(WORD.findall(unicodedata.normalize("NFKC", text).translate(SIGNS).casefold()))


def stock_words(text: str) -> Words:
    """Give the words that the usual ROUGE compares: letters a to z and digits."""
    return tuple(STOCK.findall(text.lower()))


def values(text: str) -> Words:
    """Give the numbers and signs of a question, sorted."""
    return tuple(sorted(word for word in words(text) if is_value(word)))


def is_value(word: str) -> bool:
    """Say whether a word of `words` is a number or a sign."""
    return word[0].isdecimal() or word[0] in "\\-*/^%!" or unicodedata.category(word[0]) == "Sm"


def says_something(word: str) -> bool:
    """Say whether a word of `words` is more than a bracket or another mark."""
    return word.isalnum() or is_value(word)


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """Give the ROUGE-L F1 of two lists of words, in [0, 1]; that of two empty ones is 1."""
    return Indel.normalized_similarity(one, other)


def is_similar(most: float, *, same_values: bool = True) -> "Near":
    """Give a filter for texts whose ROUGE-L with a known one is above `most`, in [0, 1].

    Args:
        same_values: compare only questions with the same numbers and signs.
    """
    return Near(most, words, values if same_values else _nothing)


def stock_filter(most: float) -> "Near":
    """Give the filter of Self-Instruct's own code, which sees neither signs nor other letters than a to z."""
    return Near(most, stock_words, _nothing)


def _nothing(text: str) -> Words:
    return ()


class Near:
    """Says whether a text is near a known one; only those are compared that may be: of its kind, and about as long.

    Without that the filter takes the longer the more questions there are, and pools stop growing.

    Args:
        most: ROUGE-L from which on, exclusively, a text is near.
        split: gives the words that are compared.
        kind: gives what both must have in common to be compared at all.
    """

    def __init__(self, most: float, split: Split, kind: Split) -> None:
        self._most, self._split, self._kind = most, split, kind
        self._letters: dict[str, str] = {}  # word -> a character, since texts are compared faster than lists
        self._known: Sequence[str] = ()
        self._count = 0  # of them in the blocks
        self._blocks: dict[Words, dict[int, list[str]]] = {}  # kind -> length -> known ones

    def __call__(self, text: str, known: Sequence[str]) -> bool:
        """Compare a text; `known` is taken up where the last call left it, as long as it is the same, growing list."""
        self._follow(known)
        mine, blocks = self._spelled(text), self._blocks.get(self._kind(text), {})
        for length, others in blocks.items():
            total = len(mine) + length
            if length == len(mine) or 2 * min(len(mine), length) > self._most * total:
                best = process.extractOne(mine, others, scorer=Indel.normalized_similarity, score_cutoff=self._most)
                if best is not None and best[1] > self._most:
                    return True
        return False

    def _follow(self, known: Sequence[str]) -> None:
        if known is not self._known or len(known) < self._count:
            self._known, self._count, self._blocks = known, 0, {}
        for place in range(self._count, len(known)):
            spelled = self._spelled(known[place])
            self._blocks.setdefault(self._kind(known[place]), {}).setdefault(len(spelled), []).append(spelled)
        self._count = len(known)

    def _spelled(self, text: str) -> str:
        return "".join(self._letters.setdefault(word, chr(len(self._letters) + 1)) for word in self._split(text))


def jaccard(one: str, other: str) -> float:
    """Give the share of the words of both texts that are in each, in [0, 1]: what MinHash of 1-grams estimates."""
    mine, others = _word_set(one), _word_set(other)
    return len(mine & others) / max(len(mine | others), 1)


@lru_cache(CACHED)
def _word_set(text: str) -> frozenset[str]:
    return frozenset(words(text))
