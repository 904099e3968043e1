"""Question augmentation of OpenMathInstruct-2 (arXiv:2410.01560): one call turns a seed question into a new one.

`inspired` asks for a problem that takes another approach, as the paper does for MATH; `similar` for one of the same
kind, as for GSM8K. Each prompt has pairs of old and new questions, and asks for the statement alone.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from toolkit.protocols.contract import Ask, NewQuestion, QuestionProtocol, Seeds, Synthesise
from toolkit.protocols.prompts import load_prompts
from toolkit.protocols.reading import tagged


def protocol(
    prompt: str,
    prompts: Mapping[str, str] | None = None,
    *,
    style: Literal["inspired", "similar"] = "inspired",
    calls_per_round: Annotated[int, Field(ge=1)] = 64,
) -> QuestionProtocol:
    """Give the protocol with a single step, which has the name of the style.

    Args:
        prompt: unused: no answer is asked for.
        style: how near the new question is to its seed.
        calls_per_round: they take the seeds in turn.
    """
    steps = load_prompts(__file__, {style: {"question": 0}}, prompts)
    return QuestionProtocol(steps, _synthesise(style), calls_per_round=calls_per_round)


def _synthesise(style: str) -> Synthesise:
    async def synthesise(ask: Ask, seeds: Seeds, index: int) -> list[NewQuestion]:
        seed = seeds.given[index % len(seeds.given)]
        text, reason = tagged(await ask(style, question=seed.text), "question")
        return [NewQuestion(text, (seed.question_id,), reason, style)]

    return synthesise
