"""What counts towards a budget: the rank of a response among those of its question, and whether it trains.

Budget b holds the ranks 0 to b - 1, so that every rung begins with the rows of the one before. With `counting: sampled`
or `adaptive`, the rank is the index, and every accepted response trains. With `accepted`, the k-th distinct accepted
response trains and has rank k - 1; the draws before it that were rejected, or repeated an accepted path, share its rank
and do not train.
"""

from collections.abc import Hashable, Iterable
from hashlib import blake2b
from typing import NamedTuple


class Rank(NamedTuple):
    """The place of a response among its question's, from 0, and whether it repeats an earlier accepted one."""

    rank: int
    repeat: bool


def path_of(question_id: str, response: str) -> int:
    """Give a number in [1, 2^64) for the solution path of a response, from its question and text.

    Runs of white space count as one space.
    """
    text = f"{question_id}\0{' '.join(response.split())}".encode(errors="replace")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") or 1


def accepted_ranks(paths: Iterable[Hashable | None]) -> list[Rank]:
    """Give the ranks of one question's responses in order of index, where distinct accepted ones are counted.

    Args:
        paths: the solution path of each response, None where it was not accepted.
    """
    distinct: set[Hashable] = set()
    ranks = []
    for path in paths:
        ranks.append(Rank(len(distinct), path in distinct))
        distinct |= {path} - {None}
    return ranks
