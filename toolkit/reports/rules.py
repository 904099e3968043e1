"""Decision rules fixed before a run, and what a decision is: a verdict, its table, and one sentence true to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CONFIRMED, REFUTED, CANNOT_TELL = "confirmed", "refuted", "cannot tell"
DOUBLED = "doubled"  # the control of students trained twice as long: no ladder of its own, a check of another

# What is decided, by rule: the question and the claim of arXiv:2607.01727 in our reading.
CLAIMS = {
    "law": ("RQ1", "error against r follows one rectified law, which forecasts a held-out larger budget"),
    "expansion": (
        "RQ2a",
        "at matched totals more answers equal more questions when small, more questions win when large",
    ),
    "mixture": ("STEM", "more questions beat more answers at every matched total, and the gap widens"),
    "bound": ("bound", "gains from a fixed source are bounded: a gap to the teacher remains"),
    "saturation": ("saturation", "(ours) the corpus alone tells, before training, where the curve flattens"),
}


class NoAnswer(ValueError):
    """Sound results that do not allow a rule: what it compares was not measured."""


@dataclass(frozen=True)
class Rules:
    """Every number that a verdict depends on. Errors, margins and widths are fractions; levels are in (0, 1)."""

    level: float = 0.95  # of the interval of a paired difference, two-sided
    margin: float = 0.03  # expansion: differences within it are equivalent
    alpha: float = 0.05  # of each of two one-sided tests, and of a Holm family
    power: float = 0.8  # of the smallest difference that could have been seen
    question_prices: tuple[float, ...] = (0.0, 20.0)  # expansion: of a question in responses, where the plan is asked
    law_level: float = 0.9  # of all pairs' intervals of a new observation together
    law_refuted: float = 0.99  # of one pair's interval beyond which the law is refuted
    law_miss: float = 0.03  # the largest miss of any pair
    law_width: float = 0.08  # the widest interval of any pair
    steps_move: float = 0.01  # bound: doubling the steps must move the error by less
    floor_tail: float = 0.05  # bound: share of the floor's posterior that may lie below the teacher's error
    flat_fall: float = 0.01  # saturation: a curve is flat where a doubling lowers the error by less
    flat_share: float = 0.1  # saturation: a corpus is flat where a doubling brings less than this share of new paths
    control: str = "steps"  # the training control whose verdict counts; others are shown beside it

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, float) and not 0 < value < 1:
                raise ValueError(f"rules: {name} must lie between 0 and 1, got {value:g}: .95 is 95 %, .03 is 3 points")


@dataclass(frozen=True)
class Decision:
    """One rule's outcome.

    Attributes:
        rule: a key of `CLAIMS`.
        experiment: whose results were read.
        verdict: confirmed, refuted or cannot tell.
        sentence: what was found, in words, without the verdict; every number in it is in `numbers`.
        header, rows: the table, as text.
        numbers: everything that was computed, plain values; errors and differences are fractions.
        rules: the settings that were decided by.
        notes: what to beware of, among it what error bars and intervals include.
    """

    rule: str
    experiment: str
    verdict: str
    sentence: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Mapping[str, Any]
    rules: Rules
    notes: Sequence[str] = field(default_factory=tuple)


def points(value: float, sign: str = "+") -> str:
    """A difference of errors (fraction) in points: `+1.2`."""
    return format(100 * value, f"{sign}.1f")


def percent(value: float) -> str:
    """An error (fraction) as `71.3 %`."""
    return f"{100 * value:.1f} %"


def share(value: float) -> str:
    """A level or a share (fraction) as `97.5 %`, to three digits."""
    return f"{100 * value:.3g} %"


def span(low: float, high: float, sign: str = "+") -> str:
    """Two bounds in points: `-1.0 to +2.0`."""
    return f"{points(low, sign)} to {points(high, sign)}"


def joined(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
