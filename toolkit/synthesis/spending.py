"""What sampling costs: an estimate before anything is asked for, and a limit that is kept while asking."""

from collections.abc import Iterable
from typing import NamedTuple

from toolkit.prompt import Messages, contents
from toolkit.synthesis.journal import Usage

# Tokens that a chat template may put around a question; known templates stay below 100.
TEMPLATE_TOKENS = 256
CHARACTERS_PER_TOKEN = 4  # of English with formulas, roughly; used until a journal shows the teacher's own count


class Prices(NamedTuple):
    """What a response costs, in any one currency."""

    prompt: float  # per million prompt tokens
    completion: float  # per million completion tokens
    max_tokens: int  # completion tokens that one response can have

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Give the cost of that many tokens."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6

    def most(self, messages: Messages) -> float:
        """Give the most that one completion can cost: no tokenizer makes more tokens than there are bytes."""
        return self.of(len(contents(messages).encode(errors="replace")) + TEMPLATE_TOKENS, self.max_tokens)


class CostLimit:
    """Keeps a run below `limit`: what is asked for is reserved at its highest cost until its real cost is known.

    A request that was cut or failed without a word on its tokens counts as free, since no server says what it did by
    then. A server that takes more tokens than it was allowed raises what is reserved from then on.
    """

    def __init__(self, prices: Prices, limit: float) -> None:
        self.prices = prices
        self.limit = limit
        self.spent = self.reserved = 0.0
        self.excess = 1.0  # the largest real cost in relation to the highest that it was reserved at

    def reserve(self, messages: Messages) -> float | None:
        """Set aside the most that `messages` can cost and return it; None where less is left."""
        most = self.excess * self.prices.most(messages)
        if self.spent + self.reserved + most > self.limit:
            return None
        self.reserved += most
        return most

    def settle(self, reserved: float, messages: Messages, cost: float) -> None:
        """Replace what was set aside for `messages` by what they did cost."""
        self.reserved -= reserved
        self.spent += cost
        most = self.prices.most(messages)
        if cost > self.excess * most > 0:
            self.excess = cost / most

    def refusal(self, messages: Messages) -> str:
        """Say why `messages` are not asked for."""
        most = self.excess * self.prices.most(messages)
        return f"{self.spent:,.4g} of at most {self.limit:,.4g} spent; the next response could cost {most:,.4g}"


class Estimate(NamedTuple):
    """What is ahead; a limit or a price that is not known is None."""

    requests: int
    prompt_tokens: int  # about
    completion_tokens: int | None  # expected from earlier responses; None without any
    most_completion_tokens: int
    seconds: float | None
    price: float | None  # expected
    most_price: float | None

    @property
    def responses(self) -> int:
        """Responses that are to be made: one of each request."""
        return self.requests

    def __str__(self) -> str:
        expected = "" if self.completion_tokens is None else f", {self.completion_tokens:,} expected"
        text = (
            f"{self.requests:,} requests, about {self.prompt_tokens:,} prompt tokens, at most "
            f"{self.most_completion_tokens:,} completion tokens{expected}"
        )
        if self.seconds is not None:
            text += f", about {self.seconds / 60:,.1f} min"
        if self.most_price is not None:
            text += f", at most {self.most_price:,.4g} to pay"
        return text + (f", {self.price:,.4g} expected" if self.price is not None else "")


def estimate(
    prompts: Iterable[Messages],
    *,
    max_tokens: int,
    seen: Usage | None = None,
    prices: Prices | None = None,
    rate: float | None = None,
) -> Estimate:
    """Estimate what it takes to ask for every prompt of `prompts`, which is read through once.

    Args:
        max_tokens: completion tokens that one response can have.
        seen: of the journal: its means are expected to go on.
        prices: None leaves the price out, as do prices of 0.
        rate: responses per second, when known.
    """
    requests = characters = 0
    for messages in prompts:
        requests += 1
        characters += len(contents(messages))
    known = seen if seen and seen.samples else None
    prompt = round(requests * known.prompt_tokens / known.samples) if known else characters // CHARACTERS_PER_TOKEN
    completion = round(requests * known.completion_tokens / known.samples) if known else None
    priced = prices if prices and (prices.prompt or prices.completion) else None
    return Estimate(
        requests,
        prompt,
        completion,
        requests * max_tokens,
        requests / rate if rate else None,
        priced.of(prompt, completion) if priced and completion is not None else None,
        priced.of(prompt, requests * max_tokens) if priced else None,
    )
