"""How alike two questions are: ROUGE-L of their words, where digits and signs are words too, and Jaccard of word sets.

ROUGE's own words are letters and digits alone, so that 12 + 7 and 12 - 7 are the same question to it. Here they differ,
and by default two questions are only compared where all their numbers and signs are the same: another number makes
another question, as much as the wording may be alike. An operation in words (sum, product) is a word like any other.
"""

import re
import unicodedata
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import Indel

CACHED = 1 << 17  # questions whose words a filter keeps in memory
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


def is_similar(most: float, *, same_values: bool = True) -> Callable[[str, Sequence[str]], bool]:
    """Give a filter for texts whose ROUGE-L with a known one is above `most`, in [0, 1].

    Args:
        same_values: compare only questions with the same numbers and signs.
    """
    return _filter(most, words, values if same_values else _nothing)


def stock_filter(most: float) -> Callable[[str, Sequence[str]], bool]:
    """Give the filter of Self-Instruct's own code, which sees neither signs nor other letters than a to z."""
    return _filter(most, stock_words, _nothing)


def _nothing(text: str) -> Words:
    return ()


def _filter(most: float, split: Split, kind: Callable[[str], Hashable]) -> Callable[[str, Sequence[str]], bool]:
    split, kind = lru_cache(CACHED)(split), lru_cache(CACHED)(kind)

    def drops(text: str, known: Sequence[str]) -> bool:
        mine = kind(text)
        others = (split(other) for other in known if kind(other) == mine)
        best = process.extractOne(split(text), others, scorer=Indel.normalized_similarity, score_cutoff=most)
        return best is not None and best[1] > most

    return drops


def jaccard(one: str, other: str) -> float:
    """Give the share of the words of both texts that are in each, in [0, 1]: what MinHash of 1-grams estimates."""
    mine, others = _word_set(one), _word_set(other)
    return len(mine & others) / max(len(mine | others), 1)


@lru_cache(CACHED)
def _word_set(text: str) -> frozenset[str]:
    return frozenset(words(text))
