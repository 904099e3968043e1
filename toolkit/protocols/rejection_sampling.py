"""Rejection sampling (RS): the teacher answers, and the right answers are kept."""

import functools

from toolkit.prompt import Messages, prompt_writer, user_turn
from toolkit.protocols.contract import ANSWER, Ask, Draft, Protocol, Question

CACHED = 16_384  # filled prompts that stay in memory, since a question is asked several times


def protocol(prompt: str) -> Protocol:
    """Give the protocol with one step, which asks the question in the recipe's words as one message of a user."""
    write = prompt_writer(prompt)

    @functools.lru_cache(CACHED)
    def answer(*, question: str) -> Messages:
        return user_turn(write(question))

    return Protocol({ANSWER: answer}, respond)


async def respond(ask: Ask, question: Question, index: int) -> Draft:
    """Hand over the teacher's answer as it is."""
    answer = await ask(ANSWER, question=question.text)
    return Draft(answer.text, answer.finish_reason)
