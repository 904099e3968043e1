"""Hold every setting of the decision rules, as a recipe may name it before its run."""

import math
from dataclasses import dataclass

ABOVE_0 = ("shift_sd",)  # settings that may be 1 or more


@dataclass(frozen=True)
class DecisionRules:
    """Every number that a verdict depends on. Errors, margins and widths are fractions; levels are in (0, 1)."""

    level: float = 0.95  # of the interval of a paired difference, two-sided
    margin: float = 0.03  # expansion, synthesis, audit: differences within it are equivalent
    alpha: float = 0.05  # of each of two one-sided tests, of a bound held against the margin, and of a Holm family
    power: float = 0.8  # with which the smallest detectable difference would be detected
    question_prices: tuple[float, ...] = (0.0, 20.0)  # expansion: prices of a question, in responses, of the plan
    law_level: float = 0.9  # simultaneous level of all pairs' prediction intervals
    law_refuted: float = 0.99  # level of one pair's interval, outside which the law is refuted
    law_miss: float = 0.03  # the largest miss of any pair
    law_width: float = 0.08  # the widest interval of any pair
    steps_move: float = 0.01  # bound: doubling the steps must move the error by less
    floor_tail: float = 0.05  # bound: share of the floor's posterior that may lie below the teacher's error
    flat_fall: float = 0.01  # saturation: a curve is flat where a doubling lowers the error by less
    flat_share: float = 0.1  # saturation: a corpus is flat where a doubling adds less than this share of new solutions
    shift_sd: float = 2.0  # audit: a metric of the corpus has shifted when it is further from the baseline, in sd
    control: str = "steps"  # the training control whose verdict counts; others are shown beside it

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, float) and out_of_range(name, value):
                limits = "be above 0" if name in ABOVE_0 else "lie between 0 and 1"
                raise ValueError(f"rules: {name} must {limits}, got {value:g}: .95 is 95 %, .03 is 3 points")


def out_of_range(name: str, value: float) -> bool:
    """Say whether a setting cannot have this value."""
    return not 0 < value < (math.inf if name in ABOVE_0 else 1)
