"""Decide the rule of synthesis (RQ2b): question-making protocols against plain rejection sampling at a matched budget.

Its table, sentence and notes are those of every rule that compares arms.
"""

from collections.abc import Sequence

from toolkit.recipe.decision_rules import DecisionRules
from toolkit.reports.arms import MATCHES, ComparedArm
from toolkit.reports.corpora import CorpusValue
from toolkit.reports.rules.contests import ADVISED
from toolkit.reports.rules.gains import Comparison, Cost, Gain, compare_arms
from toolkit.reports.rules.verdict import CONFIRMED, REFUTED, Decision
from toolkit.text import joined, percent, points, share, span

HEADER = ("arm", "protocol", "compared at", "samples", "tokens", "rows kept", "error", "gain, points", "Holm's bound")
SAMPLES, TOKENS, COMPUTE = "samples", "tokens", "compute"  # what arms are matched at, where it is counted
UNEQUAL = 0.01  # a larger difference of what should be matched is told


def decide_synthesis(
    experiment: str,
    arms: Sequence[ComparedArm],
    corpora: Sequence[CorpusValue],
    rules: DecisionRules,
    *,
    baseline: str | None = None,
    notes: Sequence[str] = (),
) -> Decision:
    """Decide RQ2b, whether questions made from the seeds beat plain rejection sampling.

    Confirmed: at every place where an arm was compared, the one-sided upper bound of its gain lies below the margin.
    Refuted: Holm's lower bound of an arm's gain is above 0 in every way in which that arm was matched.

    Args:
        arms: see `toolkit.reports.arms.read_arms`.
        corpora: what the arms cost; without it the table has no costs.
        baseline: an arm's name; by default the only arm of plain rejection sampling.

    Raises:
        NoAnswer: for arms that cannot be compared, see `contests_of`.
    """
    found = compare_arms(arms, corpora, rules, baseline)
    return arms_decision("synthesis", experiment, found, rules, notes)


def arms_decision(
    rule: str, experiment: str, found: Comparison, rules: DecisionRules, notes: Sequence[str]
) -> Decision:
    """Give what all rules that compare arms say of them."""
    numbers = {
        "baseline": found.baseline, "control": rules.control, "replicates": found.replicates,
        "items": found.contests[0].items, "gains": found.gains, "costs": found.costs, "protocols": found.protocols,
        "untested": found.ledger.untested, "detectable": found.detectable, "margin_shown": found.margin_shown,
    }  # fmt: skip
    header = [*HEADER]
    header[7] = f"gain, points ({share(1 - 2 * rules.alpha)} interval)"
    words = f"{sentence_of(found, rules)}."
    return Decision(
        rule, experiment, found.verdict, words, header, _rows(found), numbers, rules, (*_notes(found, rules), *notes)
    )


def sentence_of(found: Comparison, rules: DecisionRules) -> str:
    """Say of every way of matching what the largest gain is, and then what follows from all of them."""
    clauses = []
    for match in MATCHES:
        gains = [gain for gain in found.gains if gain.match == match]
        if gains:
            clauses.append(f"at {MATCHES[match]} {_largest(gains, found.baseline, rules)}")
    text = "; ".join([*clauses, _conclusion(found, rules)])
    return f"{text[:1].upper()}{text[1:]}"


def _largest(gains: Sequence[Gain], baseline: str, rules: DecisionRules) -> str:
    best = max(gains, key=lambda gain: gain.estimate)
    which = (
        f"the largest of {len(gains)} gains over {baseline} is" if len(gains) > 1 else f"the gain over {baseline} is"
    )
    return (
        f"{which} {points(best.estimate)} points ({best.label}; {share(1 - 2 * rules.alpha)} interval "
        f"{span(best.low, best.high)})"
    )


def _conclusion(found: Comparison, rules: DecisionRules) -> str:
    ahead = list(dict.fromkeys(gain.label for gain in found.gains if gain.ahead))
    better = f"{joined(ahead)} {'is' if len(ahead) == 1 else 'are'} better for sure (Holm)" if ahead else ""
    below = f"every gain is below {points(rules.margin, '')} points (one-sided, {share(1 - rules.alpha)})"
    if found.verdict == CONFIRMED:
        return f"{below}, though {better}" if ahead else below
    if found.verdict == REFUTED:
        return better
    everywhere = " in every way of matching" if len({gain.match for gain in found.gains}) > 1 else ""
    return (
        f"no arm is better for sure{everywhere}, and not every gain is below "
        f"{points(rules.margin, '')} points; {smallest_seen(found)}, the smallest margin that could have been shown "
        f"{points(found.margin_shown, '')}"
    )


def smallest_seen(found: Comparison) -> str:
    """Say which gain would have been seen of every arm, at the rules' power."""
    if found.detectable >= max(gain.baseline for gain in found.gains):
        return "not even an arm without errors would have been seen to be better"
    return f"the smallest gain that could have been seen is {points(found.detectable, '')} points"


def _rows(found: Comparison) -> list[list[str]]:
    """Give the baseline and the arms, place by place, and the arms without students at the end."""
    costs = {(cost.arm, cost.match, cost.cell): cost for cost in found.costs}
    rows = []
    for contest in found.contests:
        gains = [gain for gain in found.gains if gain.place == contest.place]
        where = gains[0].label.removeprefix(gains[0].arm)  # the pair and the cell, where there are several
        plain = (found.baseline, f"{found.baseline}{where}", gains[0].baseline, ["-", "-"])
        for name, label, error, told in [plain, *((g.arm, g.label, g.error, _told(g)) for g in gains)]:
            cost = costs[name, contest.place.match, contest.place.cell]
            rows.append([label, found.protocols[name], contest.place.match, *_counts(cost), percent(error), *told])
    return [*rows, *([arm, found.protocols[arm], why, *["-"] * 6] for arm, why in found.ledger.untested.items())]


def _told(gain: Gain) -> list[str]:
    return [f"{points(gain.estimate)} ({span(gain.low, gain.high)})", points(gain.holm)]


def _counts(cost: Cost) -> list[str]:
    return ["-" if count is None else f"{count:,.0f}" for count in (cost.samples, cost.tokens, cost.kept)]


def _notes(found: Comparison, rules: DecisionRules) -> list[str]:
    first = found.contests[0]
    sources = "replicates and test items (the outer bounds of two methods)" if first.by_item else "replicates only"
    notes = [
        f"A gain is the error of {found.baseline} minus that of the arm, over the same replicates and test items "
        f"({found.replicates} and {first.items:,}). Intervals hold {sources}; the upper end of each is the "
        f"one-sided bound that is compared with the margin of {points(rules.margin, '')} points."
    ]
    if found.replicates < ADVISED:
        notes.append(f"With {found.replicates} replicates the intervals are wide; {ADVISED} are advised.")
    return [*notes, *_unequal(found)]


def _unequal(found: Comparison) -> list[str]:
    """Tell where arms that were matched did not cost the same."""
    notes = []
    for contest in found.contests:
        match, cell = contest.place.match, contest.place.cell
        costs = [cost for cost in found.costs if (cost.match, cost.cell) == (match, cell)]
        took = ({SAMPLES: cost.samples, TOKENS: cost.tokens, COMPUTE: cost.flops}.get(match) for cost in costs)
        counts = [count for count in took if count]
        if counts and max(counts) > (1 + UNEQUAL) * min(counts):
            notes.append(
                f"At matched {match} the arms' {match} differ by up to {share(max(counts) / min(counts) - 1)}."
            )
    return notes
