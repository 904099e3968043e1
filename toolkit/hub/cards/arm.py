"""What the card of a release says where it is an arm of an experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

Counts = Mapping[str, Any]


@dataclass(frozen=True)
class Arm:
    """An arm of an experiment, as its card names it.

    Attributes:
        protocol: how its responses or its questions come about; `options` by name, and `prompts`, the steps whose
            prompts the recipe sets.
        match: what it may take as much of as the first arm: `samples`, `tokens`, `compute` or `money`; None where it is
            not matched.
        allowed: how much that is, at `budget` responses to each of `questions` questions: samples, else tokens of its
            teacher, which count by `weights` (prompt, completion) at money; None where nothing is.
        plain: the dataset of the first arm, beside which the results are; None where it is not published.
        makes_questions: whether it makes new questions; `expands`, whether of documents.
        prices: per million prompt and completion tokens, in any one currency.
        learns_from_mistakes: whether its students are trained on from corrections of their own mistakes.
        corrections: how much of `allowed` is kept for these.
    """

    name: str
    protocol: str
    budget: int
    questions: int
    options: Mapping[str, Any] = field(default_factory=dict)
    prompts: Sequence[str] = ()
    match: str | None = None
    allowed: int | None = None
    plain: str | None = None
    makes_questions: bool = False
    expands: bool = False
    prices: tuple[float, float] | None = None
    learns_from_mistakes: bool = False
    corrections: int = 0
    weights: tuple[int, int] = (1, 1)

    @property
    def described(self) -> str:
        """Name the protocol with its options and the prompts that are the recipe's own."""
        options = ", ".join(f"{name} = {value}" for name, value in sorted(self.options.items()))
        prompts = f"; with the recipe's own prompt of {', '.join(sorted(self.prompts))}" if self.prompts else ""
        later = "; its students then learn from corrections of their own mistakes, which are counted with the results"
        return f"{self.protocol}{f' ({options})' * bool(options)}{prompts}{later * self.learns_from_mistakes}"


def matching(arm: Arm, counts: Mapping[str, Counts]) -> Markup:
    """Say what an arm was matched to, and how many responses that came to.

    Args:
        counts: config -> its statistics.
    """
    if not arm.match:
        return Markup(f"It is not matched: it has {arm.budget} responses to each of its questions, whatever they take.")
    held = list(counts.values())[-1]
    allowed = _allowance(arm)
    if arm.corrections:
        share = arm.corrections / (arm.allowed or 1)
        allowed += f", of which {share:.0%} are kept for corrections of its students' mistakes"
    if arm.makes_questions:
        made = held["questions"]
        return Markup(f"{allowed}: calls for new questions and {arm.budget} answers to each of {made:,} of these.")
    few, more = divmod(held["sampled"], max(arm.questions, 1))
    each = f"{few:,} or {few + 1:,} for each question" if more else f"{few:,} for each question"
    ends = "the next one would go beyond" if arm.match == "samples" else "one reaches that"
    return Markup(
        f"{allowed}: {held['sampled']:,} responses, {each}, drawn index by index in the order of the questions until "
        f"{ends}; {held['accepted']:,} of them train."
    )


def took(ledger: Mapping[str, Counts], prices: Sequence[float] | None) -> Markup:
    """Say what all steps took together, and what that costs.

    Args:
        ledger: step -> samples, prompt_tokens and tokens.
        prices: per million prompt and completion tokens; None where none are known.
    """
    samples, prompt, completion = (
        sum(int(step[name]) for step in ledger.values()) for name in ("samples", "prompt_tokens", "tokens")
    )
    text = f"{samples:,} samples, {prompt:,} prompt tokens and {completion:,} completion tokens"
    if not prices:
        return Markup(text)
    cost = (prompt * prices[0] + completion * prices[1]) / 1e6
    return Markup(f"{text}: a cost of {cost:,.4g} at {prices[0]:g} and {prices[1]:g} per million of them")


def _allowance(arm: Arm) -> str:
    """Say how much a matched arm may take, in the unit that it is matched at."""
    plain = f"{arm.budget} responses to each of {arm.questions:,} questions take in the first arm"
    allowed = arm.allowed or 0
    if arm.match == "compute":
        return f"It may spend as much compute as {plain}, which {allowed:,} tokens of its own teacher are"
    if arm.match == "money":
        return f"It may spend as much money as {plain}, {_money(arm, allowed):,.4g}"
    return f"It may take as many {arm.match} as {plain}, {allowed:,}"


def _money(arm: Arm, allowed: int) -> float:
    """Turn weighted tokens into money, by a price that is not zero and its weight."""
    price, weight = max(zip(arm.prices or (0.0, 0.0), arm.weights, strict=True))
    return allowed * price / weight / 1e6 if weight else 0.0
