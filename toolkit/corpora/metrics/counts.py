"""Metrics that are counted: what was accepted of what was drawn, paths, coverage, wrong steps, labels, difficulty."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import comb, isfinite
from typing import NamedTuple

from toolkit.corpora.metrics.sample import Row
from toolkit.corpora.ranks import path_of
from toolkit.statistics.intervals import Interval, accuracy_interval

EDGES = (0.25, 0.5, 0.75)
BINS = ("0", "(0, .25]", "(.25, .5]", "(.5, .75]", "(.75, 1)", "1")
NEW = "new"  # a question that plain rejection sampling was never asked


@dataclass
class DrawTally:
    """The draws of one question: how many, how many accepted, and how often each accepted path occurs."""

    draws: int = 0
    accepted: int = 0
    paths: Counter[int] = field(default_factory=Counter)


def tally_draws(draws: Iterable[Row]) -> dict[str, DrawTally]:
    """Count all draws of the answer step by question: accepted or not, parsable or not.

    Reads them once; holds about 100 bytes per distinct accepted response.

    Args:
        draws: each with question_id, response and verdict.

    Raises:
        ValueError: for no draws.
    """
    tallies: dict[str, DrawTally] = {}
    for draw in draws:
        tally = tallies.setdefault(draw["question_id"], DrawTally())
        tally.draws += 1
        if draw["verdict"] == "accepted":
            tally.accepted += 1
            tally.paths[path_of(draw["question_id"], draw["response"])] += 1
    if not tallies:
        raise ValueError("no draws to count: give the rows that were not accepted as well as those that were")
    return tallies


def acceptance(tallies: Sequence[DrawTally]) -> float:
    """Give the accepted share of all draws, in [0, 1]; unparsable and failed draws count as drawn.

    Raises:
        ValueError: for no draws.
    """
    drawn = sum(tally.draws for tally in tallies)
    if not drawn:
        raise ValueError("the acceptance of no draws is undefined: give at least one draw")
    return sum(tally.accepted for tally in tallies) / drawn


def distinct_paths(tally: DrawTally, k: int) -> float:
    """Give the expected number, in [0, k], of distinct accepted paths in k of a question's draws (rarefaction).

    Two accepted responses are one path when they differ in white space alone. The sum over paths of
    1 - C(n - c, k) / C(n, k), for c of n draws on a path (Hurlbert 1971, Ecology 52:577); diversity@k of Bansal et al.
    2024, arXiv 2408.16737.

    Raises:
        ValueError: for a k beyond the draws: a question drawn less often cannot be compared.
    """
    return sum(chance_seen(tally.draws, times, k) for times in tally.paths.values())


def chance_seen(n: int, c: int, k: int) -> float:
    """Give the chance, in [0, 1], that k of n draws hold at least one of c: 1 - C(n - c, k) / C(n, k).

    pass@k and coverage@k for c accepted draws (Chen et al. 2021, arXiv 2107.03374).

    Raises:
        ValueError: unless 0 <= c <= n and 1 <= k <= n.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(
            f"k = {k} of {n} draws of a question with {c} marked: k lies in 1 to the draws of the question that was "
            "drawn least often"
        )
    return 1 - comb(n - c, k) / comb(n, k)


def false_positives(wrong_steps: Iterable[bool | None]) -> Interval:
    """Give the share, in [0, 1], of accepted responses with a wrong step among those checked, with Wilson's interval.

    The rate of Bansal et al. 2024, arXiv 2408.16737. The interval takes responses as independent.

    Args:
        wrong_steps: of each accepted response; None where its steps were not checked.

    Raises:
        ValueError: where none was checked.
    """
    checked = [wrong for wrong in wrong_steps if wrong is not None]
    if not checked:
        raise ValueError("no response whose steps were checked: judge with `check_steps: true`")
    return accuracy_interval(sum(checked), len(checked))


class LabelVotes(NamedTuple):
    """A question's answer by majority: the share of the votes for it, in (0, 1], and whether it is right (None: not
    known)."""

    share: float
    right: bool | None = None


def majority_share(votes: Sequence[Hashable | None]) -> float:
    """Give the share, in [0, 1], of all votes that the most frequent answer has; None is a vote without an answer.

    Self-consistency of Wang et al. 2022, arXiv 2203.11171. Equal answers must be equal values.

    Raises:
        ValueError: for no votes.
    """
    if not votes:
        raise ValueError("the majority of no votes is undefined: sample at least one answer per question")
    return max(Counter(vote for vote in votes if vote is not None).values(), default=0) / len(votes)


def label_precision(labels: Iterable[LabelVotes]) -> Interval:
    """Give the share, in [0, 1], of right labels among those whose truth is known, with Wilson's interval.

    A high majority share is no precision: a teacher can agree with itself on a wrong answer.

    Raises:
        ValueError: where no truth is known.
    """
    known = [label.right for label in labels if label.right is not None]
    if not known:
        raise ValueError("no label whose truth is known: label precision needs a pool that computes its answers")
    return accuracy_interval(sum(known), len(known))


def difficulty_bin(accepted: float | None) -> str:
    """Name the bin of a question by its acceptance under plain rejection sampling, in [0, 1]; None is `NEW`.

    Raises:
        ValueError: for a number outside [0, 1].
    """
    if accepted is None:
        return NEW
    if not (isfinite(accepted) and 0 <= accepted <= 1):
        raise ValueError(f"acceptance {accepted:g} of a question is outside [0, 1]: give accepted / draws")
    if accepted in (0, 1):
        return BINS[0] if accepted == 0 else BINS[-1]
    return BINS[1 + sum(accepted > edge for edge in EDGES)]


def difficulty_profile(rows: Mapping[str, int], accepted: Mapping[str, float]) -> dict[str, float]:
    """Give the share of training rows, in [0, 1], whose question lies in each bin of acceptance; they sum to 1.

    Args:
        rows: question -> its training rows.
        accepted: question -> acceptance under plain rejection sampling; a question not in it counts as `NEW`.

    Raises:
        ValueError: for no rows.
    """
    weights = dict.fromkeys((*BINS, NEW), 0)
    for question, count in rows.items():
        weights[difficulty_bin(accepted.get(question))] += count
    total = sum(weights.values())
    if not total:
        raise ValueError("the difficulty of no rows is undefined: the corpus is empty; keep at least one response")
    return {name: weight / total for name, weight in weights.items()}


def coverage(questions: Iterable[str], kept: Iterable[str]) -> float:
    """Give the share, in [0, 1], of seed questions with at least one kept row.

    Args:
        questions: ids of all seed questions.
        kept: ids of the questions of kept rows; one that is no seed covers none.

    Raises:
        ValueError: for no seed questions.
    """
    seeds = set(questions)
    if not seeds:
        raise ValueError("the coverage of no questions is undefined: name the seed questions")
    return len(seeds & set(kept)) / len(seeds)
