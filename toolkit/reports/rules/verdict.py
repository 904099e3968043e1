"""Define a decision: a verdict by rules fixed before a run, its table, and one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolkit.recipe.decision_rules import DecisionRules

CONFIRMED, REFUTED, CANNOT_TELL = "confirmed", "refuted", "cannot tell"

# By rule, the question and the claim of arXiv:2607.01727 as we read it.
CLAIMS = {
    "law": ("RQ1", "error against r follows one rectified law, which forecasts a held-out larger budget"),
    "expansion": (
        "RQ2a",
        "at matched totals more answers equal more questions when small, more questions win when large",
    ),
    "synthesis": ("RQ2b", "questions made from the seeds do not beat plain rejection sampling at a matched budget"),
    "audit": (
        "RQ3",
        "protocols shift what a corpus looks like, and no shift becomes transfer: none beats plain rejection sampling",
    ),
    "mixture": ("STEM", "more questions beat more answers at every matched total, and the gap widens"),
    "bound": ("bound", "gains from a fixed source are bounded: a gap to the teacher remains"),
    "saturation": ("saturation", "(ours) the corpus alone tells, before training, where the curve flattens"),
}

OF_ARMS = ("synthesis", "audit")  # the rules that compare arms with one of them, the baseline


class NoAnswer(ValueError):
    """Raised for valid results that a rule cannot be applied to, as they lack what it compares."""


@dataclass(frozen=True)
class Decision:
    """One rule's outcome.

    Attributes:
        rule: a key of `CLAIMS`.
        experiment: name of the experiment whose results were read.
        verdict: confirmed, refuted or cannot tell.
        sentence: the findings in words, without the verdict; every number in it is in `numbers`.
        header, rows: the table, as text.
        numbers: everything that was computed, `parts` as dataclasses; errors and differences are fractions.
        rules: the settings that were decided by.
        notes: caveats, such as what error bars and intervals include.
    """

    rule: str
    experiment: str
    verdict: str
    sentence: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Mapping[str, Any]
    rules: DecisionRules
    notes: Sequence[str] = field(default_factory=tuple)
