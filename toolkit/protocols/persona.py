"""Persona Hub (arXiv:2406.20094): the teacher names somebody who has to do with a question, and asks as they would.

The personas come from the seeds, so that no other source enters. Personas that share most of their words count once.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from toolkit.protocols.chance import chosen
from toolkit.protocols.contract import Ask, Filter, NewQuestion, QuestionProtocol, Seeds, Synthesise
from toolkit.protocols.prompts import load_prompts
from toolkit.protocols.reading import CUT, collapsed
from toolkit.protocols.similarity import jaccard
from toolkit.teachers.completion import Completion

MARKER = "Problem:"  # the prompt asks for it at the beginning
NO_MARKER, NO_PERSONA, REPEATED = "no marker", "no persona", "repeated persona"
RELATIONS = ("write", "read", "enjoy", "dislike")  # what somebody may do with a question


def protocol(
    prompt: str,
    prompts: Mapping[str, str] | None = None,
    *,
    persona_similarity: Annotated[float, Field(gt=0, le=1)] = 0.9,
    calls_per_round: Annotated[int, Field(ge=1)] = 64,
    draw_seed: Annotated[int, Field(ge=0)] = 0,
) -> QuestionProtocol:
    """Give the protocol with the steps `persona` and `problem`.

    Args:
        prompt: unused: no answer is asked for.
        persona_similarity: share of common words (Jaccard) from which two personas are the same.
        draw_seed: of what the persona has to do with the seed.
    """
    problem = {"question": 0, "persona": 1}
    steps = load_prompts(__file__, {"persona": {"question": 0, "relation": 0}, "problem": problem}, prompts)
    personas = {REPEATED: _is_repeated(persona_similarity)}
    return QuestionProtocol(steps, _synthesise(draw_seed), {}, personas, {}, calls_per_round)


def _synthesise(draw_seed: int) -> Synthesise:
    async def synthesise(ask: Ask, seeds: Seeds, index: int) -> list[NewQuestion]:
        seed = seeds.given[index % len(seeds.given)]
        relation = RELATIONS[chosen(f"{draw_seed}:{seed.question_id}:{index}:relation", len(RELATIONS))]
        named = await ask("persona", question=seed.text, relation=relation)
        persona = collapsed(named.text)
        if not persona or named.finish_reason != "stop":
            return [NewQuestion(persona, (seed.question_id,), NO_PERSONA)]
        problem = await ask("problem", named, question=seed.text, persona=persona)
        text, reason = marked(problem)
        return [NewQuestion(text, (seed.question_id,), reason, persona)]

    return synthesise


def marked(completion: Completion) -> tuple[str, str]:
    """Give the text behind the marker, or the whole text and why it is no problem."""
    text = completion.text.strip()
    if completion.finish_reason != "stop":
        return text, CUT
    return text.removeprefix(MARKER).strip(), "" if text.startswith(MARKER) else NO_MARKER


def _is_repeated(least: float) -> Filter:
    def is_repeated(persona: str, known: Sequence[str]) -> bool:
        return any(jaccard(persona, other) >= least for other in known)

    return is_repeated
