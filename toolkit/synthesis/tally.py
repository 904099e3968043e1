"""What a sampling run has done so far, in numbers and in one line."""

import dataclasses
from collections import Counter


@dataclasses.dataclass(slots=True)
class Tally:
    """Counts of one run; what earlier runs left in the journal is not in them."""

    total: int | None = None  # rows that the run is to write, when known
    asked: int = 0  # rows that were begun
    sampled: int = 0  # rows written: responses, and requests without one whose reason is recorded
    errors: Counter[str] = dataclasses.field(default_factory=Counter)  # rows without a response, by kind of reason
    requests: int = 0  # answered, of all steps of all responses
    retries: int = 0  # requests sent again
    in_flight: int = 0
    prompt_tokens: int = 0  # of all that was asked, tries and errors too, as far as the server counts them
    completion_tokens: int = 0
    reasoned: int = 0  # responses before which the model thought aloud
    judged: int = 0  # responses that the judge had the time to look at
    accepted: int = 0  # of those
    cost: float = 0.0  # of these tokens, in the currency of the prices; where the server does not count them, the most
    seconds: float = 0.0
    stopped: str = ""  # why the run ended before all was sampled

    def snapshot(self) -> "Tally":
        """Give a copy that no longer changes."""
        return dataclasses.replace(self, errors=self.errors.copy())


def describe(tally: Tally) -> str:
    """Give what stands beside the bar of rows done: `256 in flight, 1.2k tokens/s, 3 sent again, accepted 61.2%`."""
    errors = ", ".join(f"{count:,} x {kind}" for kind, count in tally.errors.most_common(2))
    parts = {
        f"{tally.in_flight:,} in flight": tally.in_flight,
        f"{tally.completion_tokens / max(tally.seconds, 1e-9):,.0f} tokens/s": tally.completion_tokens,
        f"{tally.retries:,} sent again": tally.retries,
        f"without a response: {errors}": tally.errors,
        f"accepted {tally.accepted / max(tally.judged, 1):.1%}": tally.judged,
        f"cost {tally.cost:,.4g}": tally.cost,
        f"stopped: {tally.stopped}": tally.stopped,
    }
    return ", ".join(text for text, shown in parts.items() if shown)
