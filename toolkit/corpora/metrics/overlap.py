"""Metrics of texts against each other: self-BLEU and mean pairwise ROUGE-L. Both look at `MOST` texts at most."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.corpora.decontamination import words_of
from toolkit.corpora.metrics.sample import shuffled

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST = 1000  # texts: a matrix of their pairs takes 8 MB, and a fixed number keeps corpora comparable
ORDERS = 4  # n-grams of BLEU


def self_bleu(texts: Iterable[str], seed: int = 0) -> float:
    """Give the mean BLEU, in [0, 100], of each text against all others as references; 100 where all repeat each other.

    Self-BLEU of Zhu et al. 2018, arXiv 1802.01886, with sacrebleu's `sentence_bleu`: tokenizer 13a, exponential
    smoothing, effective order. It grows with the number of texts; beyond `MOST`, a seeded sample of that size is used.

    Raises:
        ValueError: for fewer than two texts.
    """
    sample = shuffled(texts, seed)[:MOST]
    return SelfBleu(sample).mean(range(len(sample)))


class SelfBleu:
    """The n-grams of some texts, counted once, so that self-BLEU of any subset takes time linear in its tokens.

    Whether a text's n-gram is in the others depends only on the two largest counts of it: the largest is clipped
    against, unless it is the text's own. sacrebleu itself would count every text again for each of the others.

    Args:
        texts: `MOST` at most; takes about 65 bytes per distinct n-gram of each text, and 300 while they are counted.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

        split = Tokenizer13a()
        words = [split(text.rstrip()).split() for text in _pairable(texts)]
        self._lengths = np.array([len(text) for text in words])
        self._totals = np.maximum(self._lengths[:, None] - np.arange(ORDERS), 0)
        self._table = _gram_table(words)

    def mean(self, chosen: Sequence[int]) -> float:
        """Give the self-BLEU in [0, 100] of the texts at these different places; a lone text has none to match: 0."""
        from sacrebleu.metrics import BLEU

        places = np.asarray(chosen)
        if len(places) < 2:
            return 0.0
        correct, references = self._correct(places), closest_lengths(self._lengths[places])
        scores = [
            BLEU.compute_bleu(
                correct[place].tolist(), self._totals[place].tolist(), int(self._lengths[place]), int(reference),
                smooth_method="exp", effective_order=True,
            ).score
            for place, reference in zip(places, references, strict=True)
        ]  # fmt: skip
        return float(np.mean(scores))

    def _correct(self, places: Integers) -> Integers:
        """Count for each text and order (texts, 4) the n-grams that another text at `places` has as well."""
        inside = np.zeros(len(self._lengths), bool)
        inside[places] = True
        gram, text, count, order = (column[inside[self._table.text]] for column in self._table)
        first = np.flatnonzero(np.diff(gram, prepend=-1))  # of each n-gram: the text that has most of it
        sizes = np.diff(first, append=len(gram))
        second = np.where(sizes > 1, count[np.minimum(first + 1, len(gram) - 1)], 0)
        own = np.zeros(len(gram), bool)
        own[first] = True
        others = np.where(own, np.repeat(second, sizes), np.repeat(count[first], sizes))
        clipped = np.bincount(text * ORDERS + order, np.minimum(count, others), minlength=len(self._lengths) * ORDERS)
        return clipped.reshape(-1, ORDERS).astype(np.int64)


class _Grams(NamedTuple):
    """Columns with an entry per n-gram and text that has it, sorted by n-gram, within it by falling count."""

    gram: Integers
    text: Integers
    times: Integers
    order: Integers  # n - 1


def _gram_table(texts: Sequence[Sequence[str]]) -> _Grams:
    numbers: dict[tuple[str, ...], int] = {}
    entries = [
        (numbers.setdefault(gram, len(numbers)), place, count, len(gram) - 1)
        for place, words in enumerate(texts)
        for gram, count in Counter(_grams(words)).items()
    ]
    table = np.array(entries, np.int64).reshape(-1, 4)
    return _Grams(*table[np.lexsort((-table[:, 2], table[:, 0]))].T)


def _grams(words: Sequence[str]) -> Iterable[tuple[str, ...]]:
    for n in range(1, ORDERS + 1):
        yield from zip(*(words[start:] for start in range(n)), strict=False)


def closest_lengths(lengths: Integers) -> Integers:
    """Give for each length the closest of the others, the shorter of two equally close ones, as BLEU does."""
    gaps = lengths[None, :] - lengths[:, None]
    cost = 2 * np.abs(gaps) + (gaps > 0)
    np.fill_diagonal(cost, np.iinfo(np.int64).max)
    return np.asarray(lengths[cost.argmin(axis=1)])


def homogenisation(texts: Iterable[str], seed: int = 0) -> float:
    """Give the mean ROUGE-L F1, in [0, 1], of all pairs of texts; 1 where all have the same words.

    Homogenisation score of Padmakumar & He 2024, arXiv 2309.05196. Beyond `MOST` texts, a seeded sample is used.

    Raises:
        ValueError: for fewer than two texts.
    """
    return mean_of_pairs(rouge_l(shuffled(texts, seed)[:MOST]))


def rouge_l(texts: Sequence[str]) -> Array:
    """Give the ROUGE-L F1 of each pair, a symmetric matrix (texts, texts) in [0, 1].

    F1 = 2 LCS / (a + b), with LCS the longest common subsequence of a and b words (Lin 2004, ACL W04-1013). The words
    are those of decontamination, because the usual ones see no sign: 12 + 7 and 12 - 7 would be equal. Two texts
    without any word are alike.

    Raises:
        ValueError: for fewer than two texts, or more than `MOST`.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import Indel

    numbers: dict[str, int] = {}
    coded = [[numbers.setdefault(word, len(numbers)) for word in words_of(text)] for text in _pairable(texts)]
    return np.asarray(process.cdist(coded, coded, scorer=Indel.normalized_similarity, dtype=np.float64))


def mean_of_pairs(matrix: Array) -> float:
    """Give the mean of a square matrix of pairs without its diagonal, in its unit; a lone text resembles none: 0."""
    size = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / (size * (size - 1))) if size > 1 else 0.0


def _pairable(texts: Sequence[str]) -> Sequence[str]:
    if not 2 <= len(texts) <= MOST:
        raise ValueError(f"{len(texts):,} texts to compare in pairs: give at least 2, and draw {MOST:,} at most")
    return texts
