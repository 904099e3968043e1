"""Metrics of texts one by one or pooled: their length, how many of their words are distinct, how well they compress.

All but length change with the number of texts: compare corpora at equal numbers of rows (`draw_rows`).
"""

import gzip
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from toolkit.corpora.metrics.sample import shuffled

Integers = NDArray[np.int64]
Words = Sequence[Hashable]


class Tokenization(NamedTuple):
    """A way to count tokens: what it is called, how it splits a text, and how many tokens there are (None: unknown)."""

    name: str
    split: Callable[[str], Words]
    vocabulary: int | None = None


WHITE_SPACE = Tokenization("white space", str.split)


def tokens_of(name: str, tokenizer: Any) -> Tokenization:
    """Count by a Transformers tokenizer; text that looks like a control token is read as plain text."""

    def split(text: str) -> Words:
        return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])

    return Tokenization(name, split, len(tokenizer))


def mean(values: Sequence[float]) -> float:
    """Give the mean of some values, in their unit.

    Raises:
        ValueError: for no values.
    """
    return float(np.mean(_some(values, "values")))


def quantile(values: Sequence[float], share: float) -> float:
    """Give the value below which a `share` in [0, 1] of the values lies, in their unit (linear interpolation).

    Raises:
        ValueError: for no values.
    """
    return float(np.quantile(_some(values, "values"), share))


def coded_grams(texts: Iterable[Words], n: int) -> list[Integers]:
    """Number the n-grams of each text, equal ones alike: an array of (tokens - n + 1) numbers per text, or none.

    Takes 8 bytes per n-gram, and about 200 per distinct one while it runs.
    """
    numbers: dict[tuple[Hashable, ...], int] = {}
    coded = []
    for words in texts:
        grams = zip(*(words[start:] for start in range(n)), strict=False)
        coded.append(np.array([numbers.setdefault(gram, len(numbers)) for gram in grams], np.int64))
    return coded


def distinct_n(grams: Sequence[Integers]) -> float:
    """Give the share, in [0, 1], of distinct ones among the n-grams of all texts together.

    Distinct-n of Li et al. 2016, arXiv 1510.03055, pooled over the corpus. It falls as texts are added. Where no text
    has n tokens nothing is distinct: 0.

    Args:
        grams: of each text, as `coded_grams` numbers them.

    Raises:
        ValueError: for no texts.
    """
    pooled = np.concatenate(_some(grams, "texts"))
    return len(np.unique(pooled)) / len(pooled) if len(pooled) else 0.0


def expectation_adjusted_distinct(grams: Sequence[Integers], vocabulary: int) -> float:
    """Give the distinct tokens over those expected of as many even draws from the vocabulary, above 0, seldom above 1.

    EAD of Liu et al. 2022, arXiv 2202.13587: N / (V (1 - ((V - 1) / V)^C)) for N distinct of C tokens. It depends less
    on the number of texts than distinct-n, and is comparable only at one vocabulary of V tokens.

    Args:
        grams: the single tokens (n = 1) of each text, as `coded_grams` numbers them.

    Raises:
        ValueError: for no tokens, or more distinct ones than the vocabulary has.
    """
    pooled = np.concatenate(_some(grams, "texts"))
    distinct = len(np.unique(pooled))
    if not 1 <= distinct <= vocabulary:
        raise ValueError(
            f"{distinct} distinct tokens of a vocabulary of {vocabulary}: give texts with tokens, and the size of the "
            "vocabulary that they were split by"
        )
    # log1p and expm1, or a vocabulary of 100,000 loses most of its digits
    expected = -vocabulary * np.expm1(len(pooled) * np.log1p(-1 / vocabulary)) if vocabulary > 1 else 1.0
    return float(distinct / expected)


def compression_ratio(texts: Iterable[str], seed: int = 0) -> float:
    """Give the bytes of the texts (UTF-8, a line each) over their bytes in gzip at level 9, above 0.

    Compression ratio of Shaib et al. 2024, arXiv 2403.00553: the higher, the more the texts repeat each other. It grows
    with the number of texts and differs a little between builds of zlib, so compare at equal rows on one machine.
    gzip looks back 32 kB, so `seed` decides which texts it sees together.

    Raises:
        ValueError: for no text at all.
    """
    joined = "\n".join(shuffled(texts, seed)).encode(errors="replace")
    return len(_some(joined, "texts")) / len(gzip.compress(joined, compresslevel=9, mtime=0))


def _some(values: Any, named: str) -> Any:
    if len(values) == 0:
        raise ValueError(f"a metric of no {named}: the corpus is empty; keep at least one response")
    return values
