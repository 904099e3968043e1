"""Self-Refine (arXiv:2303.17651): the teacher reviews and rewrites its own draft until it finds nothing wrong.

The reviewer never sees the known answer. A review that was cut, or that holds no solution, leaves the text as it was.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from toolkit.protocols.contract import LONGEST, Ask, Draft, Protocol, Question, Respond
from toolkit.protocols.prompts import load_prompts, question_prompt
from toolkit.teachers.completion import Completion

SATISFIED = "Every step is right."  # the prompt asks for this line where nothing is to be corrected
SOLUTION = "Solution:"  # and for this one above the whole solution


def protocol(
    prompt: str, prompts: Mapping[str, str] | None = None, *, rounds: Annotated[int, Field(ge=1, lt=LONGEST)] = 4
) -> Protocol:
    """Give the protocol with the steps `draft` and `review`.

    Args:
        rounds: reviews at most; each is one call, which lists what is wrong and rewrites the solution.
    """
    steps = load_prompts(__file__, {"review": {"question": 0, "attempt": 1, "exchange": rounds - 1}}, prompts)
    return Protocol({"draft": question_prompt(prompt), **steps}, _respond(rounds), {"review": rounds})


def _respond(rounds: int) -> Respond:
    async def respond(ask: Ask, question: Question, index: int) -> Draft:
        first = await ask("draft", question=question.text)
        draft, reviews = Draft(first.text, first.finish_reason), list[Completion]()
        while len(reviews) < rounds and not (reviews and is_satisfied(reviews[-1].text)):
            texts = {"question": question.text, "attempt": draft.text, "exchange": exchange(reviews)}
            reviews.append(await ask("review", first, *reviews, **texts))
            draft = rewritten(reviews[-1]) or draft
        return draft

    return respond


def exchange(reviews: Sequence[Completion]) -> str:
    """Join the reviews so far, oldest first, as the next review reads them."""
    return "\n\n".join(f"Review {number}:\n{review.text.strip()}" for number, review in enumerate(reviews, 1))


def is_satisfied(review: str) -> bool:
    """Say whether a review finds nothing to correct."""
    return any(line.strip() == SATISFIED for line in review.splitlines())


def rewritten(review: Completion) -> Draft | None:
    """Give the solution that a review ends with; None for one that was cut, or that has none."""
    _, found, solution = review.text.rpartition(f"{SOLUTION}\n")
    return Draft(solution.strip()) if found and solution.strip() and review.finish_reason == "stop" else None
