"""Rejection sampling (RS): the teacher answers, and the right answers are kept."""

from toolkit.protocols.contract import ANSWER, Ask, Draft, Protocol, Question
from toolkit.protocols.prompts import question_prompt


def protocol(prompt: str) -> Protocol:
    """Give the protocol with one step, which asks the question in the recipe's words."""
    return Protocol({ANSWER: question_prompt(prompt)}, respond)


async def respond(ask: Ask, question: Question, index: int) -> Draft:
    """Hand over the teacher's answer as it is."""
    answer = await ask(ANSWER, question=question.text)
    return Draft(answer.text, answer.finish_reason)
