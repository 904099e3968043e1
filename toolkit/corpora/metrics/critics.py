"""What the critics of a protocol did to the answers that they read: counts of responses, with Wilson's intervals.

An answer is right where the judge accepts it. The counts are of what was sampled, whether it trains or not.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from toolkit.statistics.intervals import accuracy_interval
from toolkit.statistics.metric import Metric, from_interval

WORDS = {True: "right", False: "wrong"}
CONCLUSIONS = ("right", "wrong", None)


class Share(NamedTuple):
    """How many of `total` things have a property."""

    hits: int
    total: int
    unit: str

    def metric(self) -> Metric:
        """Give the share, in [0, 1], with Wilson's interval; ValueError for a share of nothing."""
        return from_interval(accuracy_interval(self.hits, self.total), self.unit, self.total)


Shares = dict[str, Share]


class Refined(NamedTuple):
    """A response that was reviewed.

    Attributes:
        right: whether the draft is right, and what stands after each review.
        satisfied: whether the last review found nothing to correct.
        unread: reviews that object and were cut or hold no solution, so that the text before them stayed.
    """

    right: tuple[bool, ...]
    satisfied: bool
    unread: int


class Criticised(NamedTuple):
    """A response that was refined by a critique.

    Attributes:
        attempt: whether the first answer is right, and `refined`: the refined one.
        conclusion: what the critique says of the attempt, `right` or `wrong`; None where it does not say.
        leaks: whether the critique holds the known answer.
    """

    attempt: bool
    refined: bool
    conclusion: str | None
    leaks: bool


def refinement_shares(responses: Iterable[Refined], rounds: int) -> Shares:
    """Count what reviews changed: the four transitions from draft to response, what is right by round, and stops.

    A response that ended before a round counts in it with the text that it ended with.

    Args:
        rounds: reviews of a response at most.
    """
    found = list(responses)
    shares = _transitions(found)
    for at in range(rounds + 1):
        right = sum(one.right[min(at, len(one.right) - 1)] for one in found)
        shares[f"right after round {at}"] = Share(right, len(found), "share of responses")
    shares["stopped by the critic"] = Share(sum(one.satisfied for one in found), len(found), "share of responses")
    reviews = sum(len(one.right) - 1 for one in found)
    shares["unparsable reviews"] = Share(sum(one.unread for one in found), reviews, "share of reviews")
    return _known(shares)


def _transitions(found: Iterable[Refined]) -> Shares:
    counts = {(before, after): 0 for before in WORDS for after in WORDS}
    for one in found:
        counts[one.right[0], one.right[-1]] += 1
    return {
        f"{WORDS[before]} to {WORDS[after]}": Share(
            count, counts[before, True] + counts[before, False], f"share of {WORDS[before]} drafts"
        )
        for (before, after), count in counts.items()
    }


def critique_shares(responses: Iterable[Criticised]) -> Shares:
    """Count how many refined answers are right by what the critique concludes, and critiques with the known answer."""
    found, shares = list(responses), Shares()
    for said in CONCLUSIONS:
        own = [one.refined for one in found if one.conclusion == said]
        shares[f"right after conclusion {said or 'none'}"] = Share(sum(own), len(own), "share of refined answers")
    for name, of in (("", found), (" of a wrong answer", [one for one in found if not one.attempt])):
        shares[f"answer in a critique{name}"] = Share(sum(one.leaks for one in of), len(of), "share of critiques")
    return _known(shares)


def _known(shares: Shares) -> Shares:
    return {name: share for name, share in shares.items() if share.total}


def pooled(parts: Iterable[Mapping[str, Share]]) -> Shares:
    """Add up the shares of several corpora, by name."""
    total = Shares()
    for name, share in _items(parts):
        hits, count, _ = total.get(name, (0, 0, ""))
        total[name] = Share(hits + share.hits, count + share.total, share.unit)
    return total


def _items(parts: Iterable[Mapping[str, Share]]) -> Iterator[tuple[str, Share]]:
    return chain.from_iterable(part.items() for part in parts)
