"""Measure every arm's gain over the baseline, plain rejection sampling, in every way in which arms were matched."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.arms import ComparedArm
from toolkit.reports.corpora import FLOPS, KEPT, SAMPLES, CorpusValue
from toolkit.reports.results import Cell, cell_name
from toolkit.reports.rules.contests import Contest, Place, baseline_of, contests_of
from toolkit.reports.rules.ledger import Ledger
from toolkit.reports.rules.verdict import CANNOT_TELL, CONFIRMED, REFUTED
from toolkit.statistics.families import equivalent, holm_claims


class Claim(NamedTuple):
    """That an arm is better than the baseline, at one cell of one pair, in every way in which they were matched."""

    pair: str
    cell: Cell
    arm: str


@dataclass(frozen=True)
class Gain:
    """An arm against the baseline in one contest; errors and differences are fractions, above 0 the arm is better.

    Attributes:
        label: the arm, with its pair and cell where the results hold several.
        match: a key of `MATCHES`, what both have the same of.
        error, baseline: means over replicates, of the arm and of the baseline.
        low, high: at level 1 - 2 alpha, so that either alone is a one-sided bound at 1 - alpha.
        holm: the lower bound at Holm's tail.
        ahead: whether the arm is better for sure (Holm), in every way in which it was matched.
        below: whether the gain is below the margin; `inside`, whether it is not below minus the margin, either.
        detectable: the smallest gain that so many replicates and items would have shown to be above 0.
    """

    arm: str
    label: str
    pair: str
    match: str
    cell: Cell
    error: float
    baseline: float
    estimate: float
    low: float
    high: float
    method: str
    chance: float
    holm: float
    ahead: bool
    below: bool
    inside: bool
    detectable: float

    @property
    def place(self) -> Place:
        """Return where the arm met the baseline."""
        return Place(self.pair, self.match, self.cell)


@dataclass(frozen=True)
class Cost:
    """What the corpus of an arm, or of the baseline, cost and holds: means over draws, None where it is not known."""

    arm: str
    match: str
    cell: Cell
    samples: float | None
    tokens: float | None
    kept: float | None
    flops: float | None = None


@dataclass(frozen=True)
class Comparison:
    """All arms against the baseline.

    Attributes:
        gains: by contest, those of one contest from the largest to the smallest.
        costs: of the baseline and of each arm, by contest.
        protocols: arm -> protocol.
    """

    baseline: str
    contests: Sequence[Contest]
    gains: Sequence[Gain]
    costs: Sequence[Cost]
    protocols: Mapping[str, str]
    ledger: Ledger

    @property
    def verdict(self) -> str:
        """Return confirmed where every gain is below the margin, else refuted where an arm is better for sure."""
        if all(gain.below for gain in self.gains):
            return CONFIRMED
        return REFUTED if any(gain.ahead for gain in self.gains) else CANNOT_TELL

    @property
    def replicates(self) -> int:
        """Return the fewest replicates of a contest."""
        return min(len(contest.replicates) for contest in self.contests)

    @property
    def detectable(self) -> float:
        """Return the smallest gain that would have been seen of every arm."""
        return max(gain.detectable for gain in self.gains)

    @property
    def margin_shown(self) -> float:
        """Return the smallest margin below which all gains are shown to lie."""
        return max(gain.high for gain in self.gains)


def compare_arms(
    arms: Sequence[ComparedArm], corpora: Sequence[CorpusValue], rules: DecisionRules, baseline: str | None = None
) -> Comparison:
    """Compare every arm with the baseline at every place where they meet.

    Raises:
        NoAnswer: see `baseline_of` and `contests_of`.
    """
    base, ledger = baseline_of(arms, baseline), Ledger(corpora)
    contests = contests_of(arms, ledger, rules, base)
    claims = _claims(contests)
    found = holm_claims([[contest.gains[claim.arm] for contest in met] for claim, met in claims.items()], rules.alpha)
    gains = [
        _gain(claim, contest, base, Held(holm, ahead, rules.alpha / len(claims)), rules, _label(claim, contests))
        for (claim, met), (bounds, ahead) in zip(claims.items(), found, strict=True)
        for contest, holm in zip(met, bounds, strict=True)
    ]
    order = [contest.place for contest in contests]
    gains.sort(key=lambda gain: (order.index(gain.place), -gain.estimate, gain.arm))
    costs = [_cost(contest.place, name, ledger) for contest in contests for name in contest.errors]
    return Comparison(base, contests, gains, costs, ledger.protocols | {arm.name: arm.protocol for arm in arms}, ledger)


def _claims(contests: Sequence[Contest]) -> dict[Claim, list[Contest]]:
    """Group contests by the claim that each of their arms makes, in order of the arms' names within a cell."""
    claims: dict[Claim, list[Contest]] = defaultdict(list)
    for contest in contests:
        for name in contest.gains:
            claims[Claim(contest.place.pair, contest.place.cell, name)].append(contest)
    return claims


def _label(claim: Claim, contests: Sequence[Contest]) -> str:
    pairs, cells = ({place[at] for place in (contest.place for contest in contests)} for at in (0, 2))
    where = [claim.pair] * (len(pairs) > 1) + [cell_name(claim.cell)] * (len(cells) > 1)
    return f"{claim.arm} ({', '.join(where)})" if where else claim.arm


class Held(NamedTuple):
    """What Holm's procedure says of a contrast: its bound, whether its claim holds, and the strictest tail."""

    bound: float
    holds: bool
    tail: float


def _gain(claim: Claim, contest: Contest, baseline: str, held: Held, rules: DecisionRules, label: str) -> Gain:
    contrast = contest.gains[claim.arm]
    inside, interval = equivalent(contrast, rules.margin, rules.alpha)
    return Gain(
        arm=claim.arm, label=label, pair=claim.pair, match=contest.place.match, cell=claim.cell,
        error=float(contest.errors[claim.arm].mean()), baseline=float(contest.errors[baseline].mean()),
        **asdict(interval), chance=contrast.chance(), holm=held.bound, ahead=held.holds,
        below=interval.high < rules.margin, inside=inside, detectable=contrast.detectable(held.tail, rules.power),
    )  # fmt: skip


def _cost(place: Place, arm: str, ledger: Ledger) -> Cost:
    key = arm, place.match, place.cell[1]
    samples, kept, flops = (ledger.mean(*key, name) for name in (SAMPLES, KEPT, FLOPS))
    return Cost(arm, place.match, place.cell, samples, ledger.tokens(*key), kept, flops)
