"""What counts towards a budget: the rank of a response among those of its question, and whether it trains.

Budget b holds the ranks 0 to b - 1, so that every rung begins with the rows of the one before. Where draws are counted
(`sampled`, `adaptive`) the rank is the index and every accepted response trains. Where distinct accepted ones are
counted (`accepted`) the k-th trains and has rank k - 1; whatever was drawn on the way to it, rejected or a repeat of an
accepted path, has its rank too and does not train.
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
        paths: of each response, None where it was not accepted.
    """
    found: set[Hashable] = set()
    ranks = []
    for path in paths:
        ranks.append(Rank(len(found), path in found))
        found |= {path} - {None}
    return ranks
