"""An equal number of rows from corpora of any size, so that metrics which depend on size can be compared."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from random import Random
from typing import Any

Row = Mapping[str, Any]  # of a corpus file, see `toolkit.corpora.build`


def draw_rows(rows: Iterable[Row], count: int, seed: int = 0) -> list[Row]:
    """Draw `count` rows at random, each with the same chance; seed and texts decide, not the order of the stream.

    The result is in random order, so that its first k rows are a sample too. Reads the rows once; holds `count` of them
    and about 150 bytes per row that differs in what is named below.

    Args:
        rows: each with question_id, response and, where they are told apart by it, response_index; rows that agree in
            all three should be equal, since which of them is drawn does depend on their order.

    Raises:
        ValueError: for fewer rows than `count`, or a count below 2.
    """
    if count < 2:
        raise ValueError(f"rows: {count}; metrics compare rows with each other, so draw at least 2")
    # A row's place in the stream breaks ties, which only equal 128-bit numbers make.
    keyed = ((key, place, row) for place, (key, row) in enumerate(_keyed(rows, seed)))
    drawn = heapq.nsmallest(count, keyed, key=lambda entry: entry[:2])
    if len(drawn) < count:
        raise ValueError(
            f"rows: {count:,} asked for, and the corpus has {len(drawn):,}; compare at {len(drawn):,} or fewer, or "
            "sample more responses"
        )
    return [row for _, _, row in drawn]


def _keyed(rows: Iterable[Row], seed: int) -> Iterator[tuple[bytes, Row]]:
    copies: Counter[bytes] = Counter()  # equal rows are drawn independently of each other
    for row in rows:
        text = _digest(f"{row['question_id']}\0{row.get('response_index')}\0{row['response']}")
        copies[text] += 1
        yield _digest(f"{seed}\0{copies[text]}\0{text.hex()}"), row


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="replace"), digest_size=16).digest()


def shuffled(texts: Iterable[str], seed: int = 0) -> list[str]:
    """Put texts in an order that the seed and the texts decide, whatever order they come in."""
    ordered = sorted(texts)
    Random(seed).shuffle(ordered)
    return ordered
