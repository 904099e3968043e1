"""What a protocol of several steps will take, step by step: at most, by its declared bounds, and as the journal shows.

Prompt tokens are counted by characters, so that `at most` is about that many.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from toolkit.prompt import Messages, contents
from toolkit.protocols.calls import call_protocol
from toolkit.protocols.contract import Protocol, Question, QuestionProtocol, Seeds, Writer, variables_of
from toolkit.protocols.execution import Execution, Step, first_prompt
from toolkit.synthesis.journal import Usage
from toolkit.synthesis.spending import CHARACTERS_PER_TOKEN, Prices


class StepEstimate(NamedTuple):
    """What a step takes: at most, and as earlier responses let expect; None without any."""

    step: str
    most: Usage
    expected: Usage | None
    by_student: bool = False  # who costs nothing

    def described(self, bound: str) -> str:
        """Say what the step takes, with `at most` or `about` before the first number."""
        text = (
            f"{self.step}{' (student)' * self.by_student}: "
            f"{bound} {self.most.samples:,} requests, about {self.most.prompt_tokens:,} prompt and "
            f"{self.most.completion_tokens:,} completion tokens"
        )
        if self.expected is None:
            return text
        samples, prompt_tokens, completion_tokens = self.expected
        return f"{text}; expected {samples:,}, {prompt_tokens:,} and {completion_tokens:,}"


class ProtocolEstimate(NamedTuple):
    """What is ahead of a protocol of several steps.

    Attributes:
        responses: that are to be made.
        seconds: None where no rate is known.
        prices: None where the recipe has none.
        bound: what stands before requests, `about` where there can be more.
    """

    responses: int
    steps: Sequence[StepEstimate]
    seconds: float | None = None
    prices: Prices | None = None
    bound: str = "at most"

    @property
    def requests(self) -> int:
        """Give the requests of all steps: those expected, or at most where earlier responses say nothing."""
        return _total(step.expected or step.most for step in self.steps).samples

    def __str__(self) -> str:
        requests, prompt_tokens, completion_tokens = _total(step.most for step in self.steps)
        paid = [step for step in self.steps if not step.by_student]
        text = (
            f"{self.responses:,} responses, {self.bound} {requests:,} requests, about {prompt_tokens:,} prompt and "
            f"{completion_tokens:,} completion tokens"
        )
        if self.seconds is not None:
            text += f", about {self.seconds / 60:,.1f} min"
        if self.prices:
            text += f", {self.bound} {self.prices.of(*_total(step.most for step in paid)[1:]):,.4g} to pay"
            if all(step.expected for step in paid):
                expected = _total(step.expected for step in paid if step.expected)
                text += f", {self.prices.of(*expected[1:]):,.4g} expected"
        return "\n".join([text, *(f"{'':13}{step.described(self.bound)}" for step in self.steps)])


class Sampled(NamedTuple):
    """What the steps of earlier responses took, and how many responses they led to."""

    ledger: Mapping[str, Usage]
    responses: int


def estimate_steps(
    protocol: Protocol,
    questions: Iterable[str],
    seen: Sampled,
    *,
    max_tokens: int,
    prices: Prices | None = None,
    rate: float | None = None,
) -> ProtocolEstimate:
    """Estimate what it takes to make a response to each of `questions`, which is read through once.

    Args:
        seen: the means of earlier responses are expected to go on.
        max_tokens: completion tokens of one step at most; a variable that holds the text of a step counts that many.
        rate: responses per second, when known.
    """
    count, prompts = _longest_prompts(protocol, questions, max_tokens)
    steps = []
    for step, tokens in prompts.items():
        times = protocol.times(step)
        most = Usage(times * count, times * tokens, times * count * max_tokens)
        usage, share = seen.ledger.get(step, Usage(0, 0, 0)), count / max(seen.responses, 1)
        expected = Usage(*(round(share * amount) for amount in usage)) if seen.responses else None
        steps.append(StepEstimate(step, most, expected, step in protocol.by_student))
    priced = prices if prices and (prices.prompt or prices.completion) else None
    return ProtocolEstimate(count, steps, count / rate if rate else None, priced)


def estimate_questions(
    calls: QuestionProtocol,
    answers: Protocol,
    seeds: Sequence[Question],
    questions: int,
    budget: int,
    *,
    max_tokens: int,
    prices: Prices | None = None,
) -> ProtocolEstimate:
    """Estimate what new questions and their answers take, where a call takes each of its steps once and brings one.

    Args:
        calls: makes the new questions.
        answers: makes the responses to them; its prompts are taken to be as long as those of seeds.
        seeds: what the new questions are made of, at least one.
        questions: how many there are to be.
        budget: responses of each.
    """
    prompts = [(step, messages, questions) for step, messages in call_prompts(calls, seeds).items()]
    prompts += [(step, asked, questions * budget) for step, asked in step_prompts(answers, seeds[0].text).items()]
    steps = []
    for step, messages, times in prompts:
        writer = calls.steps.get(step)
        held = sum(variables_of(writer).values()) if writer else 0
        tokens = len(contents(messages)) // CHARACTERS_PER_TOKEN + held * max_tokens
        steps.append(StepEstimate(step, Usage(times, times * tokens, times * max_tokens), None))
    priced = prices if prices and (prices.prompt or prices.completion) else None
    return ProtocolEstimate(questions * budget, steps, None, priced, "about")


def call_prompts(protocol: QuestionProtocol, seeds: Sequence[Question]) -> dict[str, Messages]:
    """Give what the teacher reads in each step of a call: in the first of call 0 as it is asked, as `step_prompts`.

    Raises:
        ProtocolFault: where the protocol asks in another way than its contract allows.
    """
    execution = Execution(call_protocol(protocol, Seeds(seeds)), Question("", ""), 0)
    first = execution.advance()
    execution.close()
    known = {first.name: first.messages} if isinstance(first, Step) else {}
    return {step: known.get(step) or _written(writer, seeds[0].text) for step, writer in protocol.steps.items()}


def _longest_prompts(protocol: Protocol, questions: Iterable[str], max_tokens: int) -> tuple[int, dict[str, int]]:
    """Count the questions, and the tokens that all of them have at most in one prompt of each step."""
    count, prompts = 0, dict.fromkeys(protocol.steps, 0)
    for question in questions:
        count += 1
        for step, messages in step_prompts(protocol, question).items():
            completions = sum(variables_of(protocol.steps[step]).values())
            prompts[step] += len(contents(messages)) // CHARACTERS_PER_TOKEN + completions * max_tokens
    return count, prompts


def step_prompts(protocol: Protocol, question: str) -> dict[str, Messages]:
    """Give what the teacher reads in each step: the first as it is asked, others with `[name]` for what is not known.

    Raises:
        ProtocolFault: see `first_prompt`.
    """
    if len(protocol.steps) == 1 and [set(variables_of(writer)) for writer in protocol.steps.values()] != [{"question"}]:
        return dict.fromkeys(protocol.steps, first_prompt(protocol, question))
    return {step: _written(writer, question) for step, writer in protocol.steps.items()}


def _written(writer: Writer, question: str) -> Messages:
    """Fill a step's prompt with a question, and with `[name]` for what is not known."""
    return writer(**{name: question if name == "question" else f"[{name}]" for name in variables_of(writer)})


def _total(usages: Iterable[Usage]) -> Usage:
    return Usage(*(sum(amounts) for amounts in zip(*usages, strict=True)))
