"""Orca's explanation tuning (arXiv:2306.02707): rejection sampling under one of 16 system messages that ask for styles.

Which message a response gets depends on a seed, the question and the index, so that a larger budget continues a smaller
one. The student is trained with the message in its prompt, or without it (`erase`, as in Orca 2).
"""

from typing import Annotated

from pydantic import Field

from toolkit.prompt import Messages, user_turn
from toolkit.protocols.chance import chosen
from toolkit.protocols.contract import ANSWER, Ask, Draft, Protocol, Question
from toolkit.protocols.prompts import load_template, question_prompt

PLAIN = "none"  # no system message, as the student's test prompt has none
STYLES: tuple[str, ...] = (
    *(PLAIN, "reasons", "complete", "literal", "child", "child_steps", "rules", "justify", "plan", "brief"),
    *("define", "example", "expert", "check"),
)
CHOICE_STYLES = ("eliminate", "compare")  # for questions that list options


def protocol(
    prompt: str, *, erase: bool = False, choices: bool = False, style_seed: Annotated[int, Field(ge=0)] = 0
) -> Protocol:
    """Give the protocol with the single step `answer`.

    Args:
        erase: whether the student is trained on the question alone, without the system message.
        choices: whether the questions list options, so that all 16 messages are used instead of 14.
        style_seed: of the choice of messages. Where a recipe does not set it, replicate k of an experiment has k.
    """
    ask_question, system = question_prompt(prompt), load_template(__file__, "system", {"style": 0})

    def answer(*, question: str, style: str) -> Messages:
        return [*_system(system(style=style)), *ask_question(question=question)]

    styles = STYLES + CHOICE_STYLES * choices
    prompts = {style: _system(system(style=style)) for style in styles} if not erase else {}

    async def respond(ask: Ask, question: Question, index: int) -> Draft:
        style = style_of(style_seed, question.question_id, index, styles)
        completion = await ask(ANSWER, question=question.text, style=style)
        kept = [*prompts[style], *user_turn(question.text)] if prompts.get(style) else None
        return Draft(completion.text, completion.finish_reason, kept)

    return Protocol({ANSWER: answer}, respond)


def style_of(seed: int, question_id: str, index: int, styles: tuple[str, ...]) -> str:
    """Choose the style of a response: a hash, so that it depends on nothing but its arguments."""
    return styles[chosen(f"{seed}:{question_id}:{index}:style", len(styles))]


def _system(text: str) -> Messages:
    return [{"role": "system", "content": text}] if text else []
